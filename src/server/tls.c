/*
 * Making and finding the certificate.
 */
#include "server/tls.h"

#include "server/folder.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEN_YEARS_S (10L * 365 * 24 * 3600)
#define DAY_S (24L * 3600)

/* "DNS:localhost,IP:127.0.0.1,…" */
static void list_names(const struct qr_hosts *hosts, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < hosts->count && used < size; i++) {
        char name[QR_HOST_MAX + 1];
        uint8_t address[16];
        const char *text = hosts->names[i];
        size_t length = strlen(text);
        if (text[0] == '[' && text[length - 1] == ']') {
            text++;
            length -= 2;
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)length, text);
        bool is_address =
            inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
        int added = snprintf(
            out + used, size - used, "%s%s:%s", i == 0 ? "" : ",", is_address ? "IP" : "DNS", name);
        used += added > 0 ? (size_t)added : 0;
    }
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool fine = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return fine;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const struct qr_hosts *hosts)
{
    char names[(QR_HOSTS_MAX + 4) * (QR_HOST_MAX + 8)];
    uint8_t serial[16];
    BIGNUM *number = NULL;
    list_names(hosts, names, sizeof names);
    bool fine = RAND_bytes(serial, sizeof serial) == 1;
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    number = BN_bin2bn(serial, sizeof serial, NULL);
    fine = fine && number != NULL && X509_set_version(certificate, X509_VERSION_3) == 1
        && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL
        && X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) != NULL
        && X509_gmtime_adj(X509_getm_notAfter(certificate), TEN_YEARS_S) != NULL
        && X509_set_pubkey(certificate, key) == 1;
    BN_free(number);
    X509_NAME *name = X509_get_subject_name(certificate);
    return fine
        && X509_NAME_add_entry_by_txt(
               name, "CN", MBSTRING_ASC, (const uint8_t *)"quired", -1, -1, 0)
        == 1
        && X509_set_issuer_name(certificate, name) == 1
        && add_extension(certificate, NID_subject_alt_name, names)
        && add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE")
        && add_extension(certificate, NID_key_usage, "critical,digitalSignature")
        && add_extension(certificate, NID_ext_key_usage, "serverAuth")
        && X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* Written whole under another name, then renamed: never half a file. */
static enum quire_status write_pem(const char *path, const X509 *certificate, EVP_PKEY *key)
{
    char draft[QR_TLS_PATH_MAX + 8];
    (void)snprintf(draft, sizeof draft, "%s.new", path);
    unlink(draft);
    int file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *stream = file < 0 ? NULL : fdopen(file, "w");
    if (stream == NULL) {
        if (file >= 0) {
            close(file);
        }
        return errno == ENOSPC || errno == EDQUOT ? QUIRE_EFULL : QUIRE_EIO;
    }
    bool fine = certificate != NULL
        ? PEM_write_X509(stream, (X509 *)(uintptr_t)certificate) == 1
        : PEM_write_PrivateKey(stream, key, NULL, NULL, 0, NULL, NULL) == 1;
    errno = fine ? 0 : EIO;
    fine = fine && fflush(stream) == 0 && fsync(file) == 0;
    int error = errno;
    fine = fclose(stream) == 0 && fine;
    fine = fine && rename(draft, path) == 0;
    if (!fine) {
        unlink(draft);
        return error == ENOSPC || error == EDQUOT ? QUIRE_EFULL : QUIRE_EIO;
    }
    return QUIRE_OK;
}

static enum quire_status make(
    const char *folder, const struct qr_hosts *hosts, const struct qr_tls *tls)
{
    enum quire_status status = QUIRE_ENOMEM;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    if (key != NULL && certificate != NULL && fill(certificate, key, hosts)) {
        /* The key first: a certificate that is there has its key. */
        status = write_pem(tls->key_path, NULL, key);
        if (status == QUIRE_OK) {
            status = write_pem(tls->cert_path, certificate, NULL);
        }
        if (status == QUIRE_OK) { /* or clients would meet another fingerprint after a power cut */
            status = qr_folder_sync(folder);
        }
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return status;
}

/* OpenSSL would ask on the terminal, where no person waits. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

/* The fingerprint, if the two files are a certificate and its key. */
static bool inspect(struct qr_tls *tls)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    FILE *file = fopen(tls->cert_path, "re");
    if (file != NULL) {
        certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
    }
    file = fopen(tls->key_path, "re");
    if (file != NULL) {
        key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
        fclose(file);
    }
    bool fine = certificate != NULL && key != NULL && X509_check_private_key(certificate, key) == 1
        && X509_digest(certificate, EVP_sha256(), digest, &size) == 1;
    for (unsigned i = 0; fine && i < size && i < 32; i++) {
        (void)snprintf(tls->fingerprint + 2 * i, 3, "%02x", digest[i]);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return fine;
}

enum quire_status qr_tls_prepare(const struct qr_options *options, const struct qr_hosts *hosts,
    struct qr_tls *out_tls, char *out_error, size_t error_size)
{
    struct qr_tls tls = {0};
    bool given = options->cert != NULL;
    const char *folder = options->data;
    int first = given ? snprintf(tls.cert_path, sizeof tls.cert_path, "%s", options->cert)
                      : snprintf(tls.cert_path, sizeof tls.cert_path, "%s/certificate.pem", folder);
    int second = given ? snprintf(tls.key_path, sizeof tls.key_path, "%s", options->key)
                       : snprintf(tls.key_path, sizeof tls.key_path, "%s/key.pem", folder);
    if (first < 0 || second < 0 || (size_t)first >= sizeof tls.cert_path
        || (size_t)second >= sizeof tls.key_path) {
        (void)snprintf(out_error, error_size, "The path of the certificate is too long.");
        return QUIRE_EINVALID;
    }
    if (!given && access(tls.cert_path, F_OK) != 0) {
        enum quire_status status = make(folder, hosts, &tls);
        if (status != QUIRE_OK) {
            (void)snprintf(out_error, error_size,
                "The certificate could not be written to %.200s: %s. Nothing else was changed. "
                "Make room or give the folder to this user, and start again.",
                folder, quire_status_text(status));
            return status;
        }
        tls.made = true;
    }
    if (!inspect(&tls)) {
        (void)snprintf(out_error, error_size,
            "%.200s and %.200s are not a readable certificate and its key. %s", tls.cert_path,
            tls.key_path,
            given ? "Check --cert and --key; a key with a passphrase cannot be used."
                  : "Restore them from a backup, or move both away and a new pair is made; clients "
                    "then have to be told the new fingerprint.");
        return QUIRE_EINVALID;
    }
    *out_tls = tls;
    return QUIRE_OK;
}
