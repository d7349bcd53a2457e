/* SPDX-License-Identifier: Apache-2.0 */
/* Files of ranges (quantize --ranges): what is accepted keeps what its readers rely on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"
#include "model/ranges_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    clq_ranges_file *file = NULL;
    if (clq_ranges_file_read(fuzz_file(data, size), &file, NULL) != CLQ_OK) {
        return 0;
    }
    for (size_t i = 0; i < file->count; i++) {
        const clq_ranges_entry *entry = &file->entries[i];
        if (entry->name[0] == '\0' || (i > 0 && strcmp(file->entries[i - 1].name, entry->name) >= 0) ||
            clq_ranges_file_find(file, entry->name) != entry ||
            (entry->granularity == CLQ_PER_TENSOR && entry->parameters != 1) || entry->axis >= CLQ_MAX_RANK) {
            abort();
        }
        for (uint64_t p = 0; p < entry->parameters; p++) {
            if (!isfinite(entry->lo[p]) || !isfinite(entry->hi[p]) || entry->lo[p] > entry->hi[p]) {
                abort();
            }
        }
    }
    clq_ranges_file_destroy(&file);
    return 0;
}
