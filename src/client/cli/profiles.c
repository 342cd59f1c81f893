/*
 * Several profiles: --profile NAME, and the list of them.
 */
#define _GNU_SOURCE
#include "client/cli/profiles.h"
#include "client/keyfile.h"
#include "client/lock.h"
#include "client/profile.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROFILES_MAX 1000 /* that are listed */
#define NAME_MAX_BYTES 64

/* Where profiles with a name lie. */
static enum quire_status named_folder(
    struct qr_client_path *out_path, struct qr_client_error *error)
{
    const char *data_home = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data_home != NULL && data_home[0] == '/') {
        return qr_client_path(out_path, error, "%s/quire", data_home);
    }
    if (home == NULL || home[0] != '/') {
        return qr_client_fail(error, QUIRE_ENOTFOUND,
            "There is no folder for profiles with a name: neither XDG_DATA_HOME nor HOME is set. Name "
            "a folder: --profile DIR, with a '/' in it.");
    }
    return qr_client_path(out_path, error, "%s/.local/share/quire", home);
}

/* "work" is a name, "./work" and "/home/ada/work" are folders; so is "work" where a profile lies there. */
static bool is_name(const char *option)
{
    struct qr_client_path config;
    struct qr_client_error ignored;
    return option[0] != 0 && option[0] != '.' && strchr(option, '/') == NULL
        && (qr_client_path(&config, &ignored, "%s/config", option) != QUIRE_OK
            || access(config.text, F_OK) != 0);
}

enum qr_cli_exit qr_cli_find_profile(struct qr_cli *cli, const char **out_profile)
{
    struct qr_client_error error;
    struct qr_client_path folder;
    const char *option = qr_cli_value(&cli->args, "profile");
    *out_profile = option;
    if (option == NULL || !is_name(option)) {
        return QR_CLI_DONE;
    }
    if (strlen(option) > NAME_MAX_BYTES) {
        return qr_cli_usage(
            cli, "The name of a profile has %d bytes at most; a folder has a '/'.", NAME_MAX_BYTES);
    }
    enum quire_status status = named_folder(&folder, &error);
    if (status == QUIRE_OK && cli->profile == NULL) {
        cli->profile = malloc(sizeof *cli->profile);
        status = cli->profile == NULL ? QUIRE_ENOMEM : QUIRE_OK;
    }
    if (status == QUIRE_OK) {
        status = qr_client_path(cli->profile, &error, "%s/%s", folder.text, option);
    }
    if (status == QUIRE_ENOMEM) {
        return qr_cli_no_memory(cli);
    }
    if (status != QUIRE_OK) {
        qr_cli_error(cli, status, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    *out_profile = cli->profile->text;
    return QR_CLI_DONE;
}

/* ---- the list --------------------------------------------------------------------------------- */

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static size_t read_names(const char *folder, char **names, size_t capacity)
{
    DIR *listing = opendir(folder);
    size_t count = 0;
    for (struct dirent *row;
         listing != NULL && count < capacity && (row = readdir(listing)) != NULL;) {
        struct qr_client_path config;
        struct qr_client_error ignored;
        if (row->d_name[0] != '.'
            && qr_client_path(&config, &ignored, "%s/%s/config", folder, row->d_name) == QUIRE_OK
            && access(config.text, F_OK) == 0) {
            names[count] = strdup(row->d_name);
            count += names[count] != NULL;
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    qsort(names, count, sizeof *names, by_name);
    return count;
}

static void print_one(
    struct qr_cli *cli, json_t *array, const char *folder, const char *name, const char *present)
{
    struct qr_client_path path, key_file;
    struct qr_client_profile profile;
    struct qr_client_error error;
    if (qr_client_path(&path, &error, "%s/%s", folder, name) != QUIRE_OK) {
        return;
    }
    bool good = qr_client_profile_look(path.text, &profile, &error) == QUIRE_OK;
    bool sealed = good
        && qr_client_key_path(NULL, profile.config.key_name, &key_file, &error) == QUIRE_OK
        && qr_client_key_is_sealed(key_file.text);
    char *real = realpath(path.text, NULL);
    bool is_present = real != NULL && strcmp(real, present) == 0;
    free(real);
    const char *server = good && profile.config.server[0] != 0 ? profile.config.server : NULL;
    if (cli->json) {
        json_array_append_new(array,
            json_pack("{s:o, s:s, s:s?, s:b, s:b}", "name",
                qr_cli_json_bytes(quire_bytes_of_text(name)), "folder", path.text, "server", server,
                "passphrase", (int)sealed, "present", (int)is_present));
        return;
    }
    printf("%s ", is_present ? "*" : " ");
    qr_cli_print_name(stdout, quire_bytes_of_text(name));
    printf("  %s%s%s%s\n", qr_cli_dim(cli),
        !good                ? "cannot be read"
            : server != NULL ? server
                             : "no server yet",
        sealed ? ", with a passphrase" : "", qr_cli_plain(cli));
}

enum qr_cli_exit qr_cli_profiles(struct qr_cli *cli)
{
    struct qr_client_path folder, present = {{0}};
    struct qr_client_error error = {0};
    const char *option = NULL;
    enum qr_cli_exit exit = qr_cli_find_profile(cli, &option);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = named_folder(&folder, &error);
    if (status != QUIRE_OK) {
        qr_cli_error(cli, status, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    char **names = calloc(PROFILES_MAX, sizeof *names);
    json_t *array = cli->json ? json_array() : NULL;
    if (names == NULL) {
        json_decref(array);
        return qr_cli_no_memory(cli);
    }
    if (qr_client_profile_path(option, &present, &error) == QUIRE_OK) {
        char *real = realpath(present.text, NULL);
        snprintf(present.text, sizeof present.text, "%s", real != NULL ? real : "");
        free(real);
    }
    size_t count = read_names(folder.text, names, PROFILES_MAX);
    for (size_t i = 0; i < count; i++) {
        print_one(cli, array, folder.text, names[i], present.text);
        free(names[i]);
    }
    free(names);
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "profiles", array));
    }
    if (count == 0) {
        printf("There is no profile in %s yet. To make one: quire init\n", folder.text);
    }
    return QR_CLI_DONE;
}
