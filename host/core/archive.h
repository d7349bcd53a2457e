/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in one piece of memory: a header, a table with a name for each, and their bytes. In the processor's own order,
 * for machines of one kind. What is read may come from anybody: no member is believed before it was compared with the
 * bytes that there are.
 */
#ifndef CLQ_HOST_CORE_ARCHIVE_H
#define CLQ_HOST_CORE_ARCHIVE_H

#include "core/error.h"

enum { CLQ_ARCHIVE_NAME = 48 }; /* bytes of a name with its end */

typedef struct clq_archive_item {
    char name[CLQ_ARCHIVE_NAME];
    const unsigned char *data;
    uint64_t bytes;
    void *own; /* whoever holds the item frees it; NULL: `data` is another's memory */
} clq_archive_item;

/*
 * Whether these bytes are an archive, whole: CLQ_INVALID_ARGUMENT for those that are none, were cut or changed (the
 * items' own bytes are not looked at), CLQ_UNSUPPORTED for one of another version. `*count` is of its items.
 */
clq_status clq_archive_check(const void *memory, uint64_t bytes, uint64_t *count, clq_error *error);

/* Item `index` of an archive that was checked; its data lies in `memory`. */
clq_archive_item clq_archive_item_at(const void *memory, uint64_t index);

/* Bytes of an archive of `count` items that have `data_bytes` together, and the archive. */
uint64_t clq_archive_bytes(uint64_t count, uint64_t data_bytes);
void clq_archive_write(void *memory, const clq_archive_item *items, uint64_t count);

#endif
