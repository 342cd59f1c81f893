/*
 * The sentences of enum quire_status.
 */
#include <quire/status.h>

static const char *const sentences[QUIRE_STATUS_COUNT] = {
    [QUIRE_OK] = "ok",
    [QUIRE_ENOMEM] = "there is not enough memory",
    [QUIRE_EMALFORMED] = "the bytes received are malformed",
    [QUIRE_ELIMIT] = "a limit was reached",
    [QUIRE_EINVALID] = "an argument is outside of what is allowed",
    [QUIRE_ENOTFOUND] = "there is no such thing",
    [QUIRE_ECRYPTO] = "a signature, seal or commitment does not hold",
    [QUIRE_ESTATE] = "this cannot be done in the present state",
    [QUIRE_ECONFLICT] = "another process or device was first",
    [QUIRE_EIO] = "the disk or the network failed",
    [QUIRE_EFULL] = "the disk is full",
    [QUIRE_ECORRUPT] = "stored bytes do not match their hash",
    [QUIRE_ELOCKED] = "another process is using it",
    [QUIRE_EUNSUPPORTED] = "a newer version of Quire wrote this",
};

const char *quire_status_text(enum quire_status status)
{
    if ((unsigned)status >= QUIRE_STATUS_COUNT) {
        return "an unknown status";
    }
    return sentences[status];
}
