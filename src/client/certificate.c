/*
 * Judges a certificate by a verification of its own, which notes all faults: OpenSSL's callback names one
 * at a time, and an expired certificate must not pass as one of an unknown authority.
 */
#include "client/certificate.h"
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DATE_SIZE 16
#define NAMES_SIZE 160

/* The cause that is told, the gravest last. */
enum cause {
    SOUND,
    SELF_SIGNED,
    UNKNOWN_AUTHORITY,
    WRONG_NAME,
    TOO_EARLY,
    EXPIRED,
    PURPOSE,
    REVOKED,
    BROKEN
};

struct faults {
    enum cause cause;
    int code;   /* of OpenSSL */
    bool above; /* of a certificate above the server's */
    char date[DATE_SIZE];
};

/* ---- digests ---------------------------------------------------------------------------------- */

static bool to_hex(const uint8_t *hash, unsigned size, char out_text[QR_CLIENT_FINGERPRINT_HEX + 1])
{
    if (size != QR_CLIENT_FINGERPRINT_HEX / 2) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        snprintf(out_text + (size_t)2 * i, 3, "%02x", hash[i]);
    }
    return true;
}

bool qr_client_certificate_fingerprint(
    const X509 *certificate, char out_text[QR_CLIENT_FINGERPRINT_HEX + 1])
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return certificate != NULL && X509_digest(certificate, EVP_sha256(), hash, &size) == 1
        && to_hex(hash, size, out_text);
}

static bool key_of(const X509 *certificate, char out_text[QR_CLIENT_FINGERPRINT_HEX + 1])
{
    uint8_t *encoded = NULL;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_size = 0;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
    bool good = size > 0
        && EVP_Digest(encoded, (size_t)size, hash, &hash_size, EVP_sha256(), NULL) == 1
        && to_hex(hash, hash_size, out_text);
    OPENSSL_free(encoded);
    return good;
}

/* ---- faults ----------------------------------------------------------------------------------- */

static enum cause cause_of(int code)
{
    switch (code) {
    case X509_V_OK: return SOUND;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return SELF_SIGNED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return UNKNOWN_AUTHORITY;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return WRONG_NAME;
    case X509_V_ERR_CERT_NOT_YET_VALID: return TOO_EARLY;
    case X509_V_ERR_CERT_HAS_EXPIRED: return EXPIRED;
    case X509_V_ERR_INVALID_PURPOSE:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED: return PURPOSE;
    case X509_V_ERR_CERT_REVOKED: return REVOKED;
    default: return BROKEN;
    }
}

static void write_date(const ASN1_TIME *moment, char out[DATE_SIZE])
{
    struct tm date;
    if (ASN1_TIME_to_tm(moment, &date) != 1 || strftime(out, DATE_SIZE, "%Y-%m-%d", &date) == 0) {
        snprintf(out, DATE_SIZE, "?");
    }
}

static int note_fault(int good, X509_STORE_CTX *checked)
{
    struct faults *faults = X509_STORE_CTX_get_app_data(checked);
    int code = good != 0 ? X509_V_OK : X509_STORE_CTX_get_error(checked);
    enum cause cause = cause_of(code);
    if (cause > faults->cause) {
        const X509 *at = X509_STORE_CTX_get_current_cert(checked);
        faults->cause = cause;
        faults->code = code;
        faults->above = X509_STORE_CTX_get_error_depth(checked) > 0;
        if (at != NULL && (cause == EXPIRED || cause == TOO_EARLY)) {
            write_date(
                cause == EXPIRED ? X509_get0_notAfter(at) : X509_get0_notBefore(at), faults->date);
        }
    }
    return 1; /* go on to the next */
}

/* Verifies `leaf` for the URL's host against what `store` trusts. */
static struct faults check(X509_STORE *store, X509 *leaf, STACK_OF(X509) * others,
    const struct qr_client_url *url, unsigned long flags)
{
    struct faults faults = {.cause = SOUND};
    struct in6_addr ignored;
    bool numeric = inet_pton(AF_INET, url->address, &ignored) == 1
        || inet_pton(AF_INET6, url->address, &ignored) == 1;
    X509_STORE_CTX *checked = X509_STORE_CTX_new();
    if (checked == NULL || X509_STORE_CTX_init(checked, store, leaf, others) != 1
        || X509_STORE_CTX_set_default(checked, "ssl_server") != 1) {
        faults = (struct faults){.cause = BROKEN, .code = X509_V_ERR_OUT_OF_MEM};
    } else {
        X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(checked);
        bool named = numeric ? X509_VERIFY_PARAM_set1_ip_asc(parameters, url->address) == 1
                             : X509_VERIFY_PARAM_set1_host(parameters, url->address, 0) == 1;
        X509_STORE_CTX_set_flags(checked, flags);
        X509_STORE_CTX_set_app_data(checked, &faults);
        X509_STORE_CTX_set_verify_cb(checked, note_fault);
        if (!named || (X509_verify_cert(checked) != 1 && faults.cause == SOUND)) {
            int code = X509_STORE_CTX_get_error(checked);
            faults = (struct faults){
                .cause = BROKEN, .code = code != X509_V_OK ? code : X509_V_ERR_UNSPECIFIED};
        }
    }
    X509_STORE_CTX_free(checked);
    return faults;
}

/* The same with one of the certificates shown above the server's as the only authority. */
static struct faults check_below(
    X509 *authority, X509 *leaf, STACK_OF(X509) * others, const struct qr_client_url *url)
{
    struct faults faults = {.cause = BROKEN, .code = X509_V_ERR_OUT_OF_MEM};
    X509_STORE *store = X509_STORE_new();
    if (store != NULL && X509_STORE_add_cert(store, authority) == 1) {
        faults = check(store, leaf, others, url, X509_V_FLAG_PARTIAL_CHAIN);
    }
    X509_STORE_free(store);
    return faults;
}

/* Whether it is signed by the authority is another question than whether it may be used. */
static bool is_signed_below(const struct faults *faults)
{
    return faults->cause != BROKEN && faults->cause != UNKNOWN_AUTHORITY
        && faults->cause != SELF_SIGNED;
}

/* The authority that a pin remembers: the last certificate shown that the server's is signed below. */
static void find_authority(X509 *leaf, STACK_OF(X509) * others, const struct qr_client_url *url,
    char out_text[QR_CLIENT_FINGERPRINT_HEX + 1])
{
    for (int i = sk_X509_num(others) - 1; i >= 0; i--) {
        X509 *above = sk_X509_value(others, i);
        if (X509_cmp(above, leaf) == 0) {
            continue;
        }
        struct faults faults = check_below(above, leaf, others, url);
        if (is_signed_below(&faults) && key_of(above, out_text)) {
            return;
        }
    }
    out_text[0] = 0;
}

/* ---- sentences -------------------------------------------------------------------------------- */

/* "journal.example, 127.0.0.2": what it is for, as far as there is room. */
static void list_names(X509 *leaf, char *out, size_t size)
{
    size_t used = 0;
    snprintf(out, size, "no name");
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char text[64] = "";
        if (name->type == GEN_DNS) {
            snprintf(text, sizeof text, "%.*s", ASN1_STRING_length(name->d.dNSName),
                (const char *)ASN1_STRING_get0_data(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            int bytes = ASN1_STRING_length(name->d.iPAddress); /* whatever its maker wrote */
            if ((bytes == 4 || bytes == 16)
                && inet_ntop(bytes == 4 ? AF_INET : AF_INET6,
                       ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof text)
                    == NULL) {
                text[0] = 0;
            }
        }
        for (char *c = text; *c != 0; c++) {
            *c = *c > ' ' && *c < 127 ? *c : '?'; /* it goes to a terminal */
        }
        if (text[0] != 0 && used + strlen(text) + 3 < size) {
            used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", text);
        }
    }
    GENERAL_NAMES_free(names);
}

static void explain(struct qr_client_verdict *verdict, const struct faults *faults, X509 *leaf,
    const struct qr_client_url *url)
{
    static const char pin_it[] =
        "If the fingerprint is the one that the server printed at its start, pin it.";
    const char *whose = faults->above ? "the certificate of its authority" : "its certificate";
    char today[DATE_SIZE] = "?", names[NAMES_SIZE];
    time_t now = time(NULL);
    struct tm date;
    if (gmtime_r(&now, &date) != NULL) {
        (void)strftime(today, sizeof today, "%Y-%m-%d", &date);
    }
    char *why = verdict->why;
    size_t size = sizeof verdict->why;
    switch (faults->cause) {
    case SOUND: break;
    case SELF_SIGNED:
        snprintf(why, size,
            "no authority vouches for its certificate, which is signed by itself; its "
            "fingerprint is %s",
            verdict->shown.certificate);
        verdict->advice = pin_it;
        break;
    case UNKNOWN_AUTHORITY:
        snprintf(why, size,
            "no authority that this machine knows vouches for its certificate; its "
            "fingerprint is %s",
            verdict->shown.certificate);
        verdict->advice = pin_it;
        break;
    case WRONG_NAME:
        list_names(leaf, names, sizeof names);
        snprintf(why, size, "its certificate is for %s, not for %.100s", names, url->address);
        verdict->advice =
            "Use a name that the certificate is for; or the server's operator gets one "
            "for this name.";
        break;
    case TOO_EARLY:
        snprintf(why, size, "%s is valid only from %s on, and this machine's clock says %s", whose,
            faults->date, today);
        verdict->advice =
            "If the clock is wrong, set it; else the server's operator has to get a new "
            "certificate.";
        break;
    case EXPIRED:
        snprintf(why, size, "%s expired on %s, and this machine's clock says %s", whose,
            faults->date, today);
        verdict->advice =
            "If the clock is wrong, set it; else the server's operator has to renew the "
            "certificate.";
        break;
    case PURPOSE:
        snprintf(why, size, "%s may not be used for this purpose (%s)", whose,
            X509_verify_cert_error_string(faults->code));
        verdict->advice = "The server's operator has to get one for a TLS server.";
        break;
    case REVOKED:
        snprintf(why, size, "%s was revoked", whose);
        verdict->advice = "Its key may be known to others: ask the server's operator.";
        break;
    case BROKEN:
        snprintf(why, size, "%s cannot be verified (%s)", whose,
            X509_verify_cert_error_string(faults->code));
        verdict->advice = "Ask the server's operator.";
        break;
    }
}

/* ---- the verdict ------------------------------------------------------------------------------ */

/* A new certificate where another is pinned. */
static void judge_new(struct qr_client_verdict *verdict, X509 *leaf, STACK_OF(X509) * others,
    const struct qr_client_url *url, const struct qr_client_pin *pin)
{
    char key[QR_CLIENT_FINGERPRINT_HEX + 1];
    for (int i = 0; pin->authority[0] != 0 && i < sk_X509_num(others); i++) {
        X509 *above = sk_X509_value(others, i);
        if (X509_cmp(above, leaf) == 0 || !key_of(above, key) || strcmp(key, pin->authority) != 0) {
            continue;
        }
        struct faults faults = check_below(above, leaf, others, url);
        if (is_signed_below(&faults)) {
            verdict->accepted = faults.cause == SOUND;
            explain(verdict, &faults, leaf, url);
            return;
        }
    }
    snprintf(verdict->why, sizeof verdict->why,
        "the server's certificate has the fingerprint %s, which is not the pinned one",
        verdict->shown.certificate);
    verdict->advice =
        "If the fingerprint is the one that the server printed at its start, pin it; if its operator "
        "gave it no new certificate, another machine answers in its place.";
}

struct qr_client_verdict qr_client_certificate_judge(
    X509_STORE_CTX *chain, const struct qr_client_url *url, const struct qr_client_pin *pin)
{
    struct qr_client_verdict verdict = {.advice = ""};
    X509 *leaf = X509_STORE_CTX_get0_cert(chain);
    STACK_OF(X509) *others = X509_STORE_CTX_get0_untrusted(chain);
    if (!qr_client_certificate_fingerprint(leaf, verdict.shown.certificate)
        || !key_of(leaf, verdict.shown.key)) {
        snprintf(verdict.why, sizeof verdict.why, "it shows no certificate that can be read");
        return verdict;
    }
    find_authority(leaf, others, url, verdict.shown.authority);
    if (pin->certificate[0] != 0) {
        verdict.accepted = strcmp(verdict.shown.certificate, pin->certificate) == 0
            || strcmp(verdict.shown.key, pin->key) == 0;
        if (!verdict.accepted) {
            judge_new(&verdict, leaf, others, url, pin);
        }
        return verdict;
    }
    struct faults faults = check(X509_STORE_CTX_get0_store(chain), leaf, others, url, 0);
    if (faults.cause == WRONG_NAME && X509_self_signed(leaf, 0) == 1) {
        faults.cause = SELF_SIGNED; /* names that nothing vouches for */
    }
    verdict.accepted = faults.cause == SOUND;
    verdict.may_ask = faults.cause == SELF_SIGNED || faults.cause == UNKNOWN_AUTHORITY;
    explain(&verdict, &faults, leaf, url);
    return verdict;
}
