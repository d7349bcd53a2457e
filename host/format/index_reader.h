/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an index of shards: which tensor is said to be in which file. Used by model_index.c alone. */
#ifndef CLQ_HOST_FORMAT_INDEX_READER_H
#define CLQ_HOST_FORMAT_INDEX_READER_H

#include "format/json.h"
#include "format/model_parts.h"
#include "format/support.h"

typedef struct clq_index_entry {
    char *tensor;
    const char *file; /* one of clq_index_reader.files */
    int found;
} clq_index_entry;

typedef struct clq_index_reader {
    clq_model *model;
    clq_shown path;
    clq_json json;
    char what[sizeof(clq_shown) + 16];
    int map_seen, metadata_seen, total_seen;
    double total_size; /* a double tells every size a file has */
    clq_index_entry *entries;
    size_t entry_count, entry_capacity;
    clq_names tensors; /* tensor -> entry */
    char **files;      /* each once */
    size_t file_count, file_capacity;
    clq_names file_names; /* file -> its number, until files are sorted */
} clq_index_reader;

/* CLQ_BAD_FILE with the path of the index before the message. */
clq_status clq_index_refuse(const clq_index_reader *reader, clq_error *error, const char *format, ...) CLQ_PRINTF(3, 4);

/* Read the text into entries and files; names that lead out of the index's folder are refused. */
clq_status clq_index_parse(clq_index_reader *reader, const char *text, size_t length, clq_error *error);

#endif
