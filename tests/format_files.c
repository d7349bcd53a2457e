/* SPDX-License-Identifier: Apache-2.0 */
#include "format_files.h"

#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/model.h"
#include "format/safetensors.h"
#include "scratch.h"

static uint64_t groups_of(const weights *w)
{
    return w->group == EVERY_ROW ? 1 : (w->columns + w->group - 1) / w->group;
}

static uint64_t parameter_of(const weights *w, uint64_t row, uint64_t column)
{
    return row * groups_of(w) + (w->group == EVERY_ROW ? 0 : column / w->group);
}

/* Each row and group has both ends of the codes, so that its range is known. */
static int code_of(const weights *w, uint64_t row, uint64_t column)
{
    const uint64_t place = w->group == EVERY_ROW ? column : column % w->group;
    const int high = (1 << (w->bits - 1)) - 1;
    const int low = w->asymmetric ? -high - 1 : -high;
    if (place < 2) {
        return place == 0 ? low : high;
    }
    return low + (int)((row * 31 + column * 17 + row * column) % (uint64_t)(high - low + 1));
}

static int zero_point_of(const weights *w, uint64_t parameter)
{
    const int half = 1 << (w->bits - 1);
    return w->asymmetric && !w->centred ? (int)(parameter * 5 % (uint64_t)(2 * half)) - half : 0;
}

static float scale_of(uint64_t parameter)
{
    return ldexpf(1.0f, -4 - (int)(parameter % 3));
}

static float real_of(const weights *w, uint64_t row, uint64_t column)
{
    const uint64_t p = parameter_of(w, row, column);
    return (float)(code_of(w, row, column) - zero_point_of(w, p)) * scale_of(p);
}

part *parts_add(parts *list, const char *module, const char *suffix, const char *dtype, uint32_t rank, uint64_t a,
                uint64_t b, uint64_t element)
{
    part *p = &list->items[list->count++];
    assert_true(list->count <= MOST_PARTS);
    snprintf(p->name, sizeof p->name, "%s%s", module, suffix);
    p->dtype = dtype;
    p->rank = rank;
    p->shape[0] = a;
    p->shape[1] = b;
    p->count = a * (rank > 1 ? b : 1) * element;
    p->bytes = calloc(1, (size_t)p->count + 1);
    assert_non_null(p->bytes);
    return p;
}

static void parts_put_u32(uint8_t *bytes, uint64_t i, uint32_t value)
{
    for (int k = 0; k < 4; k++) {
        bytes[4 * i + (uint64_t)k] = (uint8_t)(value >> (8 * k));
    }
}

void parts_put_f32(uint8_t *bytes, uint64_t i, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    parts_put_u32(bytes, i, bits);
}

void parts_add_real(parts *list, const weights *w)
{
    part *p = parts_add(list, w->module, ".weight", "F32", 2, w->rows, w->columns, 4);
    for (uint64_t i = 0; i < w->rows * w->columns; i++) {
        parts_put_f32(p->bytes, i, real_of(w, i / w->columns, i % w->columns));
    }
}

static void add_scale(parts *list, const weights *w)
{
    part *p = parts_add(list, w->module, ".weight_scale", "F32", 2, w->rows, groups_of(w), 4);
    for (uint64_t i = 0; i < w->rows * groups_of(w); i++) {
        parts_put_f32(p->bytes, i, scale_of(i));
    }
}

void parts_add_int(parts *list, const weights *w)
{
    part *codes = parts_add(list, w->module, ".weight", "I8", 2, w->rows, w->columns, 1);
    for (uint64_t i = 0; i < w->rows * w->columns; i++) {
        codes->bytes[i] = (uint8_t)code_of(w, i / w->columns, i % w->columns);
    }
    add_scale(list, w);
    if (w->asymmetric) {
        part *zero = parts_add(list, w->module, ".weight_zero_point", "I8", 2, w->rows, groups_of(w), 1);
        for (uint64_t i = 0; i < w->rows * groups_of(w); i++) {
            zero->bytes[i] = (uint8_t)zero_point_of(w, i);
        }
    }
}

/* Number `index` of a row of numbers in words: its bits are added. */
static void put_bits(uint8_t *word_bytes, int bits, uint64_t index, int value)
{
    const unsigned raised = (unsigned)(value + (1 << (bits - 1)));
    for (int k = 0; k < bits; k++) {
        const uint64_t bit = index % (uint64_t)(32 / bits) * (uint64_t)bits + (uint64_t)k;
        word_bytes[bit / 8] = (uint8_t)(word_bytes[bit / 8] | (raised >> k & 1u) << (bit % 8));
    }
}

void parts_add_pack(parts *list, const weights *w)
{
    const uint64_t in_word = (uint64_t)(32 / w->bits);
    const uint64_t words = (w->columns + in_word - 1) / in_word;
    part *codes = parts_add(list, w->module, ".weight_packed", "I32", 2, w->rows, words, 4);
    part *shape;
    for (uint64_t i = 0; i < w->rows * w->columns; i++) {
        const uint64_t word = i / w->columns * words + i % w->columns / in_word;
        put_bits(codes->bytes + 4 * word, w->bits, i % w->columns, code_of(w, i / w->columns, i % w->columns));
    }
    add_scale(list, w);
    shape = parts_add(list, w->module, ".weight_shape", "I64", 1, 2, 0, 8);
    parts_put_u32(shape->bytes, 0, (uint32_t)w->rows);
    parts_put_u32(shape->bytes, 2, (uint32_t)w->columns);
    if (w->asymmetric) {
        part *zero = parts_add(list, w->module, ".weight_zero_point", "I32", 2, (w->rows + in_word - 1) / in_word,
                               groups_of(w), 4);
        for (uint64_t i = 0; i < w->rows * groups_of(w); i++) {
            const uint64_t row = i / groups_of(w);
            put_bits(zero->bytes + 4 * (row / in_word * groups_of(w) + i % groups_of(w)), w->bits, row,
                     zero_point_of(w, i));
        }
    }
}

/* Bytes of its name. */
void parts_add_plain(parts *list, const char *name, const char *dtype, uint32_t rank, uint64_t a, uint64_t b)
{
    part *p = parts_add(list, name, "", dtype, rank, a, b, strcmp(dtype, "I64") == 0 ? 8 : 4);
    for (uint64_t i = 0; i < p->count / 4; i++) {
        parts_put_f32(p->bytes, i, (float)(i + strlen(name)));
    }
}

void parts_release(parts *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].bytes);
    }
    list->count = 0;
}

const char *parts_write(const char *name, const parts *list)
{
    clq_safetensors_plan *plan = NULL;
    const char *header, *path;
    uint64_t header_bytes, file_bytes;
    size_t index[MOST_PARTS];
    uint8_t *file;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    for (size_t i = 0; i < list->count; i++) {
        const part *p = &list->items[i];
        assert_int_equal(
            clq_safetensors_plan_tensor(plan, p->name, p->dtype, p->rank, p->shape, p->count, &index[i], NULL), CLQ_OK);
    }
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    file = calloc(1, (size_t)file_bytes);
    assert_non_null(file);
    memcpy(file, header, (size_t)header_bytes);
    for (size_t i = 0; i < list->count; i++) {
        memcpy(file + clq_safetensors_plan_offset(plan, index[i]), list->items[i].bytes, (size_t)list->items[i].count);
    }
    path = scratch_write(name, file, (size_t)file_bytes);
    free(file);
    clq_safetensors_plan_destroy(&plan);
    return path;
}

void parts_check_file(const char *path, const parts *want)
{
    clq_model *model = NULL;
    clq_error error;
    check_ok(clq_model_open(path, &model, &error), &error, path);
    for (size_t i = 0; i < want->count; i++) {
        const part *p = &want->items[i];
        const size_t index = clq_model_find(model, p->name);
        const clq_model_tensor *tensor;
        uint8_t *bytes;
        if (index == SIZE_MAX) {
            fail_msg("%s has no tensor %s", path, p->name);
        }
        tensor = &model->tensors[index];
        assert_string_equal(tensor->dtype.name, p->dtype);
        assert_int_equal(tensor->rank, p->rank);
        assert_memory_equal(tensor->shape, p->shape, p->rank * sizeof *p->shape);
        assert_int_equal(tensor->bytes, p->count);
        bytes = malloc((size_t)p->count + 1);
        assert_non_null(bytes);
        check_ok(clq_model_read_bytes(model, index, 0, p->count, bytes, &error), &error, p->name);
        for (uint64_t k = 0; k < p->count; k++) {
            if (bytes[k] != p->bytes[k]) {
                fail_msg("%s: byte %llu is %02x, required is %02x", p->name, (unsigned long long)k, bytes[k],
                         p->bytes[k]);
            }
        }
        free(bytes);
    }
    assert_int_equal(model->tensor_count, want->count);
    clq_model_close(&model);
}

static void see_message(void *cookie, clq_log_level level, const char *message)
{
    witness *w = cookie;
    const size_t used = strlen(w->told);
    snprintf(w->told + used, sizeof w->told - used, "%s%s\n", level == CLQ_LOG_WARNING ? "" : "note: ", message);
}

static void see_progress(void *cookie, const clq_file_progress *now)
{
    witness *w = cookie;
    w->cancelled |= w->cancel_at > 0 && now->done_bytes >= w->cancel_at;
}

static int see_cancelled(void *cookie)
{
    return ((witness *)cookie)->cancelled;
}

clq_file_request formats_request(const char *input, clq_file_format format)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = input;
    request.output = scratch_path("out.safetensors");
    request.format = format;
    request.replace = 1;
    request.allow_empty = 1;
    return request;
}

clq_status formats_call(const clq_file_request *request, witness *w, clq_error *error)
{
    const clq_file_events events = {.struct_size = sizeof events,
                                    .cookie = w,
                                    .message = see_message,
                                    .progress = see_progress,
                                    .is_cancelled = see_cancelled};
    w->told[0] = '\0';
    return clq_file_quantize(check_reference(), request, &events, NULL, error);
}

void formats_quantize(const clq_file_request *request, witness *w)
{
    clq_error error;
    check_ok(formats_call(request, w, &error), &error, request->input);
}

void formats_by_group(clq_file_request *request, uint64_t size)
{
    request->has_granularity = 1;
    request->granularity = CLQ_PER_GROUP;
    request->group_size = size;
}
