/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of tensors: ties and their neighbours, what is awkward, and witnesses (trial/witness.h). */
#include "trial/inputs.h"

#include "core/dtype.h"
#include "reference/element.h"
#include "trial/cases.h"
#include "trial/witness.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* ---- parameters ---- */

/* The quick way's, and the slow way's (kernels/code.clh), some of them next to the line between the two. */
static const float narrow_scales[] = {0.0625f, 1.0f, 0x1.fffffep-4f, 0.1f, 0x1.4p-3f, 0x1.8p-22f, 0x1p-70f, 0x1.8p100f};
static const int32_t narrow_zero_points[] = {0, 1, -3, 7, 128, -210, 0, 1 << 21, -(1 << 21)};
static const float wide_scales[] = {0x1p-100f, 0x1.8p-71f, 0x1p60f, 0x1p126f, 0.0625f, 1.0f, 0x1.2p8f};
static const int32_t wide_zero_points[] = {0, 2147483647, -2000000000, 5000000, 3, -2097153, INT32_MIN, -25};

/*
 * Of a vector of parameters, which kernels for CPU devices make ready at once, one that is wide makes all others go the
 * slow way too: they are in the second half of each 64 only, and nowhere in a case that is narrow. Of WIDE_AT_ENDS
 * parameters they are the first vector and the last, which are ends of two tiles of columns too (COLUMN_BLOCKS).
 */
enum { WIDE_AT_ENDS = 1024 };

static int is_wide_at(const clq_trial_case *c, uint64_t parameters, uint64_t p)
{
    const int is_end = p < 16 || p >= WIDE_AT_ENDS - 16;
    return !c->is_narrow && (parameters < 32 || (parameters == WIDE_AT_ENDS ? is_end : p / 32 % 2 != 0));
}

static void choose_parameter(const clq_trial_case *c, const clq_task *task, uint64_t p, uint64_t turn,
                             clq_trial_surroundings *s)
{
    const int is_wide = is_wide_at(c, task->geometry.parameters, p);
    size_t count;
    size_t difference_count;
    const clq_trial_quotient *quotients = clq_trial_quotients(task->q->real, &count);
    const clq_trial_difference *differences = clq_trial_differences(task->q->real, &difference_count);
    const uint64_t number = p + turn;
    if (task->operation == CLQ_OP_DEQUANTIZE ? number % 2 == 1 : number % 8 == 2) {
        const size_t first = is_wide || task->operation == CLQ_OP_DEQUANTIZE ? 0 : CLQ_TRIAL_WIDE_DIFFERENCES;
        const size_t which = first + number / 2 % (difference_count - first);
        const clq_trial_difference *d = &differences[which];
        const int is_there_and_back = task->operation == CLQ_OP_FAKE_QUANTIZE && which < CLQ_TRIAL_WIDE_DIFFERENCES;
        s->scale = d->scale;
        s->zero_point = d->zero_point;
        s->witness = d->scale;
        if (which >= CLQ_TRIAL_WIDE_DIFFERENCES) { /* of code 3 */
            s->witness *= (float)(CLQ_TRIAL_DIFFERENCE_CODE - d->zero_point);
        }
        if (is_there_and_back) { /* where the code saturates, as no other leaves a difference that is no f32 */
            s->zero_point += (d->zero_point < 0 ? s->greatest : s->least) - CLQ_TRIAL_DIFFERENCE_CODE;
            s->witness *= d->zero_point < 0 ? 0x1p33f : -0x1p33f;
        }
    } else if (number % 2 == 1) {
        const clq_trial_quotient *w = &quotients[number / 2 % (is_wide ? count : CLQ_TRIAL_NARROW_QUOTIENTS)];
        s->scale = w->scale;
        s->zero_point = w->zero_point;
        s->witness = w->x;
    } else if (is_wide || task->operation == CLQ_OP_DEQUANTIZE) {
        s->scale = wide_scales[number / 2 % COUNT(wide_scales)];
        s->zero_point = wide_zero_points[number / 2 % COUNT(wide_zero_points)];
    } else {
        s->scale = narrow_scales[number / 2 % COUNT(narrow_scales)];
        s->zero_point = narrow_zero_points[number / 2 % COUNT(narrow_zero_points)];
    }
}

/* ---- elements and codes ---- */

static void fill_elements(const clq_trial_case *c, const clq_task *task, void *x, uint64_t turn, uint32_t *state)
{
    const clq_geometry *g = &task->geometry;
    const clq_trial_elements e = clq_trial_elements_of(task->q, x);
    clq_trial_surroundings s = {0.0625f, 0, task->q->scheme.qmin, task->q->scheme.qmax, 0.5f, 1, 1};
    for (uint64_t i = 0; i < g->elements; i++) {
        if (i % g->row % g->segment == 0) {
            choose_parameter(c, task, clq_geometry_parameter(g, i), turn, &s);
        }
        const float next = clq_trial_next_element(state, &s);
        clq_trial_store_drawn(&e, i, next, state);
    }
}

static void fill_codes(const clq_task *task, void *codes, uint32_t *state)
{
    const clq_places at = clq_places_of(&task->q->layout, &task->q->code_strides);
    for (uint64_t i = 0; i < task->geometry.elements; i++) {
        const uint32_t r = clq_trial_random(state);
        clq_store_code(task->q->scheme.dtype, codes, clq_place(&at, i),
                       r % 8 == 0 ? CLQ_TRIAL_DIFFERENCE_CODE : (int32_t)(r >> 8));
    }
}

/* ---- all of a tensor ---- */

/* Where the operands lie that are inputs; outputs that are no inputs have NULL. */
static void find_inputs(const clq_task *task, void *host[CLQ_ARG_COUNT])
{
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        const clq_span *span = &task->arguments[i];
        const int is_input = clq_argument_is_input(task->operation, (clq_argument)i);
        host[i] = is_input && span->object != NULL ? (char *)span->object + span->offset_bytes : NULL;
    }
}

/* The options of a way have the product in their third bit, as the witnesses have it behind the first four. */
_Static_assert(CLQ_TRIAL_RANGE_OF_PRODUCT == 4 && CLQ_TRIAL_OPTIONS == 2 * CLQ_TRIAL_RANGE_OF_PRODUCT,
               "clq_trial_take_options");

/*
 * Tensors of one parameter do not all have the same. What long ones have makes reals of their codes that differ, in
 * each type: of a scale far out all are 0, or infinite, and who takes one element for another has the same.
 */
static uint64_t first_parameter(const clq_task *task, uint32_t *state)
{
    enum { LONG = 200, MODERATE = 8 }; /* the latter: 0.0625 and 3 */
    const clq_geometry *g = &task->geometry;
    const uint64_t drawn = g->parameters == 1 ? clq_trial_random(state) % 64 : 0;
    const int is_long = g->parameters == 1 && g->elements >= LONG;
    return is_long && task->operation == CLQ_OP_DEQUANTIZE ? MODERATE : drawn;
}

void clq_trial_fill_tensor(const clq_trial_case *c, const clq_task *task, uint32_t *state)
{
    const clq_geometry *g = &task->geometry;
    const uint64_t drawn = first_parameter(task, state);
    /* Of the ways of a tensor alone each has its own, by the options that go with the way: a witness is one for ties
     * to even or for ties away, by a quotient or by a product; the last, of short ones, for all. */
    const uint64_t own = g->elements < 32 ? CLQ_TRIAL_RANGES - 1 : c->way % CLQ_TRIAL_OPTIONS;
    const uint64_t turn = task->operation == CLQ_OP_DYNAMIC_QUANTIZE && c->count == 1 ? own : drawn;
    const uint32_t way = c->way + (uint32_t)(task - c->tasks);
    void *host[CLQ_ARG_COUNT];
    find_inputs(task, host);
    if (host[CLQ_ARG_RANGE] != NULL) {
        clq_trial_fill_given_ranges(task, host[CLQ_ARG_RANGE], state);
    }
    if (host[CLQ_ARG_COUNTS] != NULL && host[CLQ_ARG_X] != NULL) {
        clq_trial_fill_histogram(task, host, state);
        return;
    }
    if (host[CLQ_ARG_X] != NULL && clq_argument_is_output(task->operation, CLQ_ARG_RANGE)) {
        clq_trial_fill_for_range(c, task, host[CLQ_ARG_X], turn, way, state);
    } else if (host[CLQ_ARG_X] != NULL) {
        fill_elements(c, task, host[CLQ_ARG_X], turn, state);
    }
    if (host[CLQ_ARG_CODES] != NULL) {
        fill_codes(task, host[CLQ_ARG_CODES], state);
    }
    for (uint64_t p = 0; p < g->parameters && host[CLQ_ARG_SCALE] != NULL; p++) {
        clq_trial_surroundings s = {0.0625f, 0, task->q->scheme.qmin, task->q->scheme.qmax, 0.5f, 1, 1};
        choose_parameter(c, task, p, turn, &s);
        ((float *)host[CLQ_ARG_SCALE])[p] = s.scale;
        ((int32_t *)host[CLQ_ARG_ZERO_POINT])[p] = s.zero_point;
    }
    if (host[CLQ_ARG_STATE] != NULL && host[CLQ_ARG_AVERAGING] != NULL) {
        clq_trial_fill_merge(c, task, host, state);
    }
}
