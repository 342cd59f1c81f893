/*
 * The strings that keep one use of a hash, key or signature apart from every other.
 */
#include "crypto/hash.h"
#include "base/failpoint.h"
#include <assert.h>

static const char *const texts[QR_CONTEXT_COUNT] = {
    [QR_CONTEXT_USER] = "quire/user/1",
    [QR_CONTEXT_DEVICE] = "quire/device/1",
    [QR_CONTEXT_ROSTER] = "quire/roster/1",
    [QR_CONTEXT_ROSTER_SIGN] = "quire/rosig/1",
    [QR_CONTEXT_CHANGE_HASH] = "quire/chhash/1",
    [QR_CONTEXT_BATCH_CONTENT] = "quire/content/1",
    [QR_CONTEXT_BATCH_SIGNED] = "quire/signed/1",
    [QR_CONTEXT_BATCH] = "quire/batch/1",
    [QR_CONTEXT_BATCH_SIGN] = "quire/batsig/1",
    [QR_CONTEXT_CHANGE] = "quire/chg/1",
    [QR_CONTEXT_NONCE] = "quire/nonce/1",
    [QR_CONTEXT_COMMITMENT] = "quire/vkc/1",
    [QR_CONTEXT_ENTRY] = "quire/entry/1",
    [QR_CONTEXT_WRAP] = "quire/wrap/1",
    [QR_CONTEXT_NAME] = "quire/name/1",
    [QR_CONTEXT_AUTH_TRANSCRIPT] = "quire/hello/1",
    [QR_CONTEXT_AUTH] = "quire/auth/1",
    [QR_CONTEXT_KIT_SIGN] = "quire/kitsig/1",
    [QR_CONTEXT_KIT_BOX] = "quire/kitbox/1",
    [QR_CONTEXT_KIT_CHECK] = "quire/kitsum/1",
    [QR_CONTEXT_DEVICE_SIGN] = "quire/devsig/1",
    [QR_CONTEXT_DEVICE_BOX] = "quire/devbox/1",
    [QR_CONTEXT_PAIR_MAILBOX] = "quire/pairbox/1",
    [QR_CONTEXT_PAIR_REQUEST] = "quire/pairreq/1",
    [QR_CONTEXT_PAIR_REPLY] = "quire/pairrep/1",
    [QR_CONTEXT_LOCAL] = "quire/local/1",
    [QR_CONTEXT_ENTROPY] = "quire/entropy/1",
    [QR_CONTEXT_WORDS] = "quire/words/1",
    [QR_CONTEXT_DIGEST] = "quire/digest/1",
    [QR_CONTEXT_EPOCH] = "quire/epoch/1",
    [QR_CONTEXT_SEAL] = "quire/seal/1",
    [QR_CONTEXT_KIT_SALT] = "quire/kitsalt/1",
    [QR_CONTEXT_OBJECT] = "quire/object/1",
    [QR_CONTEXT_OBJECT_NONCE] = "quire/objnonce/1",
    [QR_CONTEXT_OBJECT_ADDRESS] = "quire/address/1",
    [QR_CONTEXT_GRANT] = "quire/grant/1",
    [QR_CONTEXT_COPY] = "quire/copy/1",
    [QR_CONTEXT_COPY_PLACE] = "quire/coplace/1",
    [QR_CONTEXT_COPY_KEY] = "quire/copykey/1",
    [QR_CONTEXT_COPY_TEXT] = "quire/cotext/1",
    [QR_CONTEXT_WITHDRAWAL] = "quire/withdraw/1",
    [QR_CONTEXT_LANE_BOX] = "quire/lanebox/1",
    [QR_CONTEXT_LANE_KEY] = "quire/lanekey/1",
    [QR_CONTEXT_RESULT] = "quire/result/1",
    [QR_CONTEXT_BUNDLE] = "quire/bundle/1",
    [QR_CONTEXT_ANALYSER] = "quire/analyser/1",
    [QR_CONTEXT_BUILD] = "quire/build/1",
};

const char *qr_context_text(enum qr_context context)
{
    assert((unsigned)context < QR_CONTEXT_COUNT);
    return texts[QR_FAILPOINT_ON(NO_CONTEXTS) ? QR_CONTEXT_USER : context];
}
