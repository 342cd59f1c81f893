/*
 * Drafts that were left behind: finding them, offering them, and the command.
 */
#define _GNU_SOURCE
#include "client/cli/draft.h"
#include "client/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_POINTS 50
#define DETACHED_MS (24 * 3600 * INT64_C(1000)) /* how long an unchanged one waits for its window */

struct list {
    struct qr_cli_draft *items;
    size_t count, total;
};

static void list_finish(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        qr_cli_draft_finish(&list->items[i]);
    }
    free(list->items);
}

static int oldest_first(const void *left, const void *right)
{
    const struct qr_cli_draft *a = left, *b = right;
    return a->started_ms != b->started_ms
        ? (a->started_ms > b->started_ms) - (a->started_ms < b->started_ms)
        : strcmp(a->name, b->name);
}

/* Those that are in no editor now, with all that their editors wrote. One that does not open is left out. */
static enum quire_status list_drafts(struct qr_cli *cli, struct list *out_list)
{
    char(*names)[QR_CLIENT_SEALED_NAME] = calloc(QR_CLIENT_DRAFTS_MAX, sizeof *names);
    struct list list = {.items = calloc(QR_CLIENT_DRAFTS_MAX, sizeof *list.items)};
    size_t count = 0;
    enum quire_status status = names == NULL || list.items == NULL
        ? QUIRE_ENOMEM
        : qr_client_draft_list(cli->client, names, QR_CLIENT_DRAFTS_MAX, &count);
    list.total = count;
    for (size_t i = 0; status == QUIRE_OK && i < count && i < QR_CLIENT_DRAFTS_MAX; i++) {
        struct qr_cli_draft *draft = &list.items[list.count];
        if (qr_cli_draft_read(cli, names[i], draft) != QUIRE_OK) {
            continue;
        }
        if (qr_cli_draft_is_open(draft)) {
            qr_cli_draft_finish(draft);
            continue;
        }
        qr_cli_draft_absorb(cli, draft);
        bool unchanged = !qr_cli_draft_is_changed(draft);
        if (unchanged && qr_cli_wall_ms() - draft->started_ms > DETACHED_MS) {
            qr_cli_draft_remove(cli, draft);
        }
        if (unchanged) { /* its window has saved nothing yet */
            qr_cli_draft_finish(draft);
            continue;
        }
        list.count++;
    }
    free(names);
    if (status != QUIRE_OK) {
        list_finish(&list);
        return status;
    }
    qsort(list.items, list.count, sizeof *list.items, oldest_first);
    *out_list = list;
    return QUIRE_OK;
}

size_t qr_cli_draft_count(struct qr_cli *cli)
{
    struct list list = {0};
    if (list_drafts(cli, &list) != QUIRE_OK) {
        return 0;
    }
    size_t count = list.count;
    list_finish(&list);
    return count;
}

void qr_cli_draft_print_notice(struct qr_cli *cli)
{
    size_t count = cli->json ? 0 : qr_cli_draft_count(cli);
    if (count > 0) {
        fprintf(stderr, "%s%zu %s not saved yet: quire drafts%s\n",
            cli->error_colour ? "\x1b[33m" : "", count, count == 1 ? "draft is" : "drafts are",
            cli->error_colour ? "\x1b[0m" : "");
    }
}

/* The first line of a draft, short. */
static struct quire_bytes first_line(const struct qr_cli_draft *draft)
{
    struct quire_bytes line = quire_buffer_bytes(&draft->text);
    size_t size = 0, points = 0;
    while (size < line.size && line.data[size] != '\n' && points < LINE_POINTS) {
        size++;
        while (size < line.size && (line.data[size] & 0xc0) == 0x80) {
            size++;
        }
        points++;
    }
    return (struct quire_bytes){line.data, size};
}

enum qr_cli_exit qr_cli_draft_offer(
    struct qr_cli *cli, const uint8_t *entry, struct qr_cli_draft *out_draft, bool *out_found)
{
    struct list list = {0};
    *out_found = false;
    enum quire_status status = list_drafts(cli, &list);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    for (size_t i = list.count; i > 0 && !*out_found; i--) {
        struct qr_cli_draft *draft = &list.items[i - 1];
        bool fits = entry == NULL
            ? draft->is_new
            : !draft->is_new && memcmp(draft->entry, entry, QUIRE_ENTRY_SIZE) == 0;
        if (!fits) {
            continue;
        }
        char when[48];
        qr_cli_time_text(draft->started_ms, when);
        fprintf(stderr, "A draft of %s was not saved: ", when);
        qr_cli_print_name(stderr, first_line(draft));
        fputc('\n', stderr);
        if (!qr_cli_can_ask(cli)) {
            fprintf(stderr, "  To go on with it: quire drafts resume %.8s\n", draft->name);
            break;
        }
        if (!qr_cli_confirm("Go on with it?", true)) {
            break;
        }
        *out_draft = *draft;
        *draft = (struct qr_cli_draft){0};
        *out_found = true;
    }
    list_finish(&list);
    return QR_CLI_DONE;
}

/* ---- the command ------------------------------------------------------------------------------ */

static json_t *json_draft(const struct qr_cli_draft *draft)
{
    struct quire_bytes text = quire_buffer_bytes(&draft->text);
    json_t *shown = qr_client_text_valid(text, NULL) ? qr_cli_json_bytes(text) : json_null();
    return json_pack("{s:s, s:o, s:I, s:o}", "draft", draft->name, "entry",
        draft->is_new ? json_null() : qr_cli_json_id(draft->entry), "started_ms",
        (json_int_t)draft->started_ms, "text", shown);
}

static enum qr_cli_exit print_drafts(struct qr_cli *cli, const struct list *list)
{
    json_t *array = cli->json ? json_array() : NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct qr_cli_draft *draft = &list->items[i];
        char when[48], entry[33] = "new";
        if (cli->json) {
            json_array_append_new(array, json_draft(draft));
            continue;
        }
        qr_cli_time_text(draft->started_ms, when);
        if (!draft->is_new) {
            qr_cli_id_text(draft->entry, entry);
        }
        printf("%s%.8s%s  %s%s  %-8.8s%s  ", qr_cli_bold(cli), draft->name, qr_cli_plain(cli),
            qr_cli_dim(cli), when, entry, qr_cli_plain(cli));
        qr_cli_print_name(stdout, first_line(draft));
        fputc('\n', stdout);
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "drafts", array));
    }
    if (list->total > QR_CLIENT_DRAFTS_MAX) {
        printf("… and %zu more, once some of these are saved or discarded.\n",
            list->total - QR_CLIENT_DRAFTS_MAX);
    }
    if (cli->terminal) {
        printf(list->count == 0 ? "There are no drafts.\n"
                                : "\nGo on with one, save it as it is, or throw it away:\n"
                                  "  quire drafts resume|save|discard [DRAFT]\n");
    }
    return QR_CLI_DONE;
}

/* The one that is named, or the only one. */
static struct qr_cli_draft *find_draft(
    struct qr_cli *cli, const struct list *list, enum qr_cli_exit *out_exit)
{
    const char *name = cli->args.operand_count > 1 ? cli->args.operands[1] : "";
    struct qr_cli_draft *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i].name, name, strlen(name)) == 0) {
            found = &list->items[i];
            count++;
        }
    }
    if (count == 1) {
        return found;
    }
    const char *text = list->count == 0 ? "There are no drafts."
        : count == 0                    ? "No draft has a name that begins so; nothing was changed."
        : name[0] == 0                  ? "There is more than one draft: say which."
                       : "More than one draft has a name that begins so: give more of it.";
    enum quire_status status = count == 0 ? QUIRE_ENOTFOUND : QUIRE_ECONFLICT;
    qr_cli_error(cli, status, QR_CLI_FAILED, text, list->count == 0 ? NULL : "See: quire drafts");
    *out_exit = QR_CLI_FAILED;
    return NULL;
}

static enum qr_cli_exit act_on(struct qr_cli *cli, const char *verb, struct qr_cli_draft *draft)
{
    bool edited = true;
    if (strcmp(verb, "discard") == 0) {
        qr_cli_draft_remove(cli, draft);
        return cli->json ? qr_cli_print_json(cli, json_pack("{s:s}", "discarded", draft->name))
                         : QR_CLI_DONE;
    }
    enum qr_cli_exit exit =
        strcmp(verb, "resume") == 0 ? qr_cli_draft_edit(cli, draft, &edited) : QR_CLI_DONE;
    return exit == QR_CLI_DONE && edited ? qr_cli_save_draft(cli, draft) : exit;
}

enum qr_cli_exit qr_cli_drafts(struct qr_cli *cli)
{
    struct list list = {0};
    const char *verb = cli->args.operand_count > 0 ? cli->args.operands[0] : NULL;
    if (verb != NULL && strcmp(verb, "resume") != 0 && strcmp(verb, "save") != 0
        && strcmp(verb, "discard") != 0) {
        return qr_cli_usage(cli, "With a draft one can: resume, save, discard.");
    }
    enum qr_cli_exit exit = qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    quire_client_close(cli->client); /* drafts lie beside it, and the editor may take long */
    enum quire_status status = list_drafts(cli, &list);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (verb == NULL) {
        exit = print_drafts(cli, &list);
    } else {
        struct qr_cli_draft *draft = find_draft(cli, &list, &exit);
        exit = draft != NULL ? act_on(cli, verb, draft) : exit;
    }
    list_finish(&list);
    return exit;
}
