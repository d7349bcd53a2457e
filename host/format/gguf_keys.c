/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a GGUF file: each is walked over and checked, and kept as a place in the file and as text. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/half.h"
#include "core/size.h"
#include "format/gguf_parser.h"
#include "format/human.h"

/* Bytes of a key without any in its name or value; arrays in arrays; what is kept of a string. */
enum { LEAST_KEY_BYTES = 8 + 4 + 1, MOST_NAME_BYTES = 65535, MOST_DEPTH = 4, KEPT_BYTES = 65536 };

/* Alignments that make sense; the format asks for a multiple of 8. */
enum { LEAST_ALIGNMENT = 8, MOST_ALIGNMENT = 65536 };

static const struct {
    const char *name;
    uint32_t bytes; /* of one value; of a string or an array the least */
} VALUES[CLQ_GGUF_VALUES] = {
    {"u8", 1},   {"i8", 1},     {"u16", 2},    {"i16", 2}, {"u32", 4}, {"i32", 4}, {"f32", 4},
    {"bool", 1}, {"string", 8}, {"array", 12}, {"u64", 8}, {"i64", 8}, {"f64", 8},
};

static clq_status parse_type(clq_gguf_parser *parser, uint32_t *type, clq_error *error)
{
    CLQ_TRY(clq_gguf_u32(parser, type, error));
    return *type < CLQ_GGUF_VALUES ? CLQ_OK
                                   : clq_gguf_refuse(parser, error, "%" PRIu32 " is not a type of values (0 to %d)",
                                                     *type, CLQ_GGUF_VALUES - 1);
}

static clq_status skip_string(clq_gguf_parser *parser, clq_error *error)
{
    uint64_t length = 0;
    CLQ_TRY(clq_gguf_u64(parser, &length, error));
    return clq_gguf_bytes(parser, NULL, length, error);
}

static clq_status parse_array_head(clq_gguf_parser *parser, uint32_t *type, uint64_t *count, clq_error *error)
{
    uint64_t least = 0;
    CLQ_TRY(parse_type(parser, type, error));
    CLQ_TRY(clq_gguf_u64(parser, count, error));
    if (!clq_size_multiply(*count, VALUES[*type].bytes, &least) || least > parser->end - parser->at) {
        return clq_gguf_refuse(parser, error,
                               "an array of %" PRIu64 " %s is announced, and %" PRIu64 " bytes are left of the header",
                               *count, VALUES[*type].name, parser->end - parser->at);
    }
    return CLQ_OK;
}

/* After its type and count. Arrays stand in arrays; each level keeps what is left of it. */
static clq_status skip_items(clq_gguf_parser *parser, uint32_t type, uint64_t count, clq_error *error)
{
    struct {
        uint32_t type;
        uint64_t left;
    } levels[MOST_DEPTH];
    size_t depth = 1;
    levels[0].type = type;
    levels[0].left = count;
    while (depth > 0) {
        const size_t top = depth - 1;
        if (levels[top].left == 0) {
            depth--;
        } else if (levels[top].type == CLQ_GGUF_STRING) {
            CLQ_TRY(skip_string(parser, error));
            levels[top].left--;
        } else if (levels[top].type == CLQ_GGUF_ARRAY) {
            levels[top].left--;
            if (depth == MOST_DEPTH) {
                return clq_gguf_refuse(parser, error, "arrays are nested more than %d deep", MOST_DEPTH);
            }
            CLQ_TRY(parse_array_head(parser, &levels[depth].type, &levels[depth].left, error));
            depth++;
        } else {
            CLQ_TRY(clq_gguf_bytes(parser, NULL, levels[top].left * VALUES[levels[top].type].bytes, error));
            levels[top].left = 0;
        }
    }
    return CLQ_OK;
}

/* A string's text for people, cut at a NUL and in length. */
static clq_status parse_string(clq_gguf_parser *parser, char **text, clq_error *error)
{
    uint64_t length = 0;
    uint64_t kept = 0;
    CLQ_TRY(clq_gguf_u64(parser, &length, error));
    CLQ_TRY(clq_gguf_need(parser, length, error));
    kept = clq_size_min(length, KEPT_BYTES);
    *text = malloc((size_t)kept + 1);
    if (*text == NULL) {
        return clq_fail_memory(error, parser->shard->path);
    }
    (*text)[kept] = '\0';
    CLQ_TRY(clq_gguf_bytes(parser, *text, kept, error));
    return clq_gguf_bytes(parser, NULL, length - kept, error);
}

static int64_t sign_extended(uint64_t raw, uint32_t bytes)
{
    const unsigned shift = 64 - 8 * bytes;
    return (int64_t)(raw << shift) >> shift;
}

static void format_number(char *out, size_t capacity, uint32_t type, uint64_t raw)
{
    double wide = 0.0;
    switch (type) {
    case CLQ_GGUF_F32:
        clq_format_double(out, capacity, (double)clq_float_from_bits((uint32_t)raw), 1);
        break;
    case CLQ_GGUF_F64:
        memcpy(&wide, &raw, sizeof wide);
        clq_format_double(out, capacity, wide, 0);
        break;
    case CLQ_GGUF_BOOL:
        snprintf(out, capacity, "%s", raw != 0 ? "true" : "false");
        break;
    case CLQ_GGUF_I8:
    case CLQ_GGUF_I16:
    case CLQ_GGUF_I32:
    case CLQ_GGUF_I64:
        snprintf(out, capacity, "%" PRId64, sign_extended(raw, VALUES[type].bytes));
        break;
    default:
        snprintf(out, capacity, "%" PRIu64, raw);
        break;
    }
}

static clq_status parse_number(clq_gguf_parser *parser, uint32_t type, char *out, size_t capacity, clq_error *error)
{
    unsigned char bytes[8] = {0};
    uint64_t raw = 0;
    CLQ_TRY(clq_gguf_bytes(parser, bytes, VALUES[type].bytes, error));
    for (size_t i = sizeof bytes; i-- > 0;) {
        raw = raw << 8 | bytes[i];
    }
    if (type == CLQ_GGUF_BOOL && raw > 1) {
        return clq_gguf_refuse(parser, error, "a bool is %" PRIu64 "; 0 or 1 is required", raw);
    }
    format_number(out, capacity, type, raw);
    return CLQ_OK;
}

static clq_status parse_value(clq_gguf_parser *parser, uint32_t type, char **text, clq_error *error)
{
    char shown[80] = "";
    if (type == CLQ_GGUF_STRING) {
        return parse_string(parser, text, error);
    }
    if (type == CLQ_GGUF_ARRAY) {
        uint32_t item = 0;
        uint64_t count = 0;
        CLQ_TRY(parse_array_head(parser, &item, &count, error));
        CLQ_TRY(skip_items(parser, item, count, error));
        snprintf(shown, sizeof shown, "array of %" PRIu64 " %s", count, VALUES[item].name);
    } else {
        CLQ_TRY(parse_number(parser, type, shown, sizeof shown, error));
    }
    *text = clq_copy_text(shown, strlen(shown));
    return *text != NULL ? CLQ_OK : clq_fail_memory(error, parser->shard->path);
}

/* The one key that says how the file is to be read. */
static clq_status take_alignment(clq_gguf_parser *parser, uint32_t type, const char *text, clq_error *error)
{
    const unsigned long value = strtoul(text, NULL, 10);
    if (type != CLQ_GGUF_U32) {
        return clq_gguf_refuse(parser, error, "the alignment is of type %s; u32 is required", VALUES[type].name);
    }
    if (value < LEAST_ALIGNMENT || value > MOST_ALIGNMENT || (value & (value - 1)) != 0) {
        return clq_gguf_refuse(parser, error, "the alignment is %lu; a power of two from %d to %d is required", value,
                               LEAST_ALIGNMENT, MOST_ALIGNMENT);
    }
    parser->gguf->alignment = (uint32_t)value;
    return CLQ_OK;
}

static int grow(clq_gguf_parser *parser)
{
    clq_model_shard *shard = parser->shard;
    const size_t count = shard->metadata_count;
    void *keys = clq_grow(parser->gguf->keys, count, &parser->key_capacity, sizeof *parser->gguf->keys);
    void *names;
    void *values;
    parser->gguf->keys = keys != NULL ? keys : parser->gguf->keys;
    names = clq_grow(shard->metadata_keys, count, &parser->name_capacity, sizeof *shard->metadata_keys);
    shard->metadata_keys = names != NULL ? names : shard->metadata_keys;
    values = clq_grow(shard->metadata_values, count, &parser->value_capacity, sizeof *shard->metadata_values);
    shard->metadata_values = values != NULL ? values : shard->metadata_values;
    return keys != NULL && names != NULL && values != NULL;
}

/* *name and *text become the shard's when they are taken. */
static clq_status parse_key(clq_gguf_parser *parser, char **name, char **text, clq_error *error)
{
    clq_model_shard *shard = parser->shard;
    const size_t number = shard->metadata_count;
    clq_gguf_key key = {.begin = parser->at};
    size_t existing = SIZE_MAX;
    uint32_t type = 0;
    snprintf(parser->what, sizeof parser->what, "key %zu", number + 1);
    CLQ_TRY(clq_gguf_name(parser, "the name of a key", MOST_NAME_BYTES, name, error));
    snprintf(parser->what, sizeof parser->what, "key '%s'", clq_show_name(*name).text);
    CLQ_TRY(parse_type(parser, &type, error));
    key.type = (clq_gguf_value)type;
    key.value = parser->at;
    CLQ_TRY(parse_value(parser, type, text, error));
    key.end = parser->at;
    if (strcmp(*name, "general.alignment") == 0) {
        CLQ_TRY(take_alignment(parser, type, *text, error));
    }
    if (!grow(parser)) {
        return clq_fail_memory(error, shard->path);
    }
    CLQ_TRY(clq_names_add(&parser->key_names, *name, number, &existing, error));
    if (existing != SIZE_MAX) {
        return clq_gguf_refuse(parser, error, "stands twice");
    }
    parser->gguf->keys[number] = key;
    shard->metadata_keys[number] = *name;
    shard->metadata_values[number] = *text;
    shard->metadata_count = parser->gguf->key_count = number + 1;
    *name = NULL;
    *text = NULL;
    return CLQ_OK;
}

clq_status clq_gguf_parse_keys(clq_gguf_parser *parser, uint64_t count, clq_error *error)
{
    if (count > (parser->end - parser->at) / LEAST_KEY_BYTES) {
        return clq_gguf_refuse(parser, error,
                               "%" PRIu64 " keys are announced, and %" PRIu64 " bytes are left of the header", count,
                               parser->end - parser->at);
    }
    for (uint64_t i = 0; i < count; i++) {
        char *name = NULL;
        char *text = NULL;
        const clq_status status = parse_key(parser, &name, &text, error);
        free(name);
        free(text);
        CLQ_TRY(status);
    }
    return CLQ_OK;
}
