/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled programs as bytes: the header and the table of an archive. The first byte of the input says whether magic,
 * version, length and hash are put right, without which little would get past them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/archive.h"
#include "core/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, const char *promise)
{
    if (!condition) {
        fprintf(stderr, "broken: %s\n", promise);
        abort();
    }
}

static void put_right(uint8_t *archive, size_t size)
{
    enum { HEADER = 40, ROW = 64 };
    uint8_t good[HEADER];
    const uint64_t bytes = size;
    uint64_t count, hash;
    if (size < HEADER) {
        return;
    }
    clq_archive_write(good, NULL, 0);
    memcpy(archive, good, 16);
    memcpy(archive + 24, &bytes, sizeof bytes);
    memcpy(&count, archive + 16, sizeof count);
    if (count <= (size - HEADER) / ROW) {
        hash = XXH3_64bits_withSeed(archive + HEADER, (size_t)(count * ROW), XXH3_64bits(archive, 32));
        memcpy(archive + 32, &hash, sizeof hash);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *archive = size > 0 ? malloc(size) : NULL; /* a byte more than there is, so that there is one */
    uint64_t count = 0;
    clq_error error;
    if (archive == NULL) {
        return 0;
    }
    memcpy(archive, data + 1, size - 1);
    if (data[0] % 4 != 0) {
        put_right(archive, size - 1);
    }
    if (clq_archive_check(archive, size - 1, &count, &error) != CLQ_OK) {
        require(count == 0 && error.message[0] != '\0', "a failure has a message");
    }
    for (uint64_t i = 0; i < count; i++) {
        const clq_archive_item item = clq_archive_item_at(archive, i);
        require(item.name[0] != '\0' && memchr(item.name, '\0', sizeof item.name) != NULL, "a name has an end");
        require(item.data >= archive && item.bytes <= (uint64_t)(archive + size - 1 - item.data),
                "an item lies within");
    }
    free(archive);
    return 0;
}
