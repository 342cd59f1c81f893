/*
 * What a series of moods would look like by chance: an autoregressive sieve bootstrap.
 *
 * An autoregression of small order is fitted to the days; its residuals are drawn again, with
 * replacement, into new series that have the same memory from day to day and nothing else in them.
 * Sources: Bühlmann: "Sieve bootstrap for time series" (1997); order by Akaike's FPE (1969); Levinson's
 * recursion; p-values over all statements at once by step-down min-p (Westfall, Young 1993; Romano,
 * Wolf 2005).
 *
 * Units: a value is 1/1,600 of a mood point. Time is event time: days without a mood are not filled in.
 */
#ifndef QR_INSIGHT_SIEVE_H
#define QR_INSIGHT_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_DAYS_MAX 364      /* of a window, and so of a series */
#define QR_DRAWS 1999        /* series drawn in each stage */
#define QR_STATISTICS_MAX 50 /* of one stage */
#define QR_LAGS 7            /* autocovariances kept: 0 … 6 */
#define QR_ORDER_MAX 5
#define QR_VALUES_PER_POINT 1600

/** A fitted sieve. */
struct qr_sieve {
    uint32_t order;
    int64_t coefficients[QR_ORDER_MAX]; /* Q20 */
    int64_t covariances[QR_LAGS];       /* corrected for the bias of a short series */
    uint32_t residual_count;
    int64_t residuals[QR_DAYS_MAX];
};

/**
 * Fits one to n values whose mean is 0; order ≤ order_max ≤ QR_ORDER_MAX. False: the values are all
 * equal, or too few to fit anything.
 */
bool qr_sieve_fit(struct qr_sieve *sieve, const int64_t *values, uint32_t n, uint32_t order_max);

/** Draws a series of n values, with mean 0. `state` goes on. */
void qr_sieve_draw(const struct qr_sieve *sieve, uint64_t *state, int64_t *out_values, uint32_t n);

/** The statistics of what was seen (row 0) and of each draw (rows 1 … QR_DRAWS). */
struct qr_draws {
    uint32_t count; /* statistics in a row */
    int64_t rows[QR_DRAWS + 1][QR_STATISTICS_MAX];
    uint16_t ranks[QR_DRAWS + 1][QR_STATISTICS_MAX]; /* written by qr_draws_adjust */
    int64_t column[QR_DRAWS + 1];
};

/**
 * Adjusted p-values of row 0, each as the number of rows, 1 … QR_DRAWS + 1, that are as extreme: p is
 * that divided by QR_DRAWS + 1. The chance that any of them is small without a cause is the one read.
 */
void qr_draws_adjust(struct qr_draws *draws, uint32_t out_adjusted[QR_STATISTICS_MAX]);

/** The value that `share` of 1,000 draws of one statistic do not exceed. */
int64_t qr_draws_quantile(struct qr_draws *draws, uint32_t statistic, uint32_t share);

#endif
