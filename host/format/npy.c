/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The .npy header: a literal dictionary of Python, of which exactly what the format allows is understood. Source:
 * numpy/numpy, numpy/lib/format.py.
 */
#include "format/npy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/file.h"
#include "format/support.h"

enum {
    MAX_HEADER_BYTES = 65536, /* NumPy itself reads 10,000 unless told otherwise */
    MAX_RANK = 64             /* of NumPy 2; 32 before */
};

typedef struct npy_parser {
    clq_shown path;
    unsigned version;
    const char *text;
    size_t length;
    size_t position;
    int descr_seen, fortran_seen, shape_seen;
    clq_file_dtype dtype;
    int big_endian;
    int fortran_order;
    uint32_t rank;
    uint64_t shape[MAX_RANK];
} npy_parser;

static const struct {
    char code[3];
    char name[5];
} types[] = {
    {"f2", "F16"}, {"f4", "F32"}, {"f8", "F64"}, {"i1", "I8"},  {"i2", "I16"}, {"i4", "I32"},
    {"i8", "I64"}, {"u1", "U8"},  {"u2", "U16"}, {"u4", "U32"}, {"u8", "U64"}, {"b1", "BOOL"},
};

CLQ_PRINTF(3, 4)
static clq_status refuse(const npy_parser *parser, clq_error *error, const char *format, ...)
{
    char rule[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    return clq_fail(error, CLQ_BAD_FILE, "%s: %s", parser->path.text, rule);
}

/* The next character after white space; NUL at the end (and for a NUL, which is never legal). */
static char next(npy_parser *parser)
{
    while (parser->position < parser->length && parser->text[parser->position] != '\0' &&
           strchr(" \t\r\n", parser->text[parser->position]) != NULL) {
        parser->position++;
    }
    return parser->position < parser->length ? parser->text[parser->position] : '\0';
}

static int accept(npy_parser *parser, char c)
{
    if (next(parser) != c) {
        return 0;
    }
    parser->position++;
    return 1;
}

/* "the header is broken at byte N: X is required, not 'y...'" */
static clq_status refuse_syntax(npy_parser *parser, clq_error *error, const char *required)
{
    char shown[40];
    const size_t left = parser->length - parser->position;
    clq_printable(shown, sizeof shown, parser->text + parser->position, left < 16 ? left : 16);
    if (left == 0) {
        return refuse(parser, error, "header byte %zu: %s is required, not the end", parser->position, required);
    }
    return refuse(parser, error, "header byte %zu: %s is required, not '%s'", parser->position, required, shown);
}

/* A string in either kind of quotes, without escapes, which no writer needs here. */
static clq_status parse_string(npy_parser *parser, char *out, size_t capacity, const char *required, clq_error *error)
{
    const char quote = next(parser);
    size_t begin = parser->position + 1;
    size_t end = begin;
    if (quote != '\'' && quote != '"') {
        return refuse_syntax(parser, error, required);
    }
    while (end < parser->length && parser->text[end] != quote && parser->text[end] != '\\' &&
           (unsigned char)parser->text[end] >= 0x20) {
        end++;
    }
    if (end >= parser->length || parser->text[end] != quote) {
        return refuse(parser, error, "header byte %zu: a string without end or with an escape", parser->position);
    }
    clq_printable(out, capacity, parser->text + begin, end - begin);
    parser->position = end + 1;
    return CLQ_OK;
}

/* "<f4" and the like. */
static clq_status parse_descr(npy_parser *parser, clq_error *error)
{
    const char first = next(parser);
    char descr[64];
    if (first == '[' || first == '(') {
        return refuse(parser, error, "descr is a %s: structured arrays are not supported; one plain type is required",
                      first == '[' ? "list" : "tuple");
    }
    CLQ_TRY(parse_string(parser, descr, sizeof descr, "descr as a string", error));
    if (strchr(descr, 'O') != NULL) {
        return refuse(parser, error, "descr '%s': object arrays hold pickled code and are never read", descr);
    }
    if (strcmp(descr, "|V2") == 0) {
        return refuse(parser, error,
                      "descr '|V2': two bytes of unknown meaning; bfloat16 has no type in .npy: store it as BF16 in a "
                      "safetensors file, or convert it to float32");
    }
    if (descr[0] == '\0' || strchr("<>|=", descr[0]) == NULL) {
        return refuse(parser, error, "descr '%s' does not begin with its byte order, one of < > | =", descr);
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(descr + 1, types[i].code) == 0) {
            parser->dtype = clq_file_dtype_from_name(types[i].name);
            /* '=' is the order of the machine that wrote; like all machines in use, it is taken for little-endian. */
            parser->big_endian = descr[0] == '>' && parser->dtype.bits > 8;
            return CLQ_OK;
        }
    }
    return refuse(parser, error, "descr '%s' is not supported; f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 and b1 are", descr);
}

static clq_status parse_fortran_order(npy_parser *parser, clq_error *error)
{
    const char first = next(parser);
    const char *word = first == 'T' ? "True" : "False";
    const size_t length = strlen(word);
    if (parser->length - parser->position < length || memcmp(parser->text + parser->position, word, length) != 0) {
        return refuse_syntax(parser, error, "fortran_order as True or False");
    }
    parser->fortran_order = first == 'T';
    parser->position += length;
    return CLQ_OK;
}

static clq_status parse_dimension(npy_parser *parser, uint64_t *value, clq_error *error)
{
    const char first = next(parser);
    const size_t begin = parser->position;
    uint64_t sum = 0;
    if (first == '-') {
        return refuse_syntax(parser, error, "a dimension of at least 0");
    }
    if (first < '0' || first > '9') {
        return refuse_syntax(parser, error, "a dimension as a whole number");
    }
    while (parser->position < parser->length && parser->text[parser->position] >= '0' &&
           parser->text[parser->position] <= '9') {
        const uint64_t digit = (uint64_t)(parser->text[parser->position] - '0');
        if (sum > (UINT64_MAX - digit) / 10) {
            parser->position = begin;
            return refuse_syntax(parser, error, "a dimension below 2^64");
        }
        sum = sum * 10 + digit;
        parser->position++;
    }
    if (first == '0' && parser->position - begin > 1) {
        parser->position = begin;
        return refuse_syntax(parser, error, "a dimension without a leading zero");
    }
    /* The long integers of Python 2, which wrote versions 1 and 2 only. */
    if (parser->version <= 2 && parser->position < parser->length && parser->text[parser->position] == 'L') {
        parser->position++;
    }
    *value = sum;
    return CLQ_OK;
}

/* A tuple: "()", "(3,)", "(3, 4)", "(3, 4,)". */
static clq_status parse_shape(npy_parser *parser, clq_error *error)
{
    int comma = 0;
    if (!accept(parser, '(')) {
        return refuse_syntax(parser, error, "shape as a tuple");
    }
    while (next(parser) != ')') {
        if (parser->rank > 0 && !comma) {
            return refuse_syntax(parser, error, "',' or ')'");
        }
        if (parser->rank == MAX_RANK) {
            return refuse(parser, error, "shape has more than %d dimensions", MAX_RANK);
        }
        CLQ_TRY(parse_dimension(parser, &parser->shape[parser->rank], error));
        parser->rank++;
        comma = accept(parser, ',');
    }
    parser->position++;
    if (parser->rank == 1 && !comma) {
        return refuse(parser, error, "shape (%" PRIu64 ") is a number, not a tuple; (%" PRIu64 ",) is required",
                      parser->shape[0], parser->shape[0]);
    }
    return CLQ_OK;
}

static clq_status parse_member(npy_parser *parser, clq_error *error)
{
    char key[40];
    int *seen = NULL;
    CLQ_TRY(parse_string(parser, key, sizeof key, "a key in quotes", error));
    seen = strcmp(key, "descr") == 0           ? &parser->descr_seen
           : strcmp(key, "fortran_order") == 0 ? &parser->fortran_seen
           : strcmp(key, "shape") == 0         ? &parser->shape_seen
                                               : NULL;
    if (seen == NULL) {
        return refuse(parser, error, "header key '%s' is not one of descr, fortran_order, shape", key);
    }
    if (*seen) {
        return refuse(parser, error, "header key '%s' stands twice", key);
    }
    *seen = 1;
    if (!accept(parser, ':')) {
        return refuse_syntax(parser, error, "':'");
    }
    if (seen == &parser->descr_seen) {
        return parse_descr(parser, error);
    }
    return seen == &parser->shape_seen ? parse_shape(parser, error) : parse_fortran_order(parser, error);
}

static clq_status parse_header(npy_parser *parser, clq_error *error)
{
    int comma = 1;
    if (!accept(parser, '{')) {
        return refuse_syntax(parser, error, "'{'");
    }
    while (next(parser) != '}') {
        if (!comma) {
            return refuse_syntax(parser, error, "',' or '}'");
        }
        CLQ_TRY(parse_member(parser, error));
        comma = accept(parser, ',');
    }
    parser->position++;
    next(parser);
    if (parser->position != parser->length) {
        return refuse_syntax(parser, error, "nothing after '}'");
    }
    if (!parser->descr_seen || !parser->fortran_seen || !parser->shape_seen) {
        return refuse(parser, error, "the header has no '%s'",
                      !parser->descr_seen     ? "descr"
                      : !parser->fortran_seen ? "fortran_order"
                                              : "shape");
    }
    return CLQ_OK;
}

/* What stands before the header: magic, version, and the header's place and length, checked against the file. */
static clq_status read_preamble(npy_parser *parser, const clq_model_shard *shard, uint64_t *start, uint64_t *length,
                                clq_error *error)
{
    unsigned char bytes[12];
    const size_t held = (size_t)clq_size_min(shard->file_bytes, sizeof bytes);
    CLQ_TRY(clq_file_read(shard->fd, shard->path, 0, bytes, held, error));
    if (held < 6 || memcmp(bytes, "\x93NUMPY", 6) != 0) {
        return refuse(parser, error, "does not begin with the magic bytes of .npy");
    }
    if (held < sizeof bytes) {
        return refuse(parser, error, "the file ends after %zu bytes, within the preamble of .npy", held);
    }
    parser->version = bytes[6];
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0) {
        return refuse(parser, error, "version %u.%u of .npy is not known; 1.0, 2.0 and 3.0 are", bytes[6], bytes[7]);
    }
    *length = (uint64_t)bytes[8] | (uint64_t)bytes[9] << 8;
    *start = 10;
    if (parser->version > 1) {
        *length |= (uint64_t)bytes[10] << 16 | (uint64_t)bytes[11] << 24;
        *start = 12;
    }
    if (*length > MAX_HEADER_BYTES) {
        return refuse(parser, error, "the header length is %" PRIu64 "; at most %d is read", *length, MAX_HEADER_BYTES);
    }
    if (*length > shard->file_bytes - *start) {
        return refuse(parser, error, "the header length is %" PRIu64 ", but only %" PRIu64 " bytes follow it", *length,
                      shard->file_bytes - *start);
    }
    return CLQ_OK;
}

/* Enter what the header says into the model, checked against the bytes that are really there. */
static clq_status add_array(clq_model *model, const npy_parser *parser, const char *name, uint64_t data,
                            clq_error *error)
{
    const clq_model_shard *shard = &model->shards[0];
    const uint64_t held = shard->file_bytes - data;
    const uint32_t item = parser->dtype.bits / 8;
    const clq_shown shape = clq_show_shape(parser->shape, parser->rank);
    clq_model_tensor *tensor = NULL;
    uint64_t elements = 0;
    uint64_t bytes = 0;
    if (!clq_shape_elements(parser->shape, parser->rank, &elements) || !clq_size_multiply(elements, item, &bytes)) {
        return refuse(parser, error, "the size of shape %s of %s overflows 64 bits", shape.text, parser->dtype.name);
    }
    if (bytes > held) {
        return refuse(parser, error, "shape %s of %s needs %" PRIu64 " bytes of data, but the file holds %" PRIu64,
                      shape.text, parser->dtype.name, bytes, held);
    }
    CLQ_TRY(clq_model_add_tensor(model, &tensor, error));
    tensor->name = clq_copy_text(name, strlen(name));
    tensor->shape = malloc(parser->rank > 0 ? parser->rank * sizeof *tensor->shape : 1);
    if (tensor->name == NULL || tensor->shape == NULL) {
        return clq_fail_memory(error, shard->path);
    }
    memcpy(tensor->shape, parser->shape, parser->rank * sizeof *tensor->shape);
    tensor->dtype = parser->dtype;
    tensor->rank = parser->rank;
    tensor->elements = elements;
    tensor->bytes = bytes;
    tensor->offset = data;
    model->npy_fortran_order = parser->fortran_order;
    model->npy_big_endian = parser->big_endian;
    if (bytes < held) {
        char text[360];
        snprintf(text, sizeof text, "%s: %" PRIu64 " bytes after the array are ignored",
                 clq_show_path(shard->path).text, held - bytes);
        model->warning = clq_copy_text(text, strlen(text));
        if (model->warning == NULL) {
            return clq_fail_memory(error, shard->path);
        }
    }
    return CLQ_OK;
}

clq_status clq_npy_parse(clq_model *model, const char *name, clq_error *error)
{
    clq_status status = CLQ_OK;
    const clq_model_shard *shard = &model->shards[0];
    npy_parser parser = {0};
    char *text = NULL;
    uint64_t start = 0;
    uint64_t length = 0;
    parser.path = clq_show_path(shard->path);
    CLQ_TRY(read_preamble(&parser, shard, &start, &length, error));
    text = malloc((size_t)length + 1);
    if (text == NULL) {
        return clq_fail_memory(error, shard->path);
    }
    CLQ_TRY_TO(clq_file_read(shard->fd, shard->path, start, text, length, error));
    parser.text = text;
    parser.length = (size_t)length;
    CLQ_TRY_TO(parse_header(&parser, error));
    CLQ_TRY_TO(add_array(model, &parser, name, start + length, error));
done:
    free(text);
    return status;
}
