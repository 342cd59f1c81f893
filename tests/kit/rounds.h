/*
 * How often a test repeats itself. A sanitizer makes each round several times slower and looks at
 * what a round does, so fewer of them show it as much; the plain build runs them all.
 */
#ifndef QR_TESTS_KIT_ROUNDS_H
#define QR_TESTS_KIT_ROUNDS_H

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KIT_FEWER 5
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KIT_FEWER 5
#endif
#ifndef KIT_FEWER
#define KIT_FEWER 1
#endif

/** So many rounds, or a fifth of them. */
#define KIT_ROUNDS(count) ((count) / KIT_FEWER)

#endif
