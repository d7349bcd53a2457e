/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is named by the hash of its key; the key stands in it in full, and a hash of the contents after it, so that a
 * damaged, cut or foreign entry is seen and counts as a miss. Entries are written beside their place and renamed
 * (temporary.h), so readers need no lock.
 *
 *     "clquant cache 2\n" | u64 key bytes | key | u64 contents' bytes | u64 XXH3 of the contents | contents
 *
 * XXH3 finds accidents, not attacks: against those the directory must belong to the user and be writable by no one
 * else.
 */
#include "opencl/runtime/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/temporary.h"

static const char magic[] = "clquant cache 2\n";

enum { MAGIC_BYTES = sizeof magic - 1 };

/* Each is named by its kind and the hash of its key; while it is written, it has a name that all have in common. */
typedef struct entry_name {
    char text[48];
} entry_name;

static const char temporary_entry[] = ".entry" CLQ_TEMPORARY_SUFFIX;

static entry_name name_of(const clq_cl_entry *entry)
{
    const XXH128_hash_t hash = XXH3_128bits(entry->key, strlen(entry->key));
    entry_name name;
    snprintf(name.text, sizeof name.text, "%016" PRIx64 "%016" PRIx64 ".%s", (uint64_t)hash.high64,
             (uint64_t)hash.low64, entry->kind);
    return name;
}

static int open_folder(const char *directory)
{
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The whole file, or NULL. */
static unsigned char *read_entry(int folder, const char *name, size_t *bytes)
{
    struct stat info;
    unsigned char *data = NULL;
    size_t done = 0;
    /* Without O_NONBLOCK, opening a FIFO would wait for someone to write to it. */
    const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 && info.st_size <= CLQ_CL_ENTRY_BYTES &&
        (data = malloc((size_t)info.st_size)) != NULL) {
        while (done < (size_t)info.st_size) {
            const ssize_t got = read(fd, data + done, (size_t)info.st_size - done);
            if (got <= 0) {
                break;
            }
            done += (size_t)got;
        }
        *bytes = done;
    }
    (void)close(fd);
    return data;
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

static int write_all(int fd, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0) {
        const ssize_t put = write(fd, at, bytes);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return 0;
        }
        at += put;
        bytes -= (size_t)put;
    }
    return 1;
}

static int write_file(int folder, const char *name, const clq_cl_piece *pieces, size_t count)
{
    char temporary[sizeof temporary_entry];
    int fd;
    int written = 1;
    int reason;
    memcpy(temporary, temporary_entry, sizeof temporary);
    clq_temporary_remove_left(folder, temporary);
    fd = clq_temporary_make(folder, temporary, 0600);
    if (fd < 0) {
        return 0;
    }
    for (size_t i = 0; i < count && written; i++) {
        written = write_all(fd, pieces[i].data, pieces[i].bytes);
    }
    written = written && renameat(folder, temporary, folder, name) == 0;
    reason = errno;
    if (!written) {
        (void)unlinkat(folder, temporary, 0);
    }
    (void)close(fd); /* the lock is held until here; what closing could tell, the hash in the file tells as well */
    errno = reason;
    return written;
}

unsigned char *clq_cl_file_read(const char *directory, const char *name, size_t *bytes)
{
    const int folder = open_folder(directory);
    unsigned char *data = NULL;
    if (folder >= 0) {
        data = read_entry(folder, name, bytes);
        (void)close(folder);
    }
    return data;
}

int clq_cl_file_write(const char *directory, const char *name, const clq_cl_piece *pieces, size_t count)
{
    const int folder = open_folder(directory);
    int written = 0;
    if (folder >= 0) {
        written = write_file(folder, name, pieces, count);
        (void)close(folder); /* a folder that was read has nothing to tell; errno stays for the caller */
    }
    return written;
}

unsigned char *clq_cl_entry_load(const clq_context *context, const clq_cl_entry *entry, size_t *bytes)
{
    const entry_name name = name_of(entry);
    size_t file_bytes = 0;
    unsigned char *data = clq_cl_file_read(entry->directory, name.text, &file_bytes);
    const unsigned char *contents = NULL;
    if (data != NULL) {
        contents = find_contents(data, file_bytes, entry->key, bytes);
    }
    clq_context_log(context, CLQ_LOG_DEBUG, "%s cache: %s %s/%s", entry->kind, contents != NULL ? "took" : "no entry",
                    entry->directory, name.text);
    if (contents == NULL) {
        free(data);
        return NULL;
    }
    memmove(data, contents, *bytes);
    return data;
}

void clq_cl_entry_store(const clq_context *context, const clq_cl_entry *entry, const void *contents, size_t bytes)
{
    const entry_name name = name_of(entry);
    const uint64_t key_bytes = strlen(entry->key);
    const uint64_t numbers[2] = {bytes, XXH3_64bits(contents, bytes)};
    const clq_cl_piece pieces[] = {{magic, MAGIC_BYTES},
                                   {&key_bytes, sizeof key_bytes},
                                   {entry->key, (size_t)key_bytes},
                                   {numbers, sizeof numbers},
                                   {contents, bytes}};
    if (!clq_cl_file_write(entry->directory, name.text, pieces, sizeof pieces / sizeof pieces[0])) {
        clq_context_log(context, CLQ_LOG_WARNING, "%s cache: cannot write %s/%s: %s", entry->kind, entry->directory,
                        name.text, strerror(errno));
    }
}

void clq_cl_entry_remove(const clq_cl_entry *entry)
{
    const entry_name name = name_of(entry);
    const int folder = open_folder(entry->directory);
    if (folder >= 0) {
        (void)unlinkat(folder, name.text, 0);
        (void)close(folder);
    }
}
