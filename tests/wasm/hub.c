/*
 * A hub behind standard input and output, for a server in JavaScript (host_server.mjs). Lines in:
 *
 *   NOW open ID HOST     NOW frame ID HEX     NOW closed ID     NOW tick
 *
 * NOW is the server's monotonic clock in milliseconds. Lines out: "send ID HEX", "close ID".
 */
#include "kit/hub.h"
#include "kit/need.h"
#include "kit/random.h"
#include "native.h"
#include "crypto/sign.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kit_hub server;
static struct kit_random source = {1};

static uint8_t digit(char letter)
{
    return (uint8_t)(letter <= '9' ? letter - '0' : letter - 'a' + 10);
}

static void unhex(const char *text, struct quire_buffer *out)
{
    quire_buffer_clear(out);
    for (; text[0] != 0 && text[1] != 0; text += 2) {
        uint8_t byte = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
        KIT_OK(quire_buffer_append(out, &byte, 1));
    }
}

static void step(struct qr_hub_event event)
{
    struct qr_hub_actions actions;
    uint64_t now_ms = event.now_ms, closing[16];
    size_t closing_count = 0;
    event.wall_ms = 1700000000000 + now_ms;
    kit_random_fill(&source, event.entropy, sizeof event.entropy);
    KIT_OK(qr_hub_step(server.hub, &event, &actions));
    for (size_t i = 0; i < actions.count; i++) {
        const struct qr_hub_action *action = &actions.items[i];
        if (action->kind == QR_HUB_SEND) {
            printf("send %" PRIu64 " ", action->connection);
            put_hex(action->bytes);
            putchar('\n');
        } else if (action->kind == QR_HUB_CLOSE) {
            KIT_NEED(closing_count < 16);
            closing[closing_count++] = action->connection;
            printf("close %" PRIu64 "\n", action->connection);
        } else {
            kit_hub_carry_out(&server, action);
        }
    }
    while (kit_hub_answer(&server, &event)) {
        event.now_ms = now_ms;
        step(event);
    }
    for (size_t i = 0; i < closing_count; i++) {
        step((struct qr_hub_event){
            .kind = QR_HUB_CLOSED, .now_ms = now_ms, .connection = closing[i]});
    }
}

void serve_hub(void)
{
    static const uint8_t log_id[QR_LOG_SIZE] = {7};
    uint8_t entropy[QR_ENTROPY_SIZE] = {1};
    struct quire_buffer bytes = {0};
    char *line = NULL;
    size_t capacity = 0;
    KIT_NEED(qr_crypto_init());
    qr_hub_limits_default(&server.limits);
    kit_hub_start(&server, log_id, entropy);
    while (getline(&line, &capacity, stdin) > 0) {
        struct qr_hub_event event = {.kind = QR_HUB_TICK};
        char what[8];
        int at = 0;
        KIT_NEED(sscanf(line, "%" SCNu64 " %7s %n", &event.now_ms, what, &at) == 2);
        char *rest = line + at;
        rest[strcspn(rest, "\n")] = 0;
        if (strcmp(what, "tick") != 0) {
            event.connection = strtoull(rest, &rest, 10);
            rest += *rest == ' ';
            event.kind = strcmp(what, "open") == 0 ? QR_HUB_OPEN
                : strcmp(what, "frame") == 0       ? QR_HUB_FRAME
                                                   : QR_HUB_CLOSED;
            if (event.kind == QR_HUB_FRAME) {
                unhex(rest, &bytes);
                event.bytes = quire_buffer_bytes(&bytes);
            } else if (event.kind == QR_HUB_OPEN) {
                event.bytes = quire_bytes_of_text(rest);
            }
        }
        step(event);
        fflush(stdout);
    }
    free(line);
    quire_buffer_finish(&bytes);
    kit_hub_finish(&server);
}
