/* SPDX-License-Identifier: Apache-2.0 */
#include "model/comparison.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "model/copy.h"
#include "model/source.h"

clq_status clq_compared_open(clq_compared *compared, const char *path, clq_error *error)
{
    CLQ_TRY(clq_model_open(path, &compared->model, error));
    return clq_quantized_scan(compared->model, &compared->list, error);
}

void clq_compared_close(clq_compared *compared)
{
    clq_slot_release(&compared->slot);
    clq_quantized_list_destroy(&compared->list);
    clq_model_close(&compared->model);
}

const clq_quantized *clq_compared_quantized(const clq_compared *compared, size_t index)
{
    const clq_quantized_list *list = compared->list;
    return list->roles[index] == CLQ_ROLE_CODES ? &list->items[list->owners[index]] : NULL;
}

void clq_compared_shape(const clq_compared *compared, size_t index, uint32_t *rank, const uint64_t **shape)
{
    const clq_quantized *quantized = clq_compared_quantized(compared, index);
    *rank = quantized != NULL ? quantized->layout.rank : compared->model->tensors[index].rank;
    *shape = quantized != NULL ? quantized->layout.shape : compared->model->tensors[index].shape;
}

const char *clq_compared_type(const clq_compared *compared, size_t index)
{
    const clq_quantized *quantized = clq_compared_quantized(compared, index);
    return quantized != NULL ? clq_dtype_name(quantized->dtype) : compared->model->tensors[index].dtype.name;
}

const char *clq_pair_name(const clq_comparison *comparison, const clq_pair *pair)
{
    return pair->reference != SIZE_MAX ? comparison->reference.model->tensors[pair->reference].name
                                       : comparison->test.model->tensors[pair->test].name;
}

static int has_numbers(const clq_compared *compared, size_t index)
{
    return clq_compared_quantized(compared, index) != NULL ||
           clq_file_real_of(&compared->model->tensors[index].dtype) != CLQ_REAL_NONE;
}

static size_t find(const clq_compared *compared, const char *name)
{
    const size_t index = clq_model_find(compared->model, name);
    return index != SIZE_MAX && clq_stands_alone(compared->list, index) ? index : SIZE_MAX;
}

/* The only tensor of real numbers, SIZE_MAX when there are none or several. */
static size_t only_one(const clq_compared *compared)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < compared->model->tensor_count; i++) {
        if (clq_stands_alone(compared->list, i) && has_numbers(compared, i)) {
            if (found != SIZE_MAX) {
                return SIZE_MAX;
            }
            found = i;
        }
    }
    return found;
}

static int same_shape(const clq_comparison *comparison, size_t reference, size_t test)
{
    uint32_t reference_rank, test_rank;
    const uint64_t *reference_shape;
    const uint64_t *test_shape;
    clq_compared_shape(&comparison->reference, reference, &reference_rank, &reference_shape);
    clq_compared_shape(&comparison->test, test, &test_rank, &test_shape);
    if (reference_rank != test_rank) {
        return 0;
    }
    for (uint32_t d = 0; d < reference_rank; d++) {
        if (reference_shape[d] != test_shape[d]) {
            return 0;
        }
    }
    return 1;
}

static void add_pair(clq_comparison *comparison, size_t reference, size_t test)
{
    clq_pair *pair = &comparison->pairs[comparison->count++];
    memset(pair, 0, sizeof *pair);
    pair->reference = reference;
    pair->test = test;
    if (test == SIZE_MAX) {
        pair->kind = CLQ_PAIR_MISSING;
    } else if (reference == SIZE_MAX) {
        pair->kind = CLQ_PAIR_EXTRA;
    } else if (!same_shape(comparison, reference, test)) {
        pair->kind = CLQ_PAIR_SHAPES;
    } else if (has_numbers(&comparison->reference, reference) && has_numbers(&comparison->test, test)) {
        pair->kind = CLQ_PAIR_NUMBERS;
    } else if (strcmp(clq_compared_type(&comparison->reference, reference),
                      clq_compared_type(&comparison->test, test)) == 0) {
        pair->kind = CLQ_PAIR_BYTES;
    } else {
        pair->kind = CLQ_PAIR_TYPES;
    }
}

clq_status clq_comparison_match(clq_comparison *comparison, clq_error *error)
{
    const clq_compared *reference = &comparison->reference;
    const clq_compared *test = &comparison->test;
    const size_t capacity = reference->model->tensor_count + test->model->tensor_count + 1;
    size_t alone = only_one(reference);
    size_t other = only_one(test);
    comparison->pairs = calloc(capacity, sizeof *comparison->pairs);
    if (comparison->pairs == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", capacity);
    }
    if (alone == SIZE_MAX || other == SIZE_MAX || find(test, reference->model->tensors[alone].name) != SIZE_MAX) {
        alone = SIZE_MAX;
        other = SIZE_MAX;
    }
    for (size_t i = 0; i < reference->model->tensor_count; i++) {
        if (clq_stands_alone(reference->list, i)) {
            add_pair(comparison, i, i == alone ? other : find(test, reference->model->tensors[i].name));
        }
    }
    for (size_t i = 0; i < test->model->tensor_count; i++) {
        if (clq_stands_alone(test->list, i) && i != other &&
            find(reference, test->model->tensors[i].name) == SIZE_MAX) {
            add_pair(comparison, SIZE_MAX, i);
        }
    }
    return CLQ_OK;
}

void clq_comparison_release(clq_comparison *comparison)
{
    free(comparison->pairs);
    comparison->pairs = NULL;
    clq_compared_close(&comparison->reference);
    clq_compared_close(&comparison->test);
}

int clq_comparison_needs_device(const clq_comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        const clq_pair *pair = &comparison->pairs[i];
        if (pair->kind == CLQ_PAIR_NUMBERS && (clq_compared_quantized(&comparison->reference, pair->reference) ||
                                               clq_compared_quantized(&comparison->test, pair->test))) {
            return 1;
        }
    }
    return 0;
}

uint64_t clq_comparison_bytes(const clq_comparison *comparison)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < comparison->count; i++) {
        const clq_pair *pair = &comparison->pairs[i];
        if (pair->kind == CLQ_PAIR_NUMBERS || pair->kind == CLQ_PAIR_BYTES) {
            bytes += comparison->reference.model->tensors[pair->reference].bytes;
        }
    }
    return bytes;
}

/*
 * Both not a number, or the same infinity: equal. Not finite in any other way: a difference that no sum can hold, so it
 * is counted and stays out of the sums.
 */
static void settle_nonfinite(double *x, double *y, clq_statistics *statistics)
{
    if (!(isnan(*x) && isnan(*y)) && *x != *y) {
        statistics->differing += 1;
    }
    *x = 0.0;
    *y = 0.0;
}

/* Add the next `count` elements, which stand ready on both sides. */
static void add_elements(clq_statistics *statistics, const clq_source *reference, const clq_source *test,
                         uint64_t count)
{
    enum { PIECE = CLQ_STATISTICS_PIECE / 4 };
    double x[PIECE];
    double y[PIECE];
    for (uint64_t done = 0; done < count; done += PIECE) {
        const size_t step = (size_t)clq_size_min(count - done, PIECE);
        clq_real_widen(reference->real, clq_source_elements(reference), (size_t)(reference->used + done), step, x);
        clq_real_widen(test->real, clq_source_elements(test), (size_t)(test->used + done), step, y);
        for (size_t i = 0; i < step; i++) {
            if (!isfinite(x[i]) || !isfinite(y[i])) {
                settle_nonfinite(&x[i], &y[i], statistics);
            }
        }
        clq_statistics_add(statistics, x, y, step);
    }
}

static clq_status compare_numbers(clq_comparison *comparison, clq_pair *pair, cli_progress *progress,
                                  uint64_t *done_bytes, clq_error *error)
{
    const clq_model_tensor *tensor = &comparison->reference.model->tensors[pair->reference];
    const uint64_t before = *done_bytes;
    clq_source reference, test;
    clq_statistics statistics;
    clq_statistics_init(&statistics);
    CLQ_TRY(clq_source_open(&reference, comparison->reference.model, pair->reference,
                            clq_compared_quantized(&comparison->reference, pair->reference),
                            &comparison->reference.slot, error));
    CLQ_TRY(clq_source_open(&test, comparison->test.model, pair->test,
                            clq_compared_quantized(&comparison->test, pair->test), &comparison->test.slot, error));
    for (;;) {
        uint64_t left, right;
        CLQ_TRY(clq_source_ready(&reference, &left, error));
        CLQ_TRY(clq_source_ready(&test, &right, error));
        left = clq_size_min(left, right);
        if (left == 0) {
            break;
        }
        add_elements(&statistics, &reference, &test, left);
        reference.used += left;
        test.used += left;
        /* In bytes of the file, whatever the type: a share of them. */
        *done_bytes = before + (uint64_t)((double)tensor->bytes * (double)statistics.elements /
                                          (double)reference.chunker.elements);
        cli_progress_at(progress, *done_bytes, tensor->name);
        if (cli_interrupted()) {
            return clq_fail(error, CLQ_CANCELLED, "interrupted");
        }
    }
    *done_bytes = before + tensor->bytes;
    pair->errors = clq_statistics_result(&statistics);
    pair->differing = statistics.differing;
    return CLQ_OK;
}

/* Pieces small enough for the stack. */
enum { PIECE_BYTES = 8192 };

static clq_status compare_bytes(clq_comparison *comparison, clq_pair *pair, uint64_t *done_bytes, clq_error *error)
{
    const uint64_t bytes = comparison->reference.model->tensors[pair->reference].bytes;
    uint64_t left[PIECE_BYTES / 8];
    uint64_t right[PIECE_BYTES / 8];
    pair->equal = bytes == comparison->test.model->tensors[pair->test].bytes;
    for (uint64_t done = 0; pair->equal && done < bytes; done += PIECE_BYTES) {
        const uint64_t count = clq_size_min(bytes - done, PIECE_BYTES);
        CLQ_TRY(clq_read_plain(comparison->reference.model, pair->reference, done, count, left, error));
        CLQ_TRY(clq_read_plain(comparison->test.model, pair->test, done, count, right, error));
        pair->equal = memcmp(left, right, (size_t)count) == 0;
    }
    *done_bytes += bytes;
    return cli_interrupted() ? clq_fail(error, CLQ_CANCELLED, "interrupted") : CLQ_OK;
}

clq_status clq_compare_pair(clq_comparison *comparison, clq_pair *pair, cli_progress *progress, uint64_t *done_bytes,
                            clq_error *error)
{
    if (pair->kind == CLQ_PAIR_NUMBERS) {
        return compare_numbers(comparison, pair, progress, done_bytes, error);
    }
    return pair->kind == CLQ_PAIR_BYTES ? compare_bytes(comparison, pair, done_bytes, error) : CLQ_OK;
}
