/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser. It leaves one record for each tensor and key; every array grows with what was really seen, never with
 * what a number in the file announces.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/file.h"
#include "format/gguf_parser.h"

enum { HEAD_BYTES = 24, MOST_RANK = 4, MOST_NAME_BYTES = 64, DEFAULT_ALIGNMENT = 32 };

/* Bytes of a tensor's entry: a name of one byte and no dimension. */
enum { LEAST_ENTRY_BYTES = 8 + 1 + 4 + 4 + 8 };

static clq_status parse_version(clq_gguf_parser *parser, clq_error *error)
{
    uint32_t version = 0;
    snprintf(parser->what, sizeof parser->what, "the head");
    if (parser->shard->file_bytes < HEAD_BYTES) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: the file has %" PRIu64 " bytes; a GGUF file has at least the %d of its head",
                        parser->path.text, parser->shard->file_bytes, HEAD_BYTES);
    }
    CLQ_TRY(clq_gguf_bytes(parser, NULL, 4, error)); /* the magic, by which the file was told */
    CLQ_TRY(clq_gguf_u32(parser, &version, error));
    if (version != 3 && version != 0 && (version & 0xFFFFu) == 0) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: is a big-endian GGUF file; a little-endian one is required",
                        parser->path.text);
    }
    if (version != 3) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: is of GGUF version %" PRIu32 "; version 3 is required%s",
                        parser->path.text, version,
                        version == 1 || version == 2 ? ", which llama.cpp's tools write since 2023" : "");
    }
    return CLQ_OK;
}

/* Shape, elements and bytes, of a type that is known. */
static clq_status measure(clq_gguf_parser *parser, clq_model_tensor *tensor, const clq_gguf_type *type,
                          clq_error *error)
{
    if (!clq_shape_elements(tensor->shape, tensor->rank, &tensor->elements)) {
        return clq_gguf_refuse(parser, error, "the number of elements of shape %s overflows 64 bits",
                               clq_show_shape(tensor->shape, tensor->rank).text);
    }
    if (type->elements > 1 && (tensor->rank == 0 || tensor->shape[tensor->rank - 1] % type->elements != 0)) {
        return clq_gguf_refuse(parser, error, "rows of shape %s are not whole blocks of %s, which have %" PRIu32,
                               clq_show_shape(tensor->shape, tensor->rank).text, type->name, type->elements);
    }
    if (!clq_size_multiply(tensor->elements / type->elements, type->bytes, &tensor->bytes)) {
        return clq_gguf_refuse(parser, error, "the size of shape %s of %s overflows 64 bits",
                               clq_show_shape(tensor->shape, tensor->rank).text, type->name);
    }
    tensor->dtype = clq_file_dtype_from_name(type->name);
    return CLQ_OK;
}

static clq_status parse_shape(clq_gguf_parser *parser, clq_model_tensor *tensor, clq_error *error)
{
    uint32_t rank = 0;
    CLQ_TRY(clq_gguf_u32(parser, &rank, error));
    if (rank > MOST_RANK) {
        return clq_gguf_refuse(parser, error, "%" PRIu32 " dimensions are announced; at most %d are allowed", rank,
                               MOST_RANK);
    }
    tensor->shape = malloc((rank + 1) * sizeof *tensor->shape);
    if (tensor->shape == NULL) {
        return clq_fail_memory(error, parser->shard->path);
    }
    tensor->rank = rank;
    for (uint32_t i = rank; i-- > 0;) {
        CLQ_TRY(clq_gguf_u64(parser, &tensor->shape[i], error));
    }
    return CLQ_OK;
}

/* The tensor's offset is from the start of the data until check_layout. */
static clq_status parse_tensor(clq_gguf_parser *parser, uint64_t number, clq_error *error)
{
    clq_model_tensor *tensor = NULL;
    const clq_gguf_type *type = NULL;
    uint32_t type_number = 0;
    CLQ_TRY(clq_model_add_tensor(parser->model, &tensor, error));
    snprintf(parser->what, sizeof parser->what, "the entry of tensor %" PRIu64, number + 1);
    CLQ_TRY(clq_gguf_name(parser, "the name of a tensor", MOST_NAME_BYTES, &tensor->name, error));
    snprintf(parser->what, sizeof parser->what, "tensor '%s'", clq_show_name(tensor->name).text);
    CLQ_TRY(parse_shape(parser, tensor, error));
    CLQ_TRY(clq_gguf_u32(parser, &type_number, error));
    type = clq_gguf_type_of(type_number);
    if (type == NULL) {
        return clq_gguf_refuse(parser, error, "type %" PRIu32 " is unknown, and so is its size", type_number);
    }
    CLQ_TRY(measure(parser, tensor, type, error));
    return clq_gguf_u64(parser, &tensor->offset, error);
}

static clq_status refuse_data(const clq_gguf_parser *parser, const clq_model_tensor *tensor, const char *rule,
                              uint64_t other, clq_error *error)
{
    return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s': data begins at %" PRIu64 ", %s %" PRIu64, parser->path.text,
                    clq_show_name(tensor->name).text, tensor->offset, rule, other);
}

/* The tensors follow one another, each at the first aligned place, and nothing but padding comes behind them. */
static clq_status check_layout(clq_gguf_parser *parser, clq_error *error)
{
    const uint64_t alignment = parser->gguf->alignment;
    const uint64_t file = parser->shard->file_bytes;
    const uint64_t start = (parser->at + alignment - 1) / alignment * alignment;
    uint64_t end = 0; /* of the tensor before, from `start` */
    uint64_t next = 0;
    for (size_t i = 0; i < parser->model->tensor_count; i++) {
        clq_model_tensor *tensor = &parser->model->tensors[i];
        if (tensor->offset % alignment != 0) {
            return refuse_data(parser, tensor, "which is not a multiple of the alignment", alignment, error);
        }
        if (tensor->offset < next) {
            return refuse_data(parser, tensor, "before the tensor before it ends, padded, at", next, error);
        }
        if (tensor->offset > next) {
            return refuse_data(parser, tensor, "which leaves a gap after", next, error);
        }
        if (start > file || tensor->offset > file - start || tensor->bytes > file - start - tensor->offset) {
            return clq_fail(error, CLQ_BAD_FILE,
                            "%s: tensor '%s': %" PRIu64 " bytes at %" PRIu64
                            " of the data reach beyond the file, which "
                            "holds %" PRIu64 " bytes of data",
                            parser->path.text, clq_show_name(tensor->name).text, tensor->bytes, tensor->offset,
                            start > file ? 0 : file - start);
        }
        end = tensor->offset + tensor->bytes;
        next = (end + alignment - 1) / alignment * alignment;
        tensor->offset += start;
    }
    if (file > start && file - start > next) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: %" PRIu64 " bytes are left over: the tensors end at %" PRIu64 " and the file at %" PRIu64,
                        parser->path.text, file - start - next, start + end, file);
    }
    return CLQ_OK;
}

static clq_status parse(clq_gguf_parser *parser, clq_error *error)
{
    uint64_t tensors = 0;
    uint64_t keys = 0;
    CLQ_TRY(parse_version(parser, error));
    CLQ_TRY(clq_gguf_u64(parser, &tensors, error));
    CLQ_TRY(clq_gguf_u64(parser, &keys, error));
    if (tensors > (parser->end - parser->at) / LEAST_ENTRY_BYTES) {
        return clq_gguf_refuse(parser, error,
                               "%" PRIu64 " tensors are announced, and %" PRIu64 " bytes are left of the header",
                               tensors, parser->end - parser->at);
    }
    CLQ_TRY(clq_gguf_parse_keys(parser, keys, error));
    for (uint64_t i = 0; i < tensors; i++) {
        CLQ_TRY(parse_tensor(parser, i, error));
    }
    CLQ_TRY(clq_model_index_names(parser->model, 0, error));
    return check_layout(parser, error);
}

clq_status clq_gguf_parse(clq_model *model, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_gguf_parser parser = {0};
    parser.model = model;
    parser.shard = &model->shards[0];
    parser.path = clq_show_path(parser.shard->path);
    parser.end = clq_size_min(parser.shard->file_bytes, CLQ_GGUF_MAX_HEADER_BYTES);
    clq_names_init(&parser.key_names, &model->internals->names);
    parser.buffer = malloc(CLQ_GGUF_BUFFER_BYTES);
    model->gguf = calloc(1, sizeof *model->gguf);
    parser.gguf = model->gguf;
    if (parser.buffer == NULL || parser.gguf == NULL) {
        CLQ_TRY_TO(clq_fail_memory(error, model->path));
    }
    parser.gguf->alignment = DEFAULT_ALIGNMENT;
    CLQ_TRY_TO(parse(&parser, error));
done:
    clq_names_release(&parser.key_names);
    free(parser.buffer);
    return status;
}
