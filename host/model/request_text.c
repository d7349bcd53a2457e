/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "model/request_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

/* What a field is; enumerations are whole numbers of 32 bits. */
typedef enum field_kind {
    FIELD_I32,
    FIELD_U64,
    FIELD_F32,
    FIELD_F64,
    FIELD_PATH,
    FIELD_LIST,   /* clq_name_list: a line for each */
    FIELD_SCALES, /* arrays with a count: likewise */
    FIELD_ZERO_POINTS,
    FIELD_AXES
} field_kind;

typedef struct field {
    const char *name;
    field_kind kind;
    size_t offset; /* in the request */
} field;

#define AT(member) offsetof(clq_file_request, member)
#define FIELD(member, kind)                                                                                            \
    {                                                                                                                  \
#member, kind, AT(member)                                                                                      \
    }

static const field FIELDS[] = {
    FIELD(input, FIELD_PATH),
    FIELD(replace, FIELD_I32),
    FIELD(follow_links, FIELD_I32),
    FIELD(format, FIELD_I32),
    FIELD(activations, FIELD_I32),
    FIELD(include, FIELD_LIST),
    FIELD(exclude, FIELD_LIST),
    FIELD(minimum_rank, FIELD_I32),
    FIELD(has_granularity, FIELD_I32),
    FIELD(granularity, FIELD_I32),
    FIELD(has_axis, FIELD_I32),
    FIELD(axis, FIELD_I32),
    FIELD(axis_patterns, FIELD_AXES),
    FIELD(group_size, FIELD_U64),
    FIELD(preset, FIELD_I32),
    FIELD(dtype, FIELD_I32),
    FIELD(block, FIELD_I32),
    FIELD(has_rounding, FIELD_I32),
    FIELD(has_zero_point_order, FIELD_I32),
    FIELD(has_arithmetic, FIELD_I32),
    FIELD(rounding, FIELD_I32),
    FIELD(zero_point_order, FIELD_I32),
    FIELD(arithmetic, FIELD_I32),
    FIELD(scale, FIELD_SCALES),
    FIELD(scale_file, FIELD_PATH),
    FIELD(zero_point, FIELD_ZERO_POINTS),
    FIELD(zero_point_file, FIELD_PATH),
    FIELD(has_range, FIELD_I32),
    FIELD(range_lo, FIELD_F64),
    FIELD(range_hi, FIELD_F64),
    FIELD(ranges_file, FIELD_PATH),
    FIELD(calibration.kind, FIELD_I32),
    FIELD(calibration.percent, FIELD_F64),
    FIELD(calibration.averaging, FIELD_F32),
    FIELD(ignore_nonfinite, FIELD_I32),
    FIELD(allow_empty, FIELD_I32),
    FIELD(strict, FIELD_I32),
    FIELD(has_minimum_sqnr, FIELD_I32),
    FIELD(minimum_sqnr_db, FIELD_F64),
    FIELD(config_file, FIELD_PATH),
    FIELD(first_share, FIELD_I32),
    FIELD(own_shares, FIELD_I32),
    FIELD(shares, FIELD_I32),
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0] };

_Static_assert(sizeof(clq_granularity) == 4 && sizeof(clq_dtype) == 4 && sizeof(clq_calibration_kind) == 4 &&
                   sizeof(clq_file_format) == 4 && sizeof(clq_block_type) == 4,
               "enumerations are read and written as 32 bits");

/* ---- writing ---- */

static void put_text(clq_text *out, const char *text)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c <= ' ' || *c == '%' || *c >= 0x7F) {
            const char escaped[3] = {'%', DIGITS[*c >> 4], DIGITS[*c & 15]};
            clq_text_add(out, escaped, sizeof escaped);
        } else {
            clq_text_add(out, (const char *)c, 1);
        }
    }
}

static void begin_line(clq_text *out, const field *f)
{
    clq_text_put(out, CLQ_REQUEST_WORD);
    clq_text_put(out, f->name);
    clq_text_put(out, " ");
}

static clq_status put_path(clq_text *out, const field *f, const char *path, clq_error *error)
{
    char *here = NULL;
    if (path == NULL) {
        return CLQ_OK;
    }
    begin_line(out, f);
    if (path[0] != '/') {
        here = getcwd(NULL, 0);
        if (here == NULL) {
            return clq_fail(error, CLQ_IO_ERROR, "the path of the working folder cannot be told: %s", strerror(errno));
        }
        put_text(out, here);
        clq_text_put(out, "/");
        free(here);
    }
    put_text(out, path);
    clq_text_put(out, "\n");
    return CLQ_OK;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t count_of(const clq_file_request *request, const field *f)
{
    switch (f->kind) {
    case FIELD_LIST:
        return ((const clq_name_list *)(const void *)((const char *)request + f->offset))->count;
    case FIELD_SCALES:
        return request->scale != NULL ? request->scale_count : 0;
    case FIELD_ZERO_POINTS:
        return request->zero_point != NULL ? request->zero_point_count : 0;
    default:
        return request->axis_pattern_count;
    }
}

static void put_items(clq_text *out, const field *f, const clq_file_request *request)
{
    const clq_name_list *list = (const void *)((const char *)request + f->offset);
    const uint64_t count = count_of(request, f);
    for (uint64_t i = 0; i < count; i++) {
        begin_line(out, f);
        if (f->kind == FIELD_LIST) {
            put_text(out, list->items[i]);
        } else if (f->kind == FIELD_SCALES) {
            clq_text_format(out, "%016" PRIx64, bits_of(request->scale[i]));
        } else if (f->kind == FIELD_ZERO_POINTS) {
            clq_text_format(out, "%" PRIx32, (uint32_t)request->zero_point[i]);
        } else {
            clq_text_format(out, "%" PRIx32 " ", (uint32_t)request->axis_patterns[i].axis);
            put_text(out, request->axis_patterns[i].pattern);
        }
        clq_text_put(out, "\n");
    }
}

clq_status clq_request_write(const clq_file_request *request, clq_text *out, clq_error *error)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const field *f = &FIELDS[i];
        const void *at = (const char *)request + f->offset;
        if (f->kind == FIELD_PATH) {
            CLQ_TRY(put_path(out, f, *(const char *const *)at, error));
        } else if (f->kind >= FIELD_LIST) {
            put_items(out, f, request);
        } else {
            float single = 0.0f;
            begin_line(out, f);
            if (f->kind == FIELD_F32) {
                memcpy(&single, at, sizeof single);
                clq_text_format(out, "%016" PRIx64 "\n", bits_of((double)single));
            } else if (f->kind == FIELD_I32) {
                clq_text_format(out, "%" PRIx32 "\n", *(const uint32_t *)at);
            } else {
                clq_text_format(out, "%016" PRIx64 "\n", *(const uint64_t *)at); /* of an F64, its bits */
            }
        }
    }
    return CLQ_OK;
}

/* ---- reading ---- */

struct clq_read_request {
    clq_file_request request;
    char *text;                /* cut into texts in place */
    void *arrays[FIELD_COUNT]; /* grown to the power of two that holds the count */
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int read_hex(const char **text, uint64_t *value)
{
    const char *at = *text;
    *value = 0;
    for (; hex_digit(*at) >= 0 && at - *text < 16; at++) {
        *value = *value << 4 | (uint64_t)hex_digit(*at);
    }
    if (at == *text || (*at != '\0' && *at != ' ')) {
        return 0;
    }
    *text = at;
    return 1;
}

/* In place; it only becomes shorter. */
static int unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++, to++) {
        *to = *from;
        if (*from == '%') {
            const int high = hex_digit(from[1]);
            const int low = high >= 0 ? hex_digit(from[2]) : -1;
            if (low < 0 || high * 16 + low == 0) {
                return 0;
            }
            *to = (char)(high * 16 + low);
            from += 2;
        }
    }
    *to = '\0';
    return 1;
}

/* Room for one more element of an array of `count`. */
static void *grow(clq_read_request *read, size_t number, uint64_t count, size_t each)
{
    void *larger = read->arrays[number];
    if ((count & (count - 1)) == 0) {
        larger = realloc(read->arrays[number], (size_t)(count == 0 ? 1 : 2 * count) * each);
        read->arrays[number] = larger != NULL ? larger : read->arrays[number];
    }
    return larger;
}

static int take_name(clq_read_request *read, size_t number, char *value)
{
    clq_name_list *list = (void *)((char *)&read->request + FIELDS[number].offset);
    const char **items = grow(read, number, list->count, sizeof *items);
    if (items == NULL || !unescape(value)) {
        return 0;
    }
    items[list->count++] = value;
    list->items = items;
    return 1;
}

static int take_scale(clq_read_request *read, size_t number, uint64_t bits)
{
    clq_file_request *request = &read->request;
    double *items = grow(read, number, request->scale_count, sizeof *items);
    if (items != NULL) {
        memcpy(&items[request->scale_count++], &bits, sizeof *items);
        request->scale = items;
    }
    return items != NULL;
}

static int take_zero_point(clq_read_request *read, size_t number, uint64_t bits)
{
    clq_file_request *request = &read->request;
    int32_t *items = grow(read, number, request->zero_point_count, sizeof *items);
    if (items != NULL) {
        items[request->zero_point_count++] = (int32_t)(uint32_t)bits;
        request->zero_point = items;
    }
    return items != NULL;
}

static int take_axis(clq_read_request *read, size_t number, uint64_t bits, char *pattern)
{
    clq_file_request *request = &read->request;
    clq_axis_pattern *items = grow(read, number, request->axis_pattern_count, sizeof *items);
    if (items == NULL || !unescape(pattern)) {
        return 0;
    }
    items[request->axis_pattern_count++] = (clq_axis_pattern){pattern, (int32_t)(uint32_t)bits};
    request->axis_patterns = items;
    return 1;
}

static int take_item(clq_read_request *read, size_t number, char *value)
{
    const char *at = value;
    uint64_t bits = 0;
    if (FIELDS[number].kind == FIELD_LIST) {
        return take_name(read, number, value);
    }
    if (!read_hex(&at, &bits) || (*at != '\0') != (FIELDS[number].kind == FIELD_AXES)) {
        return 0;
    }
    return FIELDS[number].kind == FIELD_SCALES        ? take_scale(read, number, bits)
           : FIELDS[number].kind == FIELD_ZERO_POINTS ? take_zero_point(read, number, bits)
                                                      : take_axis(read, number, bits, value + (at - value) + 1);
}

static int take_value(clq_read_request *read, size_t number, char *value)
{
    const field *f = &FIELDS[number];
    void *at = (char *)&read->request + f->offset;
    const char *digits = value;
    uint64_t bits = 0;
    double real;
    if (f->kind >= FIELD_LIST) {
        return take_item(read, number, value);
    }
    if (f->kind == FIELD_PATH) {
        *(const char **)at = value;
        return unescape(value);
    }
    if (!read_hex(&digits, &bits) || *digits != '\0') {
        return 0;
    }
    memcpy(&real, &bits, sizeof real);
    if (f->kind == FIELD_F32) {
        *(float *)at = (float)real;
    } else if (f->kind == FIELD_I32) {
        *(uint32_t *)at = (uint32_t)bits;
    } else {
        memcpy(at, &bits, sizeof bits);
    }
    return 1;
}

/* "request FIELD VALUE", cut in place. */
static int take_line(clq_read_request *read, char *line)
{
    char *name = line + strlen(CLQ_REQUEST_WORD);
    char *value;
    if (strncmp(line, CLQ_REQUEST_WORD, strlen(CLQ_REQUEST_WORD)) != 0 || (value = strchr(name, ' ')) == NULL) {
        return 0;
    }
    *value++ = '\0';
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(FIELDS[i].name, name) == 0) {
            return take_value(read, i, value);
        }
    }
    return 0;
}

clq_status clq_request_read(const char *text, size_t bytes, clq_read_request **out, clq_error *error)
{
    clq_read_request *read = calloc(1, sizeof *read);
    int is_good = 1;
    *out = read;
    if (read == NULL || (read->text = malloc(bytes + 1)) == NULL) {
        clq_read_request_destroy(out);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a request");
    }
    clq_file_request_init(&read->request);
    memcpy(read->text, text, bytes);
    read->text[bytes] = '\0';
    for (char *line = read->text; is_good && *line != '\0';) {
        char *end = strchr(line, '\n');
        is_good = end != NULL;
        if (is_good) {
            *end = '\0';
            is_good = take_line(read, line);
            line = end + 1;
        }
    }
    if (!is_good || read->request.input == NULL) {
        clq_read_request_destroy(out);
        return clq_fail(error, CLQ_BAD_FILE, "it does not tell of a request that this version knows");
    }
    return CLQ_OK;
}

const clq_file_request *clq_request_that_was_read(const clq_read_request *request)
{
    return &request->request;
}

void clq_read_request_destroy(clq_read_request **request)
{
    if (*request == NULL) {
        return;
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        free((*request)->arrays[i]);
    }
    free((*request)->text);
    free(*request);
    *request = NULL;
}
