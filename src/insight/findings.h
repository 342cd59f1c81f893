/*
 * What goes with moods, and when they changed: statements that are checked against chance.
 *
 * One look at a diary: the days of a window with their moods, and factors (tags, picked emotions, time of
 * day, length) that some of the days have. Stage 1 asks for one change of level and for a slope, at a
 * budget of 1.5 %; stage 2 for factors and weekdays, at 3 %: the chances that anything at all is found
 * where there is nothing. tools/bench-insight measures both on simulated diaries.
 *
 * Change point: self-normalised CUSUM (Shao, Zhang: "Testing for change points in time series", 2010).
 */
#ifndef QR_INSIGHT_FINDINGS_H
#define QR_INSIGHT_FINDINGS_H

#include "insight/sieve.h"

#define QR_FACTORS_MAX 40
#define QR_FACTOR_DAYS_MIN 10 /* with it, and without it */
#define QR_FINDING_DAYS_MIN 28
#define QR_CHANGE_DAYS_MIN 42
#define QR_WEEKDAY_DAYS_MIN 56
#define QR_WEEKDAY_EACH_MIN 6
#define QR_FINDINGS_MAX (QR_STATISTICS_MAX + 2)
#define QR_BUDGET_CHANGE 15 /* of 1,000 */
#define QR_BUDGET_FACTORS 30

/** The days of a window that have a mood, in order. */
struct qr_days {
    uint32_t n;
    int32_t days[QR_DAYS_MAX];  /* since 1970-01-01 */
    int32_t moods[QR_DAYS_MAX]; /* mean of the day's entries, hundredths of a point */
};

/** What some days have. */
struct qr_factor {
    uint32_t id;                  /* the caller's */
    uint32_t count;               /* days with it */
    uint8_t present[QR_DAYS_MAX]; /* by index of the day; 0 or 1 */
};

enum qr_finding_kind {
    QR_FINDING_FACTOR,  /* which: the factor's id */
    QR_FINDING_WEEKDAY, /* which: 0 Monday … 6 Sunday, 7 the weekend */
    QR_FINDING_CHANGE, /* which: the first day of the new level; from, to: 90 % of where it may be */
    QR_FINDING_SLOPE   /* effect: in 30 days */
};

/** One statement. Effects are hundredths of a mood point; the interval holds 95 %. */
struct qr_finding {
    enum qr_finding_kind kind;
    int32_t which, from, to;
    int32_t effect, low, high;
    uint32_t with, without; /* days */
    uint32_t chance;        /* adjusted p, in 1/10,000, rounded up */
};

/** Memory for one look, about 1 MB. */
struct qr_findings_work {
    struct qr_draws draws;
    struct qr_sieve sieve;
    int64_t x[QR_DAYS_MAX], adjusted[QR_DAYS_MAX], series[QR_DAYS_MAX], drawn[QR_DAYS_MAX];
    int64_t places[QR_DRAWS];
    int64_t sums[4][QR_DAYS_MAX + 1];
    uint16_t members[QR_STATISTICS_MAX][QR_DAYS_MAX];
    uint8_t weekdays[QR_DAYS_MAX];
};

/**
 * Looks once. factors: at most QR_FACTORS_MAX; those with too few days are passed over.
 * out_findings: QR_FINDINGS_MAX of them. Returns how many were found.
 */
uint32_t qr_findings_look(struct qr_findings_work *work, const struct qr_days *days,
    const struct qr_factor *factors, uint32_t factor_count, struct qr_finding *out_findings);

/** Do two looks say the same? Kind, factor and sign; a change within 14 days. */
bool qr_finding_holds(const struct qr_finding *before, const struct qr_finding *now);

/**
 * Half the width of the band that 95 % of the means of `count` ≤ 7 days in a row would fall into if the
 * mood only went on as it does, hundredths of a point; 0: unknown.
 */
int32_t qr_findings_band(const struct qr_sieve *sieve, uint32_t count);

/** Values as the sieve takes them: mood minus mean. */
void qr_findings_centre(const struct qr_days *days, int64_t *out_values);

#endif
