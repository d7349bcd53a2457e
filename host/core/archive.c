/* SPDX-License-Identifier: Apache-2.0 */
#include "core/archive.h"

#include <inttypes.h>
#include <string.h>

#include "core/hash.h"
#include "core/size.h"

typedef struct header {
    uint64_t magic; /* a number, which the other order of bytes reads as another */
    uint32_t version;
    uint32_t unused; /* 0 */
    uint64_t count;
    uint64_t bytes; /* of all */
    uint64_t hash;  /* XXH3 of the table, begun with that of what stands before it here */
} header;

typedef struct row {
    char name[CLQ_ARCHIVE_NAME];
    uint64_t first, bytes;
} row;

enum { HEADER_BYTES = sizeof(header), ROW_BYTES = sizeof(row), VERSION = 1 };

_Static_assert(HEADER_BYTES == 40 && ROW_BYTES == 64, "all their bytes are members");

static const uint64_t MAGIC = UINT64_C(0x53474F5250514C43); /* "CLQPROGS", where the least byte comes first */

/* The memory may begin anywhere, so that nothing is read where it lies. */
static row row_at(const void *memory, uint64_t index)
{
    row r;
    memcpy(&r, (const unsigned char *)memory + HEADER_BYTES + index * ROW_BYTES, sizeof r);
    return r;
}

/* The table lies in the memory. */
static uint64_t hash_of(const header *h, const void *memory)
{
    return XXH3_64bits_withSeed((const unsigned char *)memory + HEADER_BYTES, (size_t)(h->count * ROW_BYTES),
                                XXH3_64bits(h, offsetof(header, hash)));
}

/* `bytes` are those of a row's archive, whose table ends at `table_end`. */
static int is_sound(const row *r, uint64_t table_end, uint64_t bytes)
{
    return r->name[0] != '\0' && memchr(r->name, '\0', sizeof r->name) != NULL && r->first >= table_end &&
           r->first <= bytes && r->bytes <= bytes - r->first;
}

clq_status clq_archive_check(const void *memory, uint64_t bytes, uint64_t *count, clq_error *error)
{
    header h = {0};
    *count = 0;
    CLQ_REQUIRE(bytes >= HEADER_BYTES, "compiled programs: %" PRIu64 " bytes are none, the header alone has %d", bytes,
                (int)HEADER_BYTES);
    memcpy(&h, memory, sizeof h);
    CLQ_REQUIRE(h.magic == MAGIC,
                "compiled programs: the bytes are none, they begin with %016" PRIx64 " in place of %016" PRIx64,
                h.magic, MAGIC);
    if (h.version != VERSION) {
        return clq_fail(error, CLQ_UNSUPPORTED,
                        "compiled programs: their bytes have version %" PRIu32 ", this library reads %d", h.version,
                        (int)VERSION);
    }
    CLQ_REQUIRE(h.bytes == bytes, "compiled programs: the header says %" PRIu64 " bytes, %" PRIu64 " were given",
                h.bytes, bytes);
    CLQ_REQUIRE(h.count <= (bytes - HEADER_BYTES) / ROW_BYTES && h.hash == hash_of(&h, memory),
                "compiled programs: the header or the table of %" PRIu64 " entries was changed", h.count);
    for (uint64_t i = 0; i < h.count; i++) {
        const row r = row_at(memory, i);
        CLQ_REQUIRE(is_sound(&r, HEADER_BYTES + h.count * ROW_BYTES, bytes),
                    "compiled programs: entry %" PRIu64 " has no name, or its %" PRIu64 " bytes at %" PRIu64
                    " do not lie between the table and the end at %" PRIu64,
                    i, r.bytes, r.first, bytes);
    }
    *count = h.count;
    return CLQ_OK;
}

clq_archive_item clq_archive_item_at(const void *memory, uint64_t index)
{
    const row r = row_at(memory, index);
    clq_archive_item item;
    memcpy(item.name, r.name, sizeof item.name);
    item.data = (const unsigned char *)memory + r.first;
    item.bytes = r.bytes;
    item.own = NULL;
    return item;
}

uint64_t clq_archive_bytes(uint64_t count, uint64_t data_bytes)
{
    return HEADER_BYTES + count * ROW_BYTES + data_bytes;
}

void clq_archive_write(void *memory, const clq_archive_item *items, uint64_t count)
{
    unsigned char *to = memory;
    header h = {MAGIC, VERSION, 0, count, clq_archive_bytes(count, 0), 0};
    for (uint64_t i = 0; i < count; i++) {
        row r;
        memset(&r, 0, sizeof r);
        memcpy(r.name, items[i].name, strlen(items[i].name));
        r.first = h.bytes;
        r.bytes = items[i].bytes;
        memcpy(to + HEADER_BYTES + i * ROW_BYTES, &r, sizeof r);
        memcpy(to + r.first, items[i].data, (size_t)r.bytes);
        h.bytes += r.bytes;
    }
    h.hash = hash_of(&h, memory);
    memcpy(to, &h, sizeof h);
}
