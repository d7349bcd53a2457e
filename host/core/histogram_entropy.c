/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds by entropy: the search that TensorRT published, and the same for both ends. Pure functions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/divergence.h"
#include "core/float_mode.h"
#include "core/scheme.h"

enum {
    BINS = CLQ_HISTOGRAM_BINS,
    SIGNED_BINS = CLQ_HISTOGRAM_SIGNED_BINS,
    MOST_CANDIDATES = BINS, /* of both ends there are fewer, since their widths shrink by a 32nd while they can */
    PROBED = 64,
    GROUP = 16,
    PARTS = 4,
    PATIENCE = 0,
    REST = 3,
    MOST_CLOSE = 1024
};

/* Divergences closer than this count as equal, so that the choice does not hang on the last bits of a sum. */
static const double TIE = 0x1p-40;

/*
 * The candidate that is chosen is within TIE of the least divergence. On another one the choice can hang only through a
 * chain of divergences, each within TIE of the one below, so on none that is not CLOSE to the least: a chain so long
 * has more than MOST_CLOSE links.
 */
static const double CLOSE = 2.0 * MOST_CLOSE * 0x1p-40;

/* ---- a search ---- */

typedef struct search {
    clq_divergences divergences;
    size_t count;
    clq_window windows[MOST_CANDIDATES]; /* candidates in their order */
    double clipping[MOST_CANDIDATES];    /* what it costs them, near enough; infinite: too much */
    double near[MOST_CANDIDATES]; /* the divergence, times the elements; infinite: it is not close to the least */
    double least;                 /* of these */
    double close;                 /* CLOSE in their terms */
    int patience[GROUP + 1];      /* below 0: bounds of so many candidates are not asked for so often */
} search;

static void begin(search *s, const uint64_t *counts, uint32_t bins, uint32_t levels)
{
    clq_divergences_begin(&s->divergences, counts, bins, levels);
    s->count = 0;
    s->least = INFINITY;
    memset(s->patience, 0, sizeof s->patience);
    s->close = (double)s->divergences.count[bins] * (CLOSE + 2.0 * CLQ_DIVERGENCE_MARGIN);
}

static void add(search *s, clq_window window)
{
    s->windows[s->count] = window;
    s->clipping[s->count] = INFINITY;
    s->near[s->count] = INFINITY;
    s->count++;
}

/* What clipping costs some candidates. */
static void clip(search *s, size_t from, size_t count)
{
    clq_divergences_of_clipping(&s->divergences, s->windows + from, (uint32_t)count, s->clipping + from);
}

/* The least that clipping costs some candidates. */
static double least_clipping(const search *s, size_t from, size_t count)
{
    double least = s->clipping[from];
    for (size_t k = 1; k < count; k++) {
        least = s->clipping[from + k] < least ? s->clipping[from + k] : least;
    }
    return least;
}

/* Whether to ask for a bound of so many candidates: not for some time after those that were asked for were too low. */
static int is_worth_a_bound(search *s, size_t count)
{
    if (count > 1 && s->patience[count] < 0) {
        s->patience[count]++;
        return 0;
    }
    return 1;
}

/* Find out how near some candidates are, or that none is close to the least. */
static void look_at(search *s, size_t from, size_t count)
{
    const double most = s->least + s->close;
    const double clipping = least_clipping(s, from, count);
    if (clipping > most || (count == 1 && s->near[from] < INFINITY)) {
        return;
    }
    if (count == 1 || is_worth_a_bound(s, count)) {
        const clq_window first = s->windows[from];
        const double lost = count == 1
                                ? clq_divergence_of_levels(&s->divergences, first, most - clipping)
                                : clq_divergence_of_common_levels(&s->divergences, first.end,
                                                                  s->windows[from + count - 1].end, most - clipping);
        if (clipping + lost > most) {
            s->patience[count] = PATIENCE;
            return;
        }
        if (count == 1) {
            s->near[from] = clipping + lost;
            s->least = s->near[from] < s->least ? s->near[from] : s->least;
            return;
        }
        s->patience[count] = s->patience[count] > 0 ? s->patience[count] - 1 : -REST;
    }
    for (size_t part = (count + PARTS - 1) / PARTS, k = 0; k < count; k += part) {
        look_at(s, from + k, count - k < part ? count - k : part);
    }
}

static int is_close(const search *s, size_t number)
{
    return s->near[number] < INFINITY && s->near[number] <= s->least + s->close;
}

/* By the definition, of those that are close: the first of equals. `count` when there is none. */
static size_t choose(search *s)
{
    size_t best = s->count;
    size_t close = 0;
    double least = INFINITY;
    for (size_t n = 0; n < s->count; n++) {
        close += (size_t)is_close(s, n);
        best = is_close(s, n) ? n : best;
    }
    for (size_t n = 0; n < s->count && close > 1; n++) {
        if (close > MOST_CLOSE || is_close(s, n)) {
            const double now = clq_divergence(&s->divergences, s->windows[n]);
            if (now < least - TIE) {
                least = now;
                best = n;
            }
        }
    }
    return best;
}

/* ---- magnitudes ---- */

/* Of some candidates that one which clipping costs least. */
static void probe(search *s, size_t from, size_t count)
{
    size_t best = from;
    for (size_t n = from + 1; n < from + count; n++) {
        best = s->clipping[n] < s->clipping[best] ? n : best;
    }
    look_at(s, best, 1);
}

static void look_at_magnitudes(search *s)
{
    clip(s, s->count - 1, 1);
    look_at(s, s->count - 1, 1); /* its divergence is never infinite */
    for (size_t end = s->count, from; end > 0; end = from) {
        from = end > PROBED ? end - PROBED : 0;
        if (clq_divergence_at_least(&s->divergences, s->windows[from].end, s->windows[end - 1].end) <=
            s->least + s->close) {
            clip(s, from, end - from);
            probe(s, from, end - from);
        }
    }
    for (size_t n = 0; n < s->count; n += GROUP) {
        look_at(s, n, s->count - n < GROUP ? s->count - n : GROUP);
    }
}

static uint32_t least_edge(search *s, uint32_t levels)
{
    for (uint32_t i = levels; i <= BINS; i++) {
        add(s, (clq_window){0, i});
    }
    if (s->divergences.count[BINS] < CLQ_DIVERGENCE_ELEMENTS) {
        look_at_magnitudes(s);
    } else { /* nobody has so many: all are as close as can be */
        memset(s->near, 0, s->count * sizeof *s->near);
        s->least = 0.0;
    }
    return s->windows[choose(s)].end;
}

clq_status clq_histogram_entropy(const uint64_t *counts, float maximum, uint32_t levels, clq_threshold *threshold,
                                 clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    uint64_t total = 0;
    uint32_t best = BINS;
    CLQ_TRY(clq_histogram_check("clq_histogram_entropy", counts, maximum, threshold, &total, error));
    CLQ_TRY(clq_histogram_check_levels("clq_histogram_entropy", levels, error));
    *threshold = clq_histogram_threshold(maximum, 0, 2 * BINS);
    if (total == 0) {
        return CLQ_OK;
    }
    if (levels < BINS) {               /* else there is one candidate */
        search *s = malloc(sizeof *s); /* too large for the stack of a caller's thread */
        if (s == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "clq_histogram_entropy: no memory for sums over the bins");
        }
        begin(s, counts, BINS, levels);
        best = least_edge(s, levels);
        free(s);
    }
    *threshold = clq_histogram_threshold(maximum, best, 2 * best + 1);
    return CLQ_OK;
}

/* ---- both ends ---- */

/* What a search over both ends works on. */
typedef struct both_ends {
    clq_candidates candidates;
    uint64_t counts[SIGNED_BINS];
    search search;
} both_ends;

/* Zeros are exact whatever the cut: their bin counts as at most the greater of those beside it. */
static void even_out(uint64_t *counts, uint32_t zero_bin)
{
    const uint64_t left = zero_bin > 0 ? counts[zero_bin - 1] : 0;
    const uint64_t right = zero_bin < SIGNED_BINS - 1 ? counts[zero_bin + 1] : 0;
    const uint64_t most = left > right ? left : right;
    counts[zero_bin] = counts[zero_bin] < most ? counts[zero_bin] : most;
}

static void cut_both_ends(both_ends *b, uint32_t levels, const float range[2], clq_cut *cut)
{
    search *s = &b->search;
    size_t best;
    begin(s, b->counts, SIGNED_BINS, levels);
    do {
        add(s, b->candidates.window);
    } while (clq_candidates_next(&b->candidates, levels));
    clip(s, 0, s->count);
    for (size_t n = 0; n < s->count; n++) {
        look_at(s, n, 1);
    }
    best = choose(s);
    if (best < s->count) {
        *cut = clq_histogram_cut_at(range, s->windows[best]);
    }
}

clq_status clq_histogram_cut_entropy(const clq_scheme *scheme, const uint64_t *counts, const float range[2],
                                     clq_cut *cut, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    uint64_t total = 0;
    uint32_t levels;
    both_ends *b; /* too large for the stack of a caller's thread */
    CLQ_TRY(clq_histogram_cut_check("clq_histogram_cut_entropy", counts, range, cut, &total, error));
    CLQ_REQUIRE(scheme != NULL, "clq_histogram_cut_entropy: scheme must not be NULL");
    CLQ_TRY(clq_scheme_check(scheme, error));
    levels = (uint32_t)(scheme->qmax - scheme->qmin) + 1;
    if (total == 0 || levels > SIGNED_BINS) { /* the whole range is the only candidate */
        return CLQ_OK;
    }
    b = malloc(sizeof *b);
    if (b == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "clq_histogram_cut_entropy: no memory for sums over the bins");
    }
    clq_candidates_begin(&b->candidates, scheme, counts, range, total);
    memcpy(b->counts, b->candidates.count, sizeof b->counts);
    even_out(b->counts, b->candidates.zero_bin);
    cut_both_ends(b, levels, range, cut);
    free(b);
    return CLQ_OK;
}
