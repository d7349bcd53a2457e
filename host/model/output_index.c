/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/output_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/text.h"

typedef struct index_entry {
    char *name; /* with quotes, as JSON */
    char *file;
} index_entry;

struct clq_index {
    index_entry *entries;
    size_t count, capacity;
    uint64_t total_bytes;
    char *metadata; /* NULL: none */
};

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the index of the output");
}

clq_status clq_index_create(clq_index **index, clq_error *error)
{
    *index = calloc(1, sizeof **index);
    return *index != NULL ? CLQ_OK : no_memory(error);
}

void clq_index_destroy(clq_index **index)
{
    if (*index == NULL) {
        return;
    }
    for (size_t i = 0; i < (*index)->count; i++) {
        free((*index)->entries[i].name);
        free((*index)->entries[i].file);
    }
    free((*index)->entries);
    free((*index)->metadata);
    free(*index);
    *index = NULL;
}

clq_status clq_index_add(clq_index *index, const char *name, const char *file, uint64_t bytes, clq_error *error)
{
    index_entry *entry;
    if (index->count == index->capacity) {
        const size_t capacity = index->capacity * 2 + 64;
        index_entry *larger = realloc(index->entries, capacity * sizeof *larger);
        if (larger == NULL) {
            return no_memory(error);
        }
        index->entries = larger;
        index->capacity = capacity;
    }
    entry = &index->entries[index->count++];
    entry->name = clq_json_quote(name, strlen(name));
    entry->file = clq_json_quote(file, strlen(file));
    index->total_bytes += bytes;
    return entry->name != NULL && entry->file != NULL ? CLQ_OK : no_memory(error);
}

clq_status clq_index_metadata(clq_index *index, const char *metadata, clq_error *error)
{
    free(index->metadata);
    index->metadata = strdup(metadata);
    return index->metadata != NULL ? CLQ_OK : no_memory(error);
}

/* The members of the metadata that are kept, each followed by a comma, as they stood. */
static clq_status write_metadata(const clq_index *index, clq_text *out, clq_error *error)
{
    clq_json json;
    int more = 0;
    if (index->metadata == NULL) {
        return CLQ_OK;
    }
    clq_json_init(&json, index->metadata, strlen(index->metadata), "metadata of the index");
    CLQ_TRY(clq_json_enter(&json, CLQ_JSON_OBJECT, error));
    for (int first = 1;; first = 0) {
        char *key = NULL;
        size_t length = 0;
        size_t start;
        clq_status status;
        CLQ_TRY(clq_json_next(&json, CLQ_JSON_OBJECT, first, &more, error));
        if (!more) {
            return CLQ_OK;
        }
        CLQ_TRY(clq_json_key(&json, &key, &length, error));
        while (json.position < json.length && strchr(" \t\r\n", json.text[json.position]) != NULL) {
            json.position++;
        }
        start = json.position;
        status = clq_json_skip(&json, error);
        if (status == CLQ_OK && strcmp(key, "total_size") != 0) {
            clq_text_put(out, "\n    ");
            clq_text_quote(out, key, length, CLQ_TEXT_PLAIN);
            clq_text_put(out, ": ");
            clq_text_add(out, json.text + start, json.position - start);
            clq_text_put(out, ",");
        }
        free(key);
        CLQ_TRY(status);
    }
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const index_entry *)a)->name, ((const index_entry *)b)->name);
}

clq_status clq_index_text(clq_index *index, char **text, size_t *bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_text out = {0};
    if (index->count > 0) {
        qsort(index->entries, index->count, sizeof *index->entries, compare_entries);
    }
    clq_text_put(&out, "{\n  \"metadata\": {");
    CLQ_TRY_TO(write_metadata(index, &out, error));
    clq_text_format(&out, "\n    \"total_size\": %" PRIu64 "\n  },\n  \"weight_map\": {", index->total_bytes);
    for (size_t i = 0; i < index->count; i++) {
        clq_text_put(&out, i > 0 ? ",\n    " : "\n    ");
        clq_text_put(&out, index->entries[i].name);
        clq_text_put(&out, ": ");
        clq_text_put(&out, index->entries[i].file);
    }
    clq_text_put(&out, "\n  }\n}\n");
    CLQ_TRY_TO(clq_text_take(&out, "the index of the output", text, bytes, error));
done:
    clq_text_release(&out);
    return status;
}
