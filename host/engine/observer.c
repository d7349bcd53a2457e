/* SPDX-License-Identifier: Apache-2.0 */
/* Observers: ranges and histograms that stay on the device over many batches. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "engine/context.h"

struct clq_observer {
    clq_context *context;
    uint64_t parameters;
    int averages;
    int in_batch;          /* pieces were added since the last end of a batch */
    clq_buffer *state;     /* ranges of all batches */
    clq_buffer *batch;     /* moving average: ranges of the present batch; else NULL */
    clq_buffer *piece;     /* ranges of one piece */
    clq_buffer *nonfinite; /* of the last piece, then one that stays 0 */
    clq_buffer *averaging; /* 0, then the constant */
    clq_buffer *counts;    /* NULL until the first are added */
    uint32_t bins;         /* of each histogram: those of the scheme that the first were added with */
};

/* Of a caller's thread, whose stack may be small. */
enum { FILL_PIECE = 512 };

static clq_operand at(clq_buffer *buffer, uint64_t offset)
{
    const clq_operand operand = {buffer, offset};
    return operand;
}

static clq_status clear_ranges(clq_buffer *buffer, uint64_t parameters, clq_error *error)
{
    float none[2 * FILL_PIECE];
    for (size_t i = 0; i < FILL_PIECE; i++) {
        none[2 * i] = INFINITY;
        none[2 * i + 1] = -INFINITY;
    }
    for (uint64_t p = 0; p < parameters; p += FILL_PIECE) {
        const uint64_t count = clq_size_min(FILL_PIECE, parameters - p);
        CLQ_TRY(clq_buffer_write(buffer, p * 2 * sizeof(float), none, count * 2 * sizeof(float), error));
    }
    return CLQ_OK;
}

static clq_status clear_counts(clq_buffer *buffer, uint64_t parameters, uint32_t bins, clq_error *error)
{
    static const uint64_t zeros[CLQ_HISTOGRAM_BINS];
    for (uint64_t p = 0; p < parameters * bins / CLQ_HISTOGRAM_BINS; p++) {
        CLQ_TRY(clq_buffer_write(buffer, p * sizeof zeros, zeros, sizeof zeros, error));
    }
    return CLQ_OK;
}

static clq_status make_buffers(clq_observer *o, float averaging, clq_error *error)
{
    const float constants[2] = {0.0f, averaging};
    const clq_nonfinite none[2] = {{0, UINT64_MAX}, {0, UINT64_MAX}};
    const uint64_t range_bytes = clq_size_max(o->parameters, 1) * 2 * sizeof(float);
    CLQ_TRY(clq_buffer_create(o->context, range_bytes, &o->state, error));
    CLQ_TRY(clq_buffer_create(o->context, range_bytes, &o->piece, error));
    CLQ_TRY(clq_buffer_create(o->context, sizeof none, &o->nonfinite, error));
    CLQ_TRY(clq_buffer_create(o->context, sizeof constants, &o->averaging, error));
    CLQ_TRY(clq_buffer_write(o->nonfinite, 0, none, sizeof none, error));
    CLQ_TRY(clq_buffer_write(o->averaging, 0, constants, sizeof constants, error));
    if (o->averages) {
        CLQ_TRY(clq_buffer_create(o->context, range_bytes, &o->batch, error));
        CLQ_TRY(clear_ranges(o->batch, o->parameters, error));
    }
    return clear_ranges(o->state, o->parameters, error);
}

clq_status clq_observer_create(clq_context *context, uint64_t parameters, float averaging, clq_observer **out,
                               clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_observer *o;
    CLQ_REQUIRE(context != NULL && out != NULL, "clq_observer_create: context and observer must not be NULL");
    *out = NULL;
    CLQ_REQUIRE(parameters <= UINT64_MAX / (CLQ_HISTOGRAM_SIGNED_BINS * sizeof(uint64_t)),
                "clq_observer_create: parameters is %" PRIu64 ", whose histograms do not fit 64 bits", parameters);
    CLQ_REQUIRE(averaging >= 0.0f && averaging <= 1.0f, "clq_observer_create: averaging is %g, required is 0 to 1",
                (double)averaging);
    o = calloc(1, sizeof *o);
    if (o == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for an observer");
    }
    o->bins = CLQ_HISTOGRAM_BINS;
    o->context = context;
    atomic_fetch_add(&context->references, 1);
    o->parameters = parameters;
    o->averages = averaging > 0.0f;
    CLQ_TRY_TO(make_buffers(o, averaging, error));
    *out = o;
    o = NULL;
done:
    clq_observer_destroy(&o);
    return status;
}

void clq_observer_destroy(clq_observer **observer)
{
    clq_observer *o = observer != NULL ? *observer : NULL;
    if (o == NULL) {
        return;
    }
    clq_buffer_destroy(&o->state);
    clq_buffer_destroy(&o->batch);
    clq_buffer_destroy(&o->piece);
    clq_buffer_destroy(&o->nonfinite);
    clq_buffer_destroy(&o->averaging);
    clq_buffer_destroy(&o->counts);
    clq_context_release(o->context);
    free(o);
    *observer = NULL;
}

/* The parameters of a piece lie within the observer's. */
static clq_status check_piece(const clq_observer *o, const clq_quantization *q, uint64_t first, const char *function,
                              clq_error *error)
{
    uint64_t elements = 0;
    uint64_t parameters = 0;
    CLQ_REQUIRE(o != NULL, "%s: observer is NULL", function);
    CLQ_TRY(clq_quantization_check(q, error));
    CLQ_TRY(clq_layout_count(&q->layout, &elements, &parameters, error));
    CLQ_REQUIRE(first <= o->parameters && parameters <= o->parameters - first,
                "%s: %" PRIu64 " parameters from %" PRIu64 " on do not lie within the observer's %" PRIu64, function,
                parameters, first, o->parameters);
    return CLQ_OK;
}

clq_status clq_observer_add_range(clq_observer *o, const clq_quantization *q, clq_operand x, uint64_t first,
                                  clq_error *error)
{
    CLQ_TRY(check_piece(o, q, first, "clq_observer_add_range", error));
    CLQ_TRY(clq_minmax(o->context, q, x, at(o->piece, 0), at(o->nonfinite, 0), error));
    CLQ_TRY(clq_merge_range(o->context, q, x, at(o->piece, 0), at(o->nonfinite, 0), at(o->averaging, 0),
                            at(o->averages ? o->batch : o->state, 2 * first), error));
    o->in_batch = 1;
    return CLQ_OK;
}

clq_status clq_observer_end_batch(clq_observer *o, clq_error *error)
{
    clq_quantization q;
    CLQ_REQUIRE(o != NULL, "clq_observer_end_batch: observer is NULL");
    if (!o->averages || !o->in_batch) {
        return CLQ_OK;
    }
    /*
     * The ranges of the batch are its data as well: two elements for each parameter, of which they are the range. Those
     * of a parameter that had none, infinity and -infinity, are no range and leave the state alone.
     */
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = o->parameters;
    q.layout.shape[1] = 2;
    q.layout.granularity = CLQ_PER_CHANNEL;
    q.layout.axis = 0;
    CLQ_TRY(clq_merge_range(o->context, &q, at(o->batch, 0), at(o->batch, 0), at(o->nonfinite, 1), at(o->averaging, 1),
                            at(o->state, 0), error));
    o->in_batch = 0;
    return clear_ranges(o->batch, o->parameters, error);
}

clq_status clq_observer_add_counts(clq_observer *o, const clq_quantization *q, clq_operand x, uint64_t first,
                                   clq_error *error)
{
    uint32_t bins;
    CLQ_TRY(check_piece(o, q, first, "clq_observer_add_counts", error));
    bins = clq_histogram_bins(&q->scheme);
    CLQ_REQUIRE(o->counts == NULL || bins == o->bins,
                "clq_observer_add_counts: the scheme has histograms of %" PRIu32
                " bins, those added before are of %" PRIu32 ": all schemes of an observer must be symmetric or none",
                bins, o->bins);
    CLQ_TRY(clq_observer_end_batch(o, error)); /* the bins are those of the final range */
    if (o->counts == NULL) {
        clq_buffer *made = NULL;
        clq_status status;
        CLQ_TRY(clq_buffer_create(o->context, clq_size_max(o->parameters, 1) * bins * sizeof(uint64_t), &made, error));
        status = clear_counts(made, o->parameters, bins, error);
        if (status != CLQ_OK) {
            clq_buffer_destroy(&made);
            return status;
        }
        o->counts = made;
        o->bins = bins;
    }
    return clq_histogram(o->context, q, x, at(o->state, 2 * first), at(o->counts, first * bins), error);
}

clq_status clq_observer_read_nonfinite(clq_observer *o, clq_nonfinite *nonfinite, clq_error *error)
{
    CLQ_REQUIRE(o != NULL && nonfinite != NULL, "clq_observer_read_nonfinite: observer and nonfinite must not be NULL");
    return clq_buffer_read(o->nonfinite, 0, nonfinite, sizeof *nonfinite, error);
}

static clq_status check_read(const clq_observer *o, uint64_t first, uint64_t count, const void *memory,
                             const char *function, clq_error *error)
{
    CLQ_REQUIRE(o != NULL, "%s: observer is NULL", function);
    CLQ_REQUIRE(memory != NULL || count == 0, "%s: the memory to read into is NULL", function);
    CLQ_REQUIRE(first <= o->parameters && count <= o->parameters - first,
                "%s: %" PRIu64 " parameters from %" PRIu64 " on do not lie within the observer's %" PRIu64, function,
                count, first, o->parameters);
    return CLQ_OK;
}

clq_status clq_observer_read_ranges(clq_observer *o, uint64_t first, uint64_t count, float *ranges, clq_error *error)
{
    CLQ_TRY(check_read(o, first, count, ranges, "clq_observer_read_ranges", error));
    CLQ_TRY(clq_observer_end_batch(o, error));
    CLQ_TRY(clq_buffer_read(o->state, first * 2 * sizeof(float), ranges, count * 2 * sizeof(float), error));
    for (uint64_t i = 0; i < count; i++) {
        if (ranges[2 * i] > ranges[2 * i + 1]) {
            ranges[2 * i] = 0.0f;
            ranges[2 * i + 1] = 0.0f;
        }
    }
    return CLQ_OK;
}

clq_status clq_observer_read_counts(clq_observer *o, uint64_t first, uint64_t count, uint64_t *counts, clq_error *error)
{
    const uint64_t bytes = o != NULL ? o->bins * sizeof(uint64_t) : 0;
    CLQ_TRY(check_read(o, first, count, counts, "clq_observer_read_counts", error));
    if (o->counts == NULL) {
        memset(counts, 0, (size_t)(count * bytes));
        return CLQ_OK;
    }
    return clq_buffer_read(o->counts, first * bytes, counts, count * bytes, error);
}
