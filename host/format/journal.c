/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "format/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/file.h"
#include "format/journal_block.h"
#include "format/place.h"

static const char SUFFIX[] = ".journal";

/* A line for each tensor of the largest header that safetensors allows needs less. */
static const uint64_t MOST_BYTES = UINT64_C(1) << 30;

struct clq_journal {
    clq_place place;
    char *name;
    int fd;
    /* What an earlier run left. */
    char *text;
    size_t text_bytes; /* of whole blocks */
    clq_journal_block heading;
    clq_journal_block block; /* at which clq_journal_next stands */
    size_t position;
    /* What is written next. */
    uint64_t end;
    uint64_t next_number;
    uint64_t hash; /* of the last block */
    char *pending;
    size_t pending_bytes, pending_capacity;
    int folder_flushed;
    int failed;
};

static clq_status open_place(const char *path, clq_journal **journal, clq_error *error)
{
    clq_journal *opened = calloc(1, sizeof *opened);
    *journal = opened;
    if (opened == NULL) {
        return clq_fail_memory(error, path);
    }
    opened->fd = -1;
    CLQ_TRY(clq_place_find(path, 0, 1, &opened->place, error));
    opened->name = clq_place_hidden_name(&opened->place, SUFFIX);
    return opened->name != NULL ? CLQ_OK : clq_fail_memory(error, path);
}

void clq_journal_close(clq_journal **journal)
{
    clq_journal *closed = *journal;
    if (closed == NULL) {
        return;
    }
    if (closed->fd >= 0) {
        close(closed->fd);
    }
    clq_place_release(&closed->place);
    free(closed->name);
    free(closed->text);
    free(closed->pending);
    free(closed);
    *journal = NULL;
}

clq_status clq_journal_remove(clq_journal **journal, clq_error *error)
{
    clq_journal *removed = *journal;
    clq_status status = CLQ_OK;
    if (unlinkat(removed->place.folder, removed->name, 0) != 0 && errno != ENOENT) {
        status = clq_place_fail(&removed->place, "remove the journal beside it", errno, error);
    }
    clq_journal_close(journal);
    return status;
}

static clq_status fail_damaged(const clq_journal *journal, const char *what, clq_error *error)
{
    return clq_fail(error, CLQ_BAD_FILE, "%s: the journal of an earlier run, '%s' beside it, %s",
                    clq_show_path(journal->place.path).text, clq_show_path(journal->name).text, what);
}

static clq_status read_text(clq_journal *journal, clq_error *error)
{
    struct stat facts;
    uint64_t bytes = 0;
    if (fstat(journal->fd, &facts) != 0) {
        return clq_place_fail(&journal->place, "examine the journal beside it", errno, error);
    }
    bytes = (uint64_t)facts.st_size;
    if (bytes > MOST_BYTES) {
        return fail_damaged(journal, "is larger than any that was written", error);
    }
    journal->text = malloc((size_t)bytes + 1);
    if (journal->text == NULL) {
        return clq_fail_memory(error, journal->place.path);
    }
    CLQ_TRY(clq_file_read(journal->fd, journal->place.path, 0, journal->text, bytes, error));
    journal->text[bytes] = '\0';
    journal->text_bytes = (size_t)bytes;
    return CLQ_OK;
}

/*
 * Of a file without one whole block: whether that is the beginning of a heading, cut short when its run was killed, or
 * with zeros where data did not reach the disk.
 */
static int is_beginning(const clq_journal *journal)
{
    for (size_t i = 0; i < journal->text_bytes && i < sizeof CLQ_JOURNAL_MAGIC - 1; i++) {
        if (journal->text[i] != CLQ_JOURNAL_MAGIC[i] && journal->text[i] != '\0') {
            return 0;
        }
    }
    return 1;
}

/* Lines are handed on as text, so that a hash that fits does not make a control character welcome. */
static int is_printable(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\n') || c == 0x7F) {
            return 0;
        }
    }
    return 1;
}

/* Find the blocks that count and where they end. *whole is 0 when there is not even a heading. */
static clq_status read_blocks(clq_journal *journal, int *whole, clq_error *error)
{
    clq_journal_block block = {0, 0, 0, 0, 0};
    *whole = 0;
    while (clq_journal_block_next(journal->text, journal->text_bytes, &block)) {
        if (*whole == 0) {
            journal->heading = block;
            *whole = 1;
        }
        journal->end = block.end;
        journal->hash = block.hash;
        journal->next_number = block.number + 1;
    }
    if (*whole == 0 && !is_beginning(journal)) {
        const size_t family = sizeof "clquant journal " - 1;
        const int other = journal->text_bytes > family && memcmp(journal->text, CLQ_JOURNAL_MAGIC, family) == 0;
        return fail_damaged(journal, other ? "has a form that this version does not know" : "is not one of clquant",
                            error);
    }
    /* Blocks follow each other on disk in time, so a crash leaves no whole one behind one that is not. */
    if (clq_journal_block_follows(journal->text, journal->text_bytes, (size_t)journal->end) ||
        !is_printable(journal->text, (size_t)journal->end)) {
        return fail_damaged(journal, "is damaged", error);
    }
    if (*whole != 0 && (journal->heading.bytes < sizeof CLQ_JOURNAL_MAGIC - 1 || !is_beginning(journal))) {
        return fail_damaged(journal, "has a form that this version does not know", error);
    }
    journal->text_bytes = (size_t)journal->end;
    clq_journal_rewind(journal);
    return CLQ_OK;
}

static clq_status find(const char *path, int peeks, clq_journal **journal, clq_error *error)
{
    clq_status status = CLQ_OK;
    int whole = 0;
    CLQ_TRY_TO(open_place(path, journal, error));
    CLQ_TRY_TO(peeks ? clq_place_open_peek(&(*journal)->place, (*journal)->name, &(*journal)->fd, error)
                     : clq_place_open_left(&(*journal)->place, (*journal)->name, 1, &(*journal)->fd, error));
    if ((*journal)->fd >= 0) {
        CLQ_TRY_TO(read_text(*journal, error));
        CLQ_TRY_TO(read_blocks(*journal, &whole, error));
        if (!whole && !peeks) {
            unlinkat((*journal)->place.folder, (*journal)->name, 0);
        }
    }
done:
    if (status != CLQ_OK || !whole) {
        clq_journal_close(journal);
    }
    return status;
}

clq_status clq_journal_find(const char *path, clq_journal **journal, clq_error *error)
{
    return find(path, 0, journal, error);
}

clq_status clq_journal_peek(const char *path, clq_journal **journal, clq_error *error)
{
    return find(path, 1, journal, error);
}

clq_status clq_journal_discard(const char *path, clq_error *error)
{
    clq_journal *journal = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(open_place(path, &journal, error));
    CLQ_TRY_TO(clq_place_open_left(&journal->place, journal->name, 0, &journal->fd, error));
    if (journal->fd >= 0) {
        CLQ_TRY_TO(clq_journal_remove(&journal, error));
    }
done:
    clq_journal_close(&journal);
    return status;
}

clq_status clq_journal_drop(const char *path, clq_error *error)
{
    clq_journal *journal = NULL;
    clq_status status = open_place(path, &journal, error);
    if (status == CLQ_OK) {
        status = clq_journal_remove(&journal, error);
    }
    clq_journal_close(&journal);
    return status;
}

const char *clq_journal_heading(const clq_journal *journal, size_t *bytes)
{
    *bytes = journal->heading.bytes - (sizeof CLQ_JOURNAL_MAGIC - 1);
    return journal->text + sizeof CLQ_JOURNAL_MAGIC - 1;
}

int clq_journal_next(clq_journal *journal, const char **line, size_t *length)
{
    while (journal->position == journal->block.start + journal->block.bytes) {
        if (!clq_journal_block_next(journal->text, journal->text_bytes, &journal->block)) {
            return 0;
        }
        journal->position = journal->block.start;
    }
    /* Blocks are whole lines, and the line that ends them comes behind. */
    *line = journal->text + journal->position;
    *length = (size_t)(strchr(*line, '\n') - *line);
    journal->position += *length + 1;
    return 1;
}

void clq_journal_rewind(clq_journal *journal)
{
    journal->block = journal->heading;
    journal->position = journal->heading.start + journal->heading.bytes;
}

static clq_status append(clq_journal *journal, const char *text, size_t bytes, clq_error *error)
{
    if (journal->pending_capacity - journal->pending_bytes < bytes) {
        const size_t capacity = (journal->pending_capacity + bytes) * 2;
        char *larger = realloc(journal->pending, capacity);
        if (larger == NULL) {
            return clq_fail_memory(error, journal->place.path);
        }
        journal->pending = larger;
        journal->pending_capacity = capacity;
    }
    memcpy(journal->pending + journal->pending_bytes, text, bytes);
    journal->pending_bytes += bytes;
    return CLQ_OK;
}

clq_status clq_journal_add(clq_journal *journal, const char *line, clq_error *error)
{
    const size_t bytes = strlen(line);
    CLQ_REQUIRE(bytes > 0 && bytes <= CLQ_JOURNAL_LINE_BYTES && !clq_journal_is_end(line),
                "a line of a journal has 1 to %d bytes and does not begin with \"end \"", CLQ_JOURNAL_LINE_BYTES);
    CLQ_TRY(append(journal, line, bytes, error));
    return append(journal, "\n", 1, error);
}

static clq_status put(clq_journal *journal, const char *text, size_t bytes, clq_error *error)
{
    size_t done = 0;
    while (done < bytes) {
        const ssize_t written = pwrite(journal->fd, text + done, bytes - done, (off_t)(journal->end + done));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            journal->failed = 1;
            return clq_place_fail(&journal->place, "write the journal beside it", written < 0 ? errno : ENOSPC, error);
        }
        done += (size_t)written;
    }
    return CLQ_OK;
}

static clq_status flush_to_disk(clq_journal *journal, clq_error *error)
{
    if (clq_flush(journal->fd) != 0) {
        return clq_place_fail(&journal->place, "flush the journal beside it to disk", errno, error);
    }
    /* The names of the journal and of what it tells of. Some file systems cannot flush a folder and say EINVAL. */
    if (!journal->folder_flushed && clq_flush(journal->place.folder) != 0 && errno != EINVAL) {
        return clq_place_fail(&journal->place, "flush the folder to disk", errno, error);
    }
    journal->folder_flushed = 1;
    return CLQ_OK;
}

clq_status clq_journal_write(clq_journal *journal, int durable, clq_error *error)
{
    if (journal->failed) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: its journal is not written, since a write failed before",
                        clq_show_path(journal->place.path).text);
    }
    if (journal->pending_bytes > 0) {
        char line[CLQ_JOURNAL_END_BYTES];
        const uint64_t hash =
            clq_journal_block_end(line, journal->next_number, journal->hash, journal->pending, journal->pending_bytes);
        CLQ_TRY(append(journal, line, strlen(line), error));
        /* What is torn of a block that a crash cut short must not follow the new ones. */
        if (ftruncate(journal->fd, (off_t)journal->end) != 0) {
            journal->failed = 1;
            return clq_place_fail(&journal->place, "cut the journal beside it", errno, error);
        }
        CLQ_TRY(put(journal, journal->pending, journal->pending_bytes, error));
        journal->end += journal->pending_bytes;
        journal->hash = hash;
        journal->next_number++;
        journal->pending_bytes = 0;
    }
    return durable ? flush_to_disk(journal, error) : CLQ_OK;
}

clq_status clq_journal_create(const char *path, const char *heading, clq_journal **journal, clq_error *error)
{
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(open_place(path, journal, error));
    CLQ_TRY_TO(append(*journal, CLQ_JOURNAL_MAGIC, sizeof CLQ_JOURNAL_MAGIC - 1, error));
    CLQ_TRY_TO(append(*journal, heading, strlen(heading), error));
    CLQ_TRY_TO(clq_place_make(&(*journal)->place, (*journal)->name, &(*journal)->fd, error));
    status = clq_journal_write(*journal, 0, error);
    if (status != CLQ_OK) {
        unlinkat((*journal)->place.folder, (*journal)->name, 0);
    }
done:
    if (status != CLQ_OK) {
        clq_journal_close(journal);
    }
    return status;
}
