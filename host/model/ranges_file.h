/* SPDX-License-Identifier: Apache-2.0 */
/* RANGES.json, which `calibrate` writes and `quantize --ranges` reads (docs/files.md). */
#ifndef CLQ_HOST_MODEL_RANGES_FILE_H
#define CLQ_HOST_MODEL_RANGES_FILE_H

#include "core/error.h"
#include "format/ranges_object.h"

typedef struct clq_ranges_entry {
    char *name;
    clq_granularity granularity; /* per tensor or per channel */
    uint32_t axis;
    uint64_t parameters;
    float *lo, *hi; /* of each */
} clq_ranges_entry;

typedef struct clq_ranges_file {
    char path[300];            /* printable */
    uint64_t hash;             /* XXH64 of the file's bytes */
    clq_ranges_entry *entries; /* sorted by name */
    size_t count;
} clq_ranges_file;

/* Read and check all of it; CLQ_BAD_FILE with the path and the rule broken. Only what this version needs is kept. */
clq_status clq_ranges_file_read(const char *path, clq_ranges_file **file, clq_error *error);
void clq_ranges_file_destroy(clq_ranges_file **file);

/* NULL when the file has none of that name. */
const clq_ranges_entry *clq_ranges_file_find(const clq_ranges_file *file, const char *name);

/* The entry for a tensor laid out so; CLQ_INVALID_ARGUMENT when there is none or it has other parameters. */
clq_status clq_ranges_file_match(const clq_ranges_file *file, const char *name, const clq_layout *layout,
                                 const clq_ranges_entry **entry, clq_error *error);

#endif
