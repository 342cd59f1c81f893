/*
 * Sentences for a person: what happened, what is safe, what to do.
 */
#include "codec/frame.h"
#include <quire/device.h>

static const char *const alarms[QUIRE_ALARM_COUNT] = {
    [QUIRE_ALARM_BAD_SIGNATURE] =
        "the server sent something that none of your devices signed; it was not used",
    [QUIRE_ALARM_FORK] = "two different changes claim the same place in one device's history; the "
                         "first one was kept. A copied device or a dishonest server does this",
    [QUIRE_ALARM_ROSTER] =
        "the server's list of your devices contradicts the signed one kept here: the server was put "
        "back to an old backup, or is dishonest. Revocations and devices that it forgot are made "
        "again; look at `quire devices`",
    [QUIRE_ALARM_SERVER_BEHIND] =
        "the server had lost changes that it had confirmed before; they were sent again from here",
    [QUIRE_ALARM_WITHHELD] =
        "another device was not shown changes that the server had; compare the "
        "state digest of `quire status` on both devices",
    [QUIRE_ALARM_UNREADABLE] =
        "a signed change could not be opened or merged; it is kept, and this entry may lack it",
    [QUIRE_ALARM_CLOCK] = "this device's clock and the server's differ by more than two minutes; "
                          "nothing depends on it but the times shown",
    [QUIRE_ALARM_DAMAGED] =
        "a change that was kept on this device's disk cannot be read any more; what the entries show is not "
        "touched, and it is taken from another device as soon as one has it. Test the disk",
    [QUIRE_ALARM_REVOKED_WRITE] =
        "a device that you revoked tried to write after its revocation; it was not used",
};

const char *quire_alarm_text(uint32_t alarm)
{
    return alarm < QUIRE_ALARM_COUNT && alarms[alarm] != NULL ? alarms[alarm] : "unknown warning";
}

static const char *const errors[QR_ERROR_CODE_COUNT] = {
    [QR_ERROR_PROTO] = "the other side broke the protocol",
    [QR_ERROR_VERSION] = "the server speaks another version of the protocol; update Quire",
    [QR_ERROR_AUTH] =
        "the server could not confirm who this device is; if a proxy stands before it, the "
        "proxy must pass the Host header on unchanged, with the port",
    [QR_ERROR_REVOKED] = "this device was revoked; what is on it stays readable here",
    [QR_ERROR_STALE_ROSTER] = "the server's list of devices is older than ours; it is being sent",
    [QR_ERROR_GAP] = "the server lacks what came before; it is being sent again",
    [QR_ERROR_MISSING_DEPS] = "the server lacks what this rests on; it is being sent again",
    [QR_ERROR_FORK] = "the server has another change at this place; both are kept",
    [QR_ERROR_BAD_SIG] = "the server could not confirm the signature; the change stays here",
    [QR_ERROR_TOO_LARGE] = "this is larger than the server takes; it stays here",
    [QR_ERROR_RATE] = "too much at once; the rest goes a little later",
    [QR_ERROR_QUOTA] = "the server has no more room for this account; everything stays here and "
                       "goes when there is room again",
    [QR_ERROR_BLOB_MISSING] = "the server lacks an attachment",
    [QR_ERROR_OVERLOADED] = "the server is busy or its disk has failed; try again later",
    [QR_ERROR_MOVED] = "this account is on another server now",
    [QR_ERROR_UPGRADE_NEEDED] = "the server needs a newer version of Quire",
    [QR_ERROR_UNKNOWN_USER] = "this account is not on the server; check the server's name",
    [QR_ERROR_REGISTRATION] =
        "the server takes no new accounts now; its operator can admit this one",
    [QR_ERROR_UNKNOWN_DEVICE] =
        "the account is on the server, but this device is not among its devices; "
        "add it again from another device",
    [QR_ERROR_CHAINS] =
        "the account has used up its runs of programs on this server; everything stays here",
    [QR_ERROR_STORE_FULL] =
        "the server's disk is full; everything stays here and goes when its operator "
        "has made room",
};

const char *quire_error_text(uint32_t code)
{
    return code < QR_ERROR_CODE_COUNT && errors[code] != NULL
        ? errors[code]
        : "an error this version does not know";
}
