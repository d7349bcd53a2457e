/* SPDX-License-Identifier: Apache-2.0 */
/* RANGES.json, which `calibrate` writes and `quantize --ranges` reads (docs/files.md). */
#ifndef CLQ_CLI_RANGES_FILE_H
#define CLQ_CLI_RANGES_FILE_H

#include "../error.h"

#define CLI_RANGES_KEY "clquant_ranges" /* holds the version of the format */
enum { CLI_RANGES_VERSION = 1 };

typedef struct cli_ranges_entry {
    char *name;
    clq_granularity granularity; /* per tensor or per channel */
    uint32_t axis;
    uint64_t parameters;
    float *lo, *hi; /* of each */
} cli_ranges_entry;

typedef struct cli_ranges_file {
    char path[300];            /* printable */
    uint64_t hash;             /* XXH64 of the file's bytes */
    cli_ranges_entry *entries; /* sorted by name */
    size_t count;
} cli_ranges_file;

/* Read and check all of it; CLQ_BAD_FILE with the path and the rule broken. Only what this version needs is kept. */
clq_status cli_ranges_file_read(const char *path, cli_ranges_file **file, clq_error *error);
void cli_ranges_file_destroy(cli_ranges_file **file);

/* NULL when the file has none of that name. */
const cli_ranges_entry *cli_ranges_file_find(const cli_ranges_file *file, const char *name);

/* The entry for a tensor laid out so; CLQ_INVALID_ARGUMENT when there is none or it has other parameters. */
clq_status cli_ranges_file_match(const cli_ranges_file *file, const char *name, const clq_layout *layout,
                                 const cli_ranges_entry **entry, clq_error *error);

#endif
