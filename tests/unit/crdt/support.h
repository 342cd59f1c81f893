/*
 * What the tests of documents share.
 */
#ifndef QR_TESTS_CRDT_SUPPORT_H
#define QR_TESTS_CRDT_SUPPORT_H

#include <quire/document.h>
#include <criterion/criterion.h>

#define OK(call) cr_assert_eq((call), QUIRE_OK, "%s", #call)
#define REFUSED(call, status) cr_assert_eq((call), (status), "%s", #call)

/** Numbers that depend on the seed alone (splitmix64). */
struct dice {
    uint64_t state;
};

uint64_t roll(struct dice *dice);
/** 0 … below - 1; 0 where below is 0. */
size_t pick(struct dice *dice, size_t below);

struct quire_document *new_document(void);
struct quire_stamp stamp_of(const char *replica, int64_t wall_ms);
void type(struct quire_document *document, const char *replica, size_t position, const char *text);
void erase(struct quire_document *document, const char *replica, size_t position, size_t count);
void set_title(
    struct quire_document *document, const char *replica, int64_t wall_ms, const char *title);
void tag(struct quire_document *document, const char *replica, const char *name);
void untag(struct quire_document *document, const char *replica, const char *name);

/** These append nothing but make new buffers, the caller's. */
struct quire_buffer state_of(const struct quire_document *document);
struct quire_buffer canonical_of(const struct quire_document *document);
struct quire_buffer pending_of(const struct quire_document *document);
struct quire_buffer take(struct quire_document *document);

/** Merges, which must succeed, and frees the buffer. */
void merge_and_free(struct quire_document *document, struct quire_buffer *bytes);
/** Each gets the other's state. */
void sync_documents(struct quire_document *a, struct quire_document *b);
/** Awake: built from the state. */
struct quire_document *copy_of(const struct quire_document *document);

/** The same, to the last id. */
void assert_same_state(const struct quire_document *a, const struct quire_document *b);
bool same_state(const struct quire_document *a, const struct quire_document *b);
void assert_text(const struct quire_document *document, const char *text);
/** The elements' names, joined by blanks. */
void assert_tags(const struct quire_document *document, const char *names);
/** All titles as shown, joined by '|'. */
void assert_titles(const struct quire_document *document, const char *titles);

#endif
