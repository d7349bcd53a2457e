/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of safetensors headers, between its two parts: the header as a whole and one entry of it. */
#ifndef CLQ_HOST_FORMAT_SAFETENSORS_PARSER_H
#define CLQ_HOST_FORMAT_SAFETENSORS_PARSER_H

#include "format/json.h"
#include "format/model_parts.h"
#include "format/support.h"

typedef struct clq_header_parser {
    clq_model *model;
    clq_model_shard *shard;
    uint32_t shard_index;
    uint64_t data_start; /* in the file */
    uint64_t data_bytes;
    clq_json json;
    clq_shown path;
    const char *what; /* json.what outside of entries */
    int metadata_seen;
    size_t metadata_capacity;
    clq_names metadata_names; /* the keys, while the metadata is parsed */
    uint64_t *shape;          /* of the entry being parsed */
    size_t shape_capacity;
} clq_header_parser;

/*
 * Parse the value of one member of the header into `tensor`, whose name is set already, and check all that concerns
 * this entry alone.
 */
clq_status clq_safetensors_parse_entry(clq_header_parser *parser, clq_model_tensor *tensor, clq_error *error);

/* CLQ_BAD_FILE: "PATH: tensor 'NAME': rule". */
clq_status clq_safetensors_refuse_tensor(const clq_header_parser *parser, const char *name, clq_error *error,
                                         const char *format, ...) CLQ_PRINTF(4, 5);

#endif
