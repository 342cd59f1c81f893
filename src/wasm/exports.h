/*
 * The module's exports and imports: documents and the device, as one flat list of C functions.
 * src/wasm/quire.mjs is made for it; any other host of WebAssembly can use it as well. The same
 * functions compile natively, where tests compare the two byte for byte.
 *
 * Names:   quire_wasm_document_insert is exported as `document_insert`, and so on; the module's
 *          memory is exported as `memory`, and `_initialize` is called once before all else. A host
 *          does not make the memory larger itself: from then on the module has no more.
 * Meaning: each function is the one of quire/document.h or quire/device.h with the same name, and
 *          its header says what it does; here is only what differs.
 * Pointers are offsets in `memory`. Views of it go stale whenever a call makes it grow.
 * Inputs:  borrowed for the call. Text is UTF-8. Ids are 16 bytes, replicas 8, keys and entropy 32.
 * Outputs: a function with a `struct quire_buffer *out` clears it, then fills it; on any status but
 *          QUIRE_OK it is empty. It belongs to the caller that created it.
 * Numbers: 64-bit ones are i64, which JavaScript sees as BigInt.
 * Rows:    what is a list goes to a buffer as fields one after another, big-endian, without gaps.
 *          `bytes` is a u32 size and so many bytes; `flags` is a u8.
 * Errors:  enum quire_status as a number. A broken promise of ours (a failed assertion) calls the
 *          import `failed` and traps: the instance must not be used again.
 * Parts:   documents.wasm is documents alone: it lacks document_digest, device_*, alarm_text, error_text
 *          and scan_visit, and imports `failed` only.
 * Threads: none. Calls come one after another; only `get`, `scan` and `failed` run inside of them.
 */
#ifndef QUIRE_WASM_EXPORTS_H
#define QUIRE_WASM_EXPORTS_H

#include <quire/device.h>

#ifdef __wasm__
#define QUIRE_EXPORT(name) __attribute__((export_name(name)))
#define QUIRE_IMPORT(name) __attribute__((import_module("quire"), import_name(name)))
#else
#define QUIRE_EXPORT(name)
#define QUIRE_IMPORT(name)
#endif

#define QUIRE_WASM_VERSION 4 /* changes when anything below does */

/* ---- imports, of the module "quire" ---------------------------------------------------------- */

/** Reads the record `key` of that reader into out_value (buffer_extend). ENOTFOUND, EIO, ENOMEM. */
QUIRE_IMPORT("get")
int quire_host_get(
    uint32_t reader, const uint8_t *key, size_t key_size, struct quire_buffer *out_value);

struct quire_wasm_scan;

/** Calls scan_visit for each record whose key starts with `prefix`, in byte order of the keys, until
 * scan_visit returns 0. EIO, ENOMEM. */
QUIRE_IMPORT("scan")
int quire_host_scan(
    uint32_t reader, const uint8_t *prefix, size_t prefix_size, struct quire_wasm_scan *scan);

/** An assertion does not hold; must not return, and if it does the module traps. Texts end in zero. */
QUIRE_IMPORT("failed")
void quire_host_failed(const char *file, uint32_t line);

/* ---- memory ---------------------------------------------------------------------------------- */

QUIRE_EXPORT("version") uint32_t quire_wasm_version(void);

/** At least one byte; 0 when there is no memory. */
QUIRE_EXPORT("alloc") uint8_t *quire_wasm_alloc(size_t size);
/** Accepts 0. Does not wipe: the caller that wrote a secret there wipes it. */
QUIRE_EXPORT("free") void quire_wasm_free(uint8_t *memory);

/** An empty buffer; 0 when there is no memory. */
QUIRE_EXPORT("buffer_create") struct quire_buffer *quire_wasm_buffer_create(void);
QUIRE_EXPORT("buffer_destroy") void quire_wasm_buffer_destroy(struct quire_buffer *buffer);
QUIRE_EXPORT("buffer_data")
const uint8_t *quire_wasm_buffer_data(const struct quire_buffer *buffer);
QUIRE_EXPORT("buffer_size") size_t quire_wasm_buffer_size(const struct quire_buffer *buffer);
/** Appends size zero bytes and returns where they are; 0 when there is no memory. */
QUIRE_EXPORT("buffer_extend")
uint8_t *quire_wasm_buffer_extend(struct quire_buffer *buffer, size_t size);
/** Forgets the content and gives the memory back. */
QUIRE_EXPORT("buffer_finish") void quire_wasm_buffer_finish(struct quire_buffer *buffer);

/** Sentences that end in zero, static. */
QUIRE_EXPORT("status_text") const char *quire_wasm_status_text(int status);
QUIRE_EXPORT("alarm_text") const char *quire_wasm_alarm_text(uint32_t alarm);
QUIRE_EXPORT("error_text") const char *quire_wasm_error_text(uint32_t code);

/* ---- documents: quire/document.h ------------------------------------------------------------- */

/** 0 when there is no memory. */
QUIRE_EXPORT("document_create") struct quire_document *quire_wasm_document_create(void);
/** An encoded document, from a state that it copies; in out_document. */
QUIRE_EXPORT("document_open")
int quire_wasm_document_open(
    const uint8_t *state, size_t size, struct quire_document **out_document);
QUIRE_EXPORT("document_destroy") void quire_wasm_document_destroy(struct quire_document *document);

QUIRE_EXPORT("document_text_length")
size_t quire_wasm_document_text_length(const struct quire_document *document);
QUIRE_EXPORT("document_text_size")
size_t quire_wasm_document_text_size(const struct quire_document *document);
QUIRE_EXPORT("document_text")
int quire_wasm_document_text(const struct quire_document *document, struct quire_buffer *out);
QUIRE_EXPORT("document_deleted")
int quire_wasm_document_deleted(const struct quire_document *document);
QUIRE_EXPORT("document_empty") int quire_wasm_document_empty(const struct quire_document *document);

/** Units are those of enum quire_unit. EINVALID, ENOMEM. */
QUIRE_EXPORT("document_offset")
int quire_wasm_document_offset(const struct quire_document *document, uint32_t from, uint32_t to,
    size_t offset, size_t *out_offset);

/** Rows, one for each value of the register: i64 number, i64 wall_ms, bytes text. */
QUIRE_EXPORT("document_register")
int quire_wasm_document_register(
    const struct quire_document *document, uint32_t field, struct quire_buffer *out);
/** Rows, one for each element of the set: i64 value, bytes name. */
QUIRE_EXPORT("document_set")
int quire_wasm_document_set(
    const struct quire_document *document, uint32_t set, struct quire_buffer *out);

QUIRE_EXPORT("document_insert")
int quire_wasm_document_insert(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, size_t position, const uint8_t *text, size_t size);
QUIRE_EXPORT("document_erase")
int quire_wasm_document_erase(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, size_t position, size_t count);
/** TITLE reads text, DATE and MOOD number. */
QUIRE_EXPORT("document_set_register")
int quire_wasm_document_set_register(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, uint32_t field, const uint8_t *text, size_t size, int64_t number);
QUIRE_EXPORT("document_clear_register")
int quire_wasm_document_clear_register(
    struct quire_document *document, const uint8_t *replica, int64_t wall_ms, uint32_t field);
QUIRE_EXPORT("document_add_element")
int quire_wasm_document_add_element(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, uint32_t set, const uint8_t *name, size_t size, int64_t value);
QUIRE_EXPORT("document_remove_element")
int quire_wasm_document_remove_element(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, uint32_t set, const uint8_t *name, size_t size);
QUIRE_EXPORT("document_delete")
int quire_wasm_document_delete(
    struct quire_document *document, const uint8_t *replica, int64_t wall_ms);

QUIRE_EXPORT("document_pending_size")
size_t quire_wasm_document_pending_size(const struct quire_document *document);
QUIRE_EXPORT("document_encode_pending")
int quire_wasm_document_encode_pending(
    const struct quire_document *document, struct quire_buffer *out);
QUIRE_EXPORT("document_take_delta")
int quire_wasm_document_take_delta(
    struct quire_document *document, size_t max_size, struct quire_buffer *out);
QUIRE_EXPORT("document_restore_pending")
int quire_wasm_document_restore_pending(
    struct quire_document *document, const uint8_t *delta, size_t size);
QUIRE_EXPORT("document_encode")
int quire_wasm_document_encode(const struct quire_document *document, struct quire_buffer *out);
QUIRE_EXPORT("document_merge")
int quire_wasm_document_merge(struct quire_document *document, const uint8_t *bytes, size_t size);
QUIRE_EXPORT("document_canonical")
int quire_wasm_document_canonical(const struct quire_document *document, struct quire_buffer *out);
/** 32 bytes. */
QUIRE_EXPORT("document_digest")
int quire_wasm_document_digest(const struct quire_document *document, struct quire_buffer *out);

/** out: the anchor's 16 bytes. */
QUIRE_EXPORT("document_anchor")
int quire_wasm_document_anchor(const struct quire_document *document, size_t position,
    uint32_t side, struct quire_buffer *out);
QUIRE_EXPORT("document_resolve")
int quire_wasm_document_resolve(
    const struct quire_document *document, const uint8_t *anchor, size_t *out_position);

/** 0 when there is no memory. */
QUIRE_EXPORT("undo_create") struct quire_undo *quire_wasm_undo_create(size_t size_max);
QUIRE_EXPORT("undo_destroy") void quire_wasm_undo_destroy(struct quire_undo *undo);
/** document may be 0: none. */
QUIRE_EXPORT("undo_attach")
int quire_wasm_undo_attach(struct quire_undo *undo, struct quire_document *document);
QUIRE_EXPORT("undo_close_step") int quire_wasm_undo_close_step(struct quire_undo *undo);
QUIRE_EXPORT("undo_undo")
int quire_wasm_undo_undo(struct quire_undo *undo, const uint8_t *replica, int64_t wall_ms);
QUIRE_EXPORT("undo_redo")
int quire_wasm_undo_redo(struct quire_undo *undo, const uint8_t *replica, int64_t wall_ms);
QUIRE_EXPORT("undo_count") size_t quire_wasm_undo_count(const struct quire_undo *undo);
QUIRE_EXPORT("undo_redo_count") size_t quire_wasm_undo_redo_count(const struct quire_undo *undo);

/* ---- the device: quire/device.h -------------------------------------------------------------- */

/*
 * Actions, one row each, in the order in which they are to be carried out:
 *   u8 kind, u8 notice, u32 code, u32 retry_ms, u64 token, 16 bytes entry, 16 bytes device,
 *   bytes, u32 write_count, and for each write: u8 erase, bytes key, bytes value
 * `reader` is any number that the host knows the records by; get and scan are given it.
 * replica_record may have size 0.
 */

/** out_kit: the recovery kit's characters; to be wiped after it was shown. */
QUIRE_EXPORT("device_init")
int quire_wasm_device_init(uint32_t reader, const uint8_t *profile_key, const uint8_t *entropy,
    int64_t wall_ms, const uint8_t *replica_record, size_t replica_record_size, const uint8_t *name,
    size_t name_size, struct quire_buffer *out_kit, struct quire_buffer *out_actions,
    struct quire_device **out_device);
QUIRE_EXPORT("device_join")
int quire_wasm_device_join(uint32_t reader, const uint8_t *profile_key, const uint8_t *entropy,
    int64_t wall_ms, const uint8_t *name, size_t name_size, const uint8_t *code, size_t code_size,
    struct quire_device **out_device);
QUIRE_EXPORT("device_recover")
int quire_wasm_device_recover(uint32_t reader, const uint8_t *profile_key, const uint8_t *entropy,
    int64_t wall_ms, const uint8_t *name, size_t name_size, const uint8_t *kit, size_t kit_size,
    struct quire_device **out_device);
QUIRE_EXPORT("device_open")
int quire_wasm_device_open(uint32_t reader, const uint8_t *profile_key, const uint8_t *entropy,
    int64_t wall_ms, const uint8_t *replica_record, size_t replica_record_size,
    struct quire_device **out_device);
QUIRE_EXPORT("device_rejoin")
int quire_wasm_device_rejoin(
    struct quire_device *device, const uint8_t *code, size_t code_size, const uint8_t *entropy);
QUIRE_EXPORT("device_destroy") void quire_wasm_device_destroy(struct quire_device *device);

/** id: of the entry (SAVE) or the device (REVOKE), else it may be 0. out: actions. */
QUIRE_EXPORT("device_step")
int quire_wasm_device_step(struct quire_device *device, uint32_t kind, uint64_t now_ms,
    int64_t wall_ms, const uint8_t *entropy, const uint8_t *bytes, size_t size, uint64_t token,
    const uint8_t *id, struct quire_buffer *out);
QUIRE_EXPORT("device_wake_ms")
uint64_t quire_wasm_device_wake_ms(const struct quire_device *device);

QUIRE_EXPORT("device_document")
int quire_wasm_device_document(struct quire_device *device, const uint8_t *entry, int create,
    struct quire_document **out_document);
/** Writes the 8 bytes of the replica with which this process stamps its edits. */
QUIRE_EXPORT("device_replica")
void quire_wasm_device_replica(const struct quire_device *device, uint8_t *out_replica);

/** Rows: 16 bytes entry, flags (1 has_date, 2 has_mood, 4 deleted, 8 unsealed), i64 date, i64 mood,
 * i64 changed_wall_ms, u64 text_length, bytes title, bytes snippet. */
QUIRE_EXPORT("device_entries")
int quire_wasm_device_entries(struct quire_device *device, struct quire_buffer *out);
/** Rows: 16 bytes device, flags (1 self, 2 active), u64 batches, i64 last_heard_ms, bytes name. */
QUIRE_EXPORT("device_devices")
int quire_wasm_device_devices(struct quire_device *device, struct quire_buffer *out);
/** Rows: 8 bytes replica, u64 seq, u32 code, bytes name. */
QUIRE_EXPORT("device_rejections")
int quire_wasm_device_rejections(const struct quire_device *device, struct quire_buffer *out);
/** One row: 32 bytes user, 16 bytes device, flags (1 joined, 2 revoked, 4 connected, 8 caught_up),
 * u32 epoch, u32 roster_count, u32 lost_op_count, u64 batch_count, u64 chain_count, u64 unsealed_count,
 * u64 unacknowledged_count, u64 not_on_server_count, u64 unread_count, i64 caught_up_ms, u32 presence,
 * bytes words, and a u64 for each kind of alarm from 1 on. */
QUIRE_EXPORT("device_state")
int quire_wasm_device_state(struct quire_device *device, struct quire_buffer *out);

/** What the host's scan calls for each record: 0 means that it is to end there. */
QUIRE_EXPORT("scan_visit")
int quire_wasm_scan_visit(struct quire_wasm_scan *scan, const uint8_t *key, size_t key_size,
    const uint8_t *value, size_t value_size);

#endif
