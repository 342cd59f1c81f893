#include "kit/device.h"
#include "kit/need.h"
#include <string.h>

void kit_device_finish(struct kit_device *shell)
{
    quire_device_destroy(shell->device);
    kit_table_finish(&shell->table);
    quire_buffer_finish(&shell->replica_record);
    *shell = (struct kit_device){0};
}

struct quire_device_options kit_device_options(
    struct kit_device *shell, const uint8_t *entropy, int64_t wall_ms)
{
    struct quire_device_options options = {.reader = kit_table_reader(&shell->table),
        .wall_ms = wall_ms,
        .replica_record = quire_buffer_bytes(&shell->replica_record)};
    options.fold = shell->fold;
    memset(options.profile_key, 7, sizeof options.profile_key);
    memcpy(options.entropy, entropy, sizeof options.entropy);
    return options;
}

static void note(struct kit_device *shell, const struct quire_action *action)
{
    KIT_NEED((size_t)action->notice < KIT_NOTICES);
    shell->notices[action->notice]++;
    shell->last_code[action->notice] = action->code;
    if (action->notice == QUIRE_NOTICE_PAIR_CODE) {
        KIT_NEED(action->bytes.size < sizeof shell->code);
        memcpy(shell->code, action->bytes.data, action->bytes.size);
        shell->code[action->bytes.size] = 0;
    }
}

struct kit_outcome kit_device_carry_out(struct kit_device *shell,
    const struct quire_actions *actions, void (*send)(void *context, struct quire_bytes message),
    void *context)
{
    struct kit_outcome outcome = {0};
    for (size_t i = 0; i < actions->count; i++) {
        const struct quire_action *action = &actions->items[i];
        switch (action->kind) {
        case QUIRE_ACTION_PERSIST:
            for (size_t w = 0; w < action->write_count; w++) {
                kit_table_write(&shell->table, &action->writes[w]);
            }
            outcome.persisted = action->token;
            break;
        case QUIRE_ACTION_SEND: send(context, action->bytes); break;
        case QUIRE_ACTION_CLOSE:
            outcome.close = true;
            outcome.retry_ms = action->retry_ms;
            break;
        case QUIRE_ACTION_REPLICA:
            quire_buffer_clear(&shell->replica_record);
            KIT_OK(quire_buffer_append(
                &shell->replica_record, action->bytes.data, action->bytes.size));
            break;
        case QUIRE_ACTION_NOTICE: note(shell, action); break;
        }
    }
    return outcome;
}
