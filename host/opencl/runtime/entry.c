/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is named by the hash of its key; the key stands in it in full, and a hash of the contents after it, so that
 * a damaged, cut or foreign entry is seen and counts as a miss.
 *
 *     "clquant cache 2\n" | u64 key bytes | key | u64 contents' bytes | u64 XXH3 of the contents | contents
 *
 * XXH3 finds accidents, not attacks: against those the directory must belong to the user and be writable by no one
 * else, and bytes that the caller hands in are the caller's to protect.
 */
#include "opencl/runtime/entry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

static const char magic[] = "clquant cache 2\n";

enum { MAGIC_BYTES = sizeof magic - 1 };

/* Each is named by its kind and the hash of its key. */
typedef struct entry_name {
    char text[48];
} entry_name;

static entry_name name_of(const clq_cl_entry *entry)
{
    const XXH128_hash_t hash = XXH3_128bits(entry->key, strlen(entry->key));
    entry_name name;
    snprintf(name.text, sizeof name.text, "%016" PRIx64 "%016" PRIx64 ".%s", (uint64_t)hash.high64,
             (uint64_t)hash.low64, entry->kind);
    return name;
}

static uint64_t take_u64(const unsigned char *data)
{
    uint64_t value;
    memcpy(&value, data, sizeof value);
    return value;
}

/* Where the contents lie in an entry that is whole and has this key, or NULL. */
static const unsigned char *find_contents(const unsigned char *data, size_t bytes, const char *key,
                                          size_t *contents_bytes)
{
    const size_t key_bytes = strlen(key);
    const size_t header = MAGIC_BYTES + 8 + key_bytes + 16;
    const unsigned char *at = data;
    if (bytes < header || memcmp(at, magic, MAGIC_BYTES) != 0) {
        return NULL;
    }
    at += MAGIC_BYTES;
    if (take_u64(at) != key_bytes || memcmp(at + 8, key, key_bytes) != 0) {
        return NULL;
    }
    at += 8 + key_bytes;
    if (take_u64(at) != bytes - header || take_u64(at + 8) != XXH3_64bits(at + 16, bytes - header)) {
        return NULL;
    }
    *contents_bytes = bytes - header;
    return at + 16;
}

int clq_cl_entry_is_of(const unsigned char *data, uint64_t bytes, const char *beginning)
{
    const uint64_t length = strlen(beginning);
    return bytes >= MAGIC_BYTES + 8 && memcmp(data, magic, MAGIC_BYTES) == 0 &&
           take_u64(data + MAGIC_BYTES) >= length && bytes - MAGIC_BYTES - 8 >= length &&
           memcmp(data + MAGIC_BYTES + 8, beginning, (size_t)length) == 0;
}

/* What lies in memory and is no entry is not asked for again. */
unsigned char *clq_cl_entry_load(const clq_context *context, clq_cl_store *store, clq_cl_place place,
                                 const clq_cl_entry *entry, size_t *bytes)
{
    const entry_name name = name_of(entry);
    size_t file_bytes = 0;
    unsigned char *data = clq_cl_store_read(store, place, name.text, &file_bytes);
    const unsigned char *contents = NULL;
    if (data != NULL) {
        contents = find_contents(data, file_bytes, entry->key, bytes);
    }
    if (clq_cl_store_has(store, place)) {
        clq_context_log(context, CLQ_LOG_DEBUG, "%s cache: %s %s in %s", entry->kind,
                        contents != NULL ? "took" : "no entry", name.text, clq_cl_place_name(place));
    }
    if (contents == NULL) {
        if (place == CLQ_CL_IN_MEMORY) {
            clq_cl_store_forget(store, name.text);
        }
        free(data);
        return NULL;
    }
    if (place == CLQ_CL_IN_FOLDER) {
        const clq_cl_piece whole = {data, file_bytes};
        (void)clq_cl_store_keep(store, name.text, &whole, 1);
    }
    memmove(data, contents, *bytes);
    return data;
}

void clq_cl_entry_store(const clq_context *context, clq_cl_store *store, const clq_cl_entry *entry,
                        const void *contents, size_t bytes)
{
    const entry_name name = name_of(entry);
    const uint64_t key_bytes = strlen(entry->key);
    const uint64_t numbers[2] = {bytes, XXH3_64bits(contents, bytes)};
    const clq_cl_piece pieces[] = {{magic, MAGIC_BYTES},
                                   {&key_bytes, sizeof key_bytes},
                                   {entry->key, (size_t)key_bytes},
                                   {numbers, sizeof numbers},
                                   {contents, bytes}};
    char where[CLQ_CL_WHERE_BYTES];
    if (!clq_cl_store_write(store, name.text, pieces, sizeof pieces / sizeof pieces[0], where)) {
        clq_context_log(context, CLQ_LOG_WARNING, "%s cache: cannot write %s: %s", entry->kind, where, strerror(errno));
    }
}

void clq_cl_entry_remove(clq_cl_store *store, const clq_cl_entry *entry)
{
    const entry_name name = name_of(entry);
    clq_cl_store_remove(store, name.text);
}

void clq_cl_entry_forget(clq_cl_store *store, const clq_cl_entry *entry)
{
    const entry_name name = name_of(entry);
    clq_cl_store_forget(store, name.text);
}
