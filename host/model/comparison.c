/* SPDX-License-Identifier: Apache-2.0 */
#include "model/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "format/real.h"

static void close_file(clq_compared *compared)
{
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
    return clq_stored_type(compared->model, quantized, index);
}

static const char *name_in(const clq_compared *compared, size_t index)
{
    return clq_real_name(compared->model, compared->list, index);
}

const char *clq_pair_name(const clq_comparison *comparison, const clq_pair *pair)
{
    return pair->reference != SIZE_MAX ? name_in(&comparison->files[CLQ_REFERENCE], pair->reference)
                                       : name_in(&comparison->files[CLQ_TEST], pair->test);
}

static int has_numbers(const clq_compared *compared, size_t index)
{
    return clq_compared_quantized(compared, index) != NULL ||
           clq_file_real_of(&compared->model->tensors[index].dtype) != CLQ_REAL_NONE;
}

static size_t find(const clq_compared *compared, const char *name)
{
    return clq_find_real(compared->model, compared->list, name);
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
    clq_compared_shape(&comparison->files[CLQ_REFERENCE], reference, &reference_rank, &reference_shape);
    clq_compared_shape(&comparison->files[CLQ_TEST], test, &test_rank, &test_shape);
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
        pair->outcome = CLQ_FILE_MISSING;
    } else if (reference == SIZE_MAX) {
        pair->outcome = CLQ_FILE_EXTRA;
    } else if (!same_shape(comparison, reference, test)) {
        pair->outcome = CLQ_FILE_OTHER_SHAPE;
    } else if (has_numbers(&comparison->files[CLQ_REFERENCE], reference) &&
               has_numbers(&comparison->files[CLQ_TEST], test)) {
        pair->outcome = CLQ_FILE_COMPARED;
    } else if (strcmp(clq_compared_type(&comparison->files[CLQ_REFERENCE], reference),
                      clq_compared_type(&comparison->files[CLQ_TEST], test)) == 0) {
        pair->outcome = comparison->files[CLQ_REFERENCE].model->tensors[reference].bytes ==
                                comparison->files[CLQ_TEST].model->tensors[test].bytes
                            ? CLQ_FILE_SAME_BYTES
                            : CLQ_FILE_OTHER_BYTES;
    } else {
        pair->outcome = CLQ_FILE_OTHER_TYPE;
    }
}

clq_status clq_comparison_match(clq_comparison *comparison, clq_error *error)
{
    const clq_compared *reference = &comparison->files[CLQ_REFERENCE];
    const clq_compared *test = &comparison->files[CLQ_TEST];
    const size_t capacity = reference->model->tensor_count + test->model->tensor_count + 1;
    size_t alone = only_one(reference);
    size_t other = only_one(test);
    comparison->pairs = calloc(capacity, sizeof *comparison->pairs);
    if (comparison->pairs == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", capacity);
    }
    if (alone == SIZE_MAX || other == SIZE_MAX || find(test, name_in(reference, alone)) != SIZE_MAX) {
        alone = SIZE_MAX;
        other = SIZE_MAX;
    }
    for (size_t i = 0; i < reference->model->tensor_count; i++) {
        if (clq_stands_alone(reference->list, i)) {
            add_pair(comparison, i, i == alone ? other : find(test, name_in(reference, i)));
        }
    }
    for (size_t i = 0; i < test->model->tensor_count; i++) {
        if (clq_stands_alone(test->list, i) && i != other && find(reference, name_in(test, i)) == SIZE_MAX) {
            add_pair(comparison, SIZE_MAX, i);
        }
    }
    return CLQ_OK;
}

void clq_comparison_release(clq_comparison *comparison)
{
    free(comparison->pairs);
    comparison->pairs = NULL;
    close_file(&comparison->files[CLQ_REFERENCE]);
    close_file(&comparison->files[CLQ_TEST]);
}

static int has_data(const clq_pair *pair)
{
    return pair->outcome == CLQ_FILE_COMPARED || pair->outcome == CLQ_FILE_SAME_BYTES;
}

int clq_pair_is_read(const clq_pair *pair)
{
    return has_data(pair) && !pair->elsewhere;
}

static uint64_t bytes_of(const clq_comparison *comparison, const clq_pair *pair)
{
    return comparison->files[CLQ_REFERENCE].model->tensors[pair->reference].bytes +
           comparison->files[CLQ_TEST].model->tensors[pair->test].bytes;
}

clq_status clq_comparison_share(clq_comparison *comparison, const clq_job *job, clq_error *error)
{
    uint64_t all = 0;
    clq_share share;
    for (size_t i = 0; i < comparison->count; i++) {
        all += has_data(&comparison->pairs[i]) ? bytes_of(comparison, &comparison->pairs[i]) : 0;
    }
    CLQ_TRY(clq_share_begin(&share, job, all, error));
    for (size_t i = 0; i < comparison->count; i++) {
        clq_pair *pair = &comparison->pairs[i];
        pair->elsewhere = has_data(pair) ? !clq_share_takes(&share, bytes_of(comparison, pair)) : !clq_job_tells(job);
    }
    return CLQ_OK;
}

/* ---- what parts have found, as bits that one of them has ---- */

enum { PAIR_NUMBERS = 8 };

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void to_numbers(const clq_pair *pair, uint64_t *numbers)
{
    const clq_errors *errors = &pair->errors;
    const uint64_t own[PAIR_NUMBERS] = {pair->outcome,           bits_of(errors->maximum), errors->maximum_index,
                                        bits_of(errors->mean),   bits_of(errors->sqnr_db), bits_of(errors->cosine),
                                        (uint64_t)errors->exact, pair->differing};
    memcpy(numbers, own, sizeof own);
}

static void from_numbers(clq_pair *pair, const uint64_t *numbers)
{
    pair->outcome = (clq_file_outcome)numbers[0];
    pair->errors = (clq_errors){double_of(numbers[1]), numbers[2],         double_of(numbers[3]), double_of(numbers[4]),
                                double_of(numbers[5]), (int32_t)numbers[6]};
    pair->differing = numbers[7];
}

clq_status clq_comparison_merge(clq_comparison *comparison, const clq_job *job, clq_error *error)
{
    clq_status status = CLQ_OK;
    uint64_t *numbers = NULL;
    if (!clq_job_is_part(job)) {
        return CLQ_OK;
    }
    numbers = calloc(comparison->count + 1, PAIR_NUMBERS * sizeof *numbers);
    if (numbers == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the errors of %zu tensors", comparison->count);
    }
    for (size_t i = 0; i < comparison->count; i++) {
        if (!comparison->pairs[i].elsewhere) {
            to_numbers(&comparison->pairs[i], &numbers[i * PAIR_NUMBERS]);
        }
    }
    CLQ_TRY_TO(clq_job_sum(job, numbers, comparison->count * PAIR_NUMBERS, error));
    for (size_t i = 0; i < comparison->count; i++) {
        from_numbers(&comparison->pairs[i], &numbers[i * PAIR_NUMBERS]);
    }
done:
    free(numbers);
    return status;
}

int clq_comparison_needs_device(const clq_comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        const clq_pair *pair = &comparison->pairs[i];
        if (pair->outcome == CLQ_FILE_COMPARED &&
            (clq_compared_quantized(&comparison->files[CLQ_REFERENCE], pair->reference) ||
             clq_compared_quantized(&comparison->files[CLQ_TEST], pair->test))) {
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
        if (clq_pair_is_read(pair)) {
            bytes += comparison->files[CLQ_REFERENCE].model->tensors[pair->reference].bytes;
        }
    }
    return bytes;
}
