/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals of unfinished files. The first byte of the input chooses between the raw bytes of a file and lines that get
 * the ends of blocks they need: '\t' in them stands for such an end.
 */
#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/journal.h"
#include "format/journal_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, const char *promise)
{
    if (!condition) {
        fprintf(stderr, "broken: %s\n", promise);
        abort();
    }
}

/* Copy the lines with an end of a block, and its right hash, for every tab. */
static size_t finish_blocks(const uint8_t *data, size_t size, char *out)
{
    size_t used = sizeof CLQ_JOURNAL_MAGIC - 1;
    size_t start = 0;
    uint64_t number = 0;
    uint64_t hash = 0;
    memcpy(out, CLQ_JOURNAL_MAGIC, used);
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\t') {
            out[used++] = (char)data[i];
            continue;
        }
        char line[CLQ_JOURNAL_END_BYTES];
        hash = clq_journal_block_end(line, number++, hash, out + start, used - start);
        memcpy(out + used, line, strlen(line));
        used += strlen(line);
        start = used;
    }
    return used;
}

static void read_all(const char *path)
{
    clq_journal *journal = NULL;
    clq_error error = {0};
    const clq_status status = clq_journal_find(path, &journal, &error);
    const char *line = NULL;
    size_t length = 0;
    size_t bytes = 0;
    const char *heading = NULL;
    if (status != CLQ_OK) {
        require(journal == NULL && error.status == status && error.message[0] != '\0', "a failure has a message");
        return;
    }
    if (journal == NULL) {
        return;
    }
    heading = clq_journal_heading(journal, &bytes);
    require(bytes == 0 || heading[bytes - 1] == '\n', "a heading is whole lines");
    while (clq_journal_next(journal, &line, &length)) {
        for (size_t i = 0; i < length; i++) {
            require((unsigned char)line[i] >= 0x20 && line[i] != 0x7F, "a line is printable");
        }
    }
    /* What is written after them is read back. */
    require(clq_journal_add(journal, "last", NULL) == CLQ_OK && clq_journal_write(journal, 0, NULL) == CLQ_OK,
            "a journal is written on");
    clq_journal_close(&journal);
    require(clq_journal_find(path, &journal, NULL) == CLQ_OK && journal != NULL, "what was written is read");
    while (clq_journal_next(journal, &line, &length)) {
    }
    require(length == 4 && memcmp(line, "last", 4) == 0, "the last line comes last");
    clq_journal_close(&journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/tmp/fuzz-journal-XXXXXX";
    static char path[64], name[64];
    char *text = malloc(size * (CLQ_JOURNAL_END_BYTES + 1) + sizeof CLQ_JOURNAL_MAGIC);
    FILE *file = NULL;
    size_t bytes = size;
    if (text == NULL) {
        return 0;
    }
    if (path[0] == '\0') {
        require(mkdtemp(folder) != NULL, "there is a folder");
        snprintf(path, sizeof path, "%s/x", folder);
        snprintf(name, sizeof name, "%s/.x.journal", folder);
    }
    if (size > 0 && data[0] % 4 != 0) {
        bytes = finish_blocks(data + 1, size - 1, text);
    } else {
        bytes = size > 0 ? size - 1 : 0;
        memcpy(text, data + (size > 0), bytes);
    }
    file = fopen(name, "wb");
    require(file != NULL && fwrite(text, 1, bytes, file) == bytes && fclose(file) == 0, "the file is written");
    free(text);
    read_all(path);
    require(clq_journal_discard(path, NULL) == CLQ_OK, "it is removed");
    return 0;
}
