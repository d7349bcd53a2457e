/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "format/quantized_words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/human.h"
#include "format/quantized_layout.h"
#include "format/real.h"
#include "format/words.h"

/* What is read at a time where rows have words of their own that codes do not fill, and of zero points. */
enum { PIECE_BYTES = 4096, PIECE_WORDS = 512 };

static clq_status refuse(const clq_model_tensor *codes, const char *rule, clq_error *error)
{
    char shown[200];
    char shape[120];
    clq_printable(shown, sizeof shown, codes->name, strlen(codes->name));
    clq_format_shape(shape, sizeof shape, codes->rank, codes->shape);
    return clq_fail(error, CLQ_BAD_FILE, "tensor '%s' %s of type %s: %s", shown, shape, codes->dtype.name, rule);
}

/* The rest of the tensors; out->scale or out->shape is SIZE_MAX when these are not codes in words. */
static clq_status find_parts(const clq_model *model, clq_quantized *out, clq_error *error)
{
    size_t order = SIZE_MAX;
    CLQ_TRY(clq_find_companion(model, out->name, CLQ_SCALE_SUFFIX, &out->scale, error));
    CLQ_TRY(clq_find_companion(model, out->name, CLQ_SHAPE_SUFFIX, &out->shape, error));
    CLQ_TRY(clq_find_companion(model, out->name, CLQ_ZERO_POINT_SUFFIX, &out->zero_point, error));
    CLQ_TRY(clq_find_companion(model, out->name, "_g_idx", &order, error));
    if (out->scale != SIZE_MAX && out->shape != SIZE_MAX && clq_model_find(model, out->name) != SIZE_MAX) {
        return refuse(&model->tensors[out->codes], "the file holds the tensor under its real name as well", error);
    }
    if (out->scale != SIZE_MAX && out->shape != SIZE_MAX && order != SIZE_MAX) {
        return refuse(&model->tensors[out->codes], "columns in an order of their own (_g_idx) are not supported",
                      error);
    }
    return CLQ_OK;
}

/* The real shape, which the file holds as two numbers. */
static clq_status read_shape(const clq_model *model, const clq_quantized *out, uint64_t shape[2], clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[out->shape];
    const clq_model_tensor *codes = &model->tensors[out->codes];
    int64_t values[2] = {0, 0};
    if (strcmp(tensor->dtype.name, "I64") != 0 || tensor->elements != 2 || codes->rank != 2) {
        return refuse(codes, "a matrix is required, and a shape of two I64 beside it", error);
    }
    CLQ_TRY(clq_model_read(model, out->shape, 0, 2, values, error));
    if (values[0] < 1 || values[1] < 1 || (uint64_t)values[0] != codes->shape[0]) {
        return refuse(codes, "the shape beside it has other rows", error);
    }
    shape[0] = (uint64_t)values[0];
    shape[1] = (uint64_t)values[1];
    return CLQ_OK;
}

/* The type that so many words a row make of the columns; our metadata decides where both would do. */
static clq_status find_type(const clq_model_tensor *codes, uint64_t columns, const clq_fact *fact, clq_dtype *dtype,
                            clq_error *error)
{
    const int four = clq_words_count(4, columns) == codes->shape[1];
    const int eight = clq_words_count(8, columns) == codes->shape[1];
    if (fact != NULL && ((fact->dtype == CLQ_S4 && four) || (fact->dtype == CLQ_S8 && eight))) {
        *dtype = fact->dtype;
        return CLQ_OK;
    }
    if (four == eight) {
        return refuse(codes,
                      four ? "its rows are so short that codes of 4 and of 8 bits could be meant"
                           : "its rows hold codes of neither 4 nor 8 bits",
                      error);
    }
    *dtype = four ? CLQ_S4 : CLQ_S8;
    return CLQ_OK;
}

static clq_status check_zero_point(const clq_model *model, const clq_quantized *out, clq_error *error)
{
    const unsigned bits = (unsigned)clq_dtype_bits(out->dtype);
    const clq_model_tensor *tensor;
    if (out->zero_point == SIZE_MAX) {
        return CLQ_OK;
    }
    tensor = &model->tensors[out->zero_point];
    if (strcmp(tensor->dtype.name, "I32") != 0 || tensor->rank != 2 ||
        tensor->shape[0] != clq_words_count(bits, out->layout.shape[0]) ||
        tensor->shape[1] != out->parameters / out->layout.shape[0]) {
        return refuse(tensor, "the zero points of such rows are words with a column for each scale of a row", error);
    }
    return CLQ_OK;
}

static clq_status fill_in(const clq_model *model, const clq_fact *fact, clq_quantized *out, clq_error *error)
{
    const clq_model_tensor *codes = &model->tensors[out->codes];
    clq_model_tensor real = *codes;
    const clq_group_sizes known = {.are_equal = 1}; /* compressed-tensors refuses others */
    uint64_t shape[2];
    clq_dtype dtype = 0;
    CLQ_TRY(read_shape(model, out, shape, error));
    CLQ_TRY(find_type(codes, shape[1], fact, &dtype, error));
    real.shape = shape;
    CLQ_TRY(clq_quantized_layout_from_shape(&real, &model->tensors[out->scale], &known, &out->layout, error));
    if (out->layout.granularity == CLQ_PER_BLOCK ||
        (out->layout.granularity == CLQ_PER_CHANNEL && out->layout.axis != 0)) {
        return refuse(codes, "its scales are neither one for each row nor for groups of it", error);
    }
    CLQ_TRY(clq_layout_count(&out->layout, &out->elements, &out->parameters, error));
    if (out->zero_point != SIZE_MAX && out->layout.granularity == CLQ_PER_TENSOR && shape[0] > 1) {
        return refuse(codes, "zero points in words need a scale for each row or group", error);
    }
    out->dtype = dtype;
    if (fact != NULL) {
        out->source = clq_file_dtype_from_name(fact->source_dtype);
        memcpy(out->preset, fact->preset, sizeof out->preset);
    }
    return check_zero_point(model, out, error);
}

clq_status clq_recognise_words(const clq_model *model, const clq_facts *facts, size_t index, clq_quantized *out,
                               clq_error *error)
{
    const clq_model_tensor *codes = &model->tensors[index];
    const size_t length = strlen(codes->name);
    const size_t suffix = sizeof CLQ_PACKED_SUFFIX - 1;
    if (strcmp(codes->dtype.name, "I32") != 0 || length <= suffix ||
        strcmp(codes->name + length - suffix, CLQ_PACKED_SUFFIX) != 0) {
        return CLQ_OK;
    }
    out->name = strndup(codes->name, length - suffix);
    if (out->name == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the name of a tensor");
    }
    CLQ_TRY(find_parts(model, out, error));
    if (out->scale != SIZE_MAX && out->shape != SIZE_MAX &&
        clq_real_type(clq_file_real_of(&model->tensors[out->scale].dtype)) != 0) {
        return fill_in(model, clq_facts_find(facts, out->name), out, error);
    }
    free(out->name);
    out->name = NULL;
    out->scale = SIZE_MAX;
    return CLQ_OK;
}

clq_status clq_read_zero_point_words(const clq_model *model, const clq_quantized *quantized, uint64_t first,
                                     uint64_t count, int32_t *zero_point, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[quantized->zero_point];
    const unsigned bits = (unsigned)clq_dtype_bits(quantized->dtype);
    const uint64_t groups = tensor->shape[1];
    uint32_t words[PIECE_WORDS];
    uint64_t begin = 0; /* of the words that were read */
    uint64_t there = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t row = (first + i) / groups;
        const uint64_t word = row / (32 / bits) * groups + (first + i) % groups;
        if (word < begin || word >= begin + there) {
            begin = word;
            there = clq_size_min(PIECE_WORDS, tensor->elements - begin);
            CLQ_TRY(clq_model_read(model, quantized->zero_point, begin, there, words, error));
        }
        zero_point[i] = clq_word_value(bits, row, words[word - begin]);
    }
    return CLQ_OK;
}

clq_status clq_read_code_words(const clq_model *model, const clq_quantized *quantized, uint64_t first, uint64_t count,
                               uint8_t *codes, clq_error *error)
{
    const unsigned bits = (unsigned)clq_dtype_bits(quantized->dtype);
    const uint64_t columns = quantized->layout.shape[1];
    const uint64_t most =
        PIECE_BYTES / 2; /* codes, of which each piece but the last of a row ends before an even one */
    uint8_t bytes[PIECE_BYTES];
    for (uint64_t done = 0; done < count;) {
        clq_word_run run = {.bits = bits, .columns = columns, .at = done};
        run.column = (first + done) % columns;
        run.count = clq_size_min(columns - run.column, count - done);
        run.count = run.count > most ? most - run.column % 2 : run.count;
        CLQ_TRY(clq_model_read_bytes(model, quantized->codes,
                                     clq_words_offset(bits, columns, (first + done) / columns, run.column),
                                     clq_words_bytes(&run), bytes, error));
        clq_words_read(&run, bytes, codes);
        done += run.count;
    }
    return CLQ_OK;
}
