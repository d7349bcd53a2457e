/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#define _FILE_OFFSET_BITS 64
#include "command/frame/ranks_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/temporary.h"
#include "format/folder.h"
#include "format/output_path.h"
#include "format/support.h"

/* Looks at a folder of a network, which may show another machine's file a few seconds late, and the time between. */
enum { LOOKS = 60, BETWEEN_NANOSECONDS = 100 * 1000 * 1000 };

enum { NAME_BYTES = 64, NUMBER_BYTES = 16 };

static clq_status fail_folder(const char *folder, const char *what, clq_error *error)
{
    const int code = errno;
    return clq_fail(error, CLQ_IO_ERROR, "%s: %s: %s; the output needs a folder that exists and can be written",
                    clq_show_path(folder).text, what, clq_show_errno(code).text);
}

/* Where the output is, or will be made. malloc'ed. */
static char *folder_of(const char *output)
{
    const char *name = clq_path_file_name(output);
    size_t length = strlen(output);
    if (clq_is_folder(output)) {
        return strdup(output);
    }
    while (name[0] == '\0' && length > 0 && output[length - 1] == '/') { /* "folder/", which is not there yet */
        length--;
    }
    while (length > 0 && output[length - 1] != '/') {
        length--;
    }
    return length > 0 ? strndup(output, length) : strdup(".");
}

/* The file of this rank: no other's has its name, in whatever folder. */
static clq_status make_file(const cli_ranks *ranks, const char *path, int folder, char name[NAME_BYTES],
                            clq_error *error)
{
    int fd;
    snprintf(name, NAME_BYTES, ".clquant-rank-%u%s", ranks->rank, CLQ_TEMPORARY_SUFFIX);
    clq_temporary_remove_left(folder, name);
    fd = clq_temporary_make(folder, name, 0600);
    if (fd < 0) {
        return fail_folder(path, "cannot be written", error);
    }
    close(fd);
    return CLQ_OK;
}

static int sees(int folder, const char *name)
{
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The first rank whose file is in the folder. */
static size_t first_seen(int folder, const char *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sees(folder, names)) {
            return i;
        }
        names += strlen(names) + 1;
    }
    return count;
}

/* The same, when the first one's is expected there. */
static size_t await_first(int folder, const char *names, size_t count, int looks)
{
    const struct timespec moment = {0, BETWEEN_NANOSECONDS};
    for (int i = 0; i < looks && !sees(folder, names); i++) {
        nanosleep(&moment, NULL);
    }
    return first_seen(folder, names, count);
}

static size_t number_at(const char *numbers, size_t rank)
{
    for (size_t i = 0; i < rank; i++) {
        numbers += strlen(numbers) + 1;
    }
    return (size_t)strtoul(numbers, NULL, 10);
}

/* From the first rank that each of them sees. */
static clq_status sort_out(const char *firsts, size_t count, const cli_ranks *ranks, cli_rank_place *place,
                           clq_error *error)
{
    const size_t own = number_at(firsts, ranks->rank);
    *place = (cli_rank_place){0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const size_t first = number_at(firsts, i);
        if (first >= count || number_at(firsts, first) != first) {
            return clq_fail(error, CLQ_IO_ERROR, "rank %zu does not see what rank %zu writes, or its own", i, first);
        }
        place->before += first < own;
        place->count += first == own;
        place->number += first == own && i < ranks->rank;
    }
    return CLQ_OK;
}

static clq_status check_together(const char *firsts, size_t count, const char *folder, clq_error *error)
{
    for (size_t i = 1; i < count; i++) {
        CLQ_REQUIRE(
            number_at(firsts, i) == 0,
            "%s: is not the same folder for ranks 0 and %zu; --no-shared has ranks whose machines share no file "
            "system write whole shards, each in a folder of its own",
            clq_show_path(folder).text, i);
    }
    return CLQ_OK;
}

clq_status cli_find_rank_place(const cli_ranks *ranks, const char *output, int apart, cli_rank_place *place,
                               clq_error *error)
{
    clq_status status = CLQ_OK;
    char *path = folder_of(output);
    char *names = NULL;
    char *firsts = NULL;
    char name[NAME_BYTES] = "";
    char first[NUMBER_BYTES];
    size_t count = 0;
    int folder = -1;
    if (path == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the path of the output"));
    }
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        CLQ_TRY_TO(fail_folder(path, "cannot be opened", error));
    }
    CLQ_TRY_TO(make_file(ranks, path, folder, name, error));
    CLQ_TRY_TO(ranks->exchange(NULL, name, &names, &count, error));
    snprintf(first, sizeof first, "%zu", await_first(folder, names, count, apart ? 0 : LOOKS));
    CLQ_TRY_TO(ranks->exchange(NULL, first, &firsts, &count, error)); /* and all have looked */
    CLQ_TRY_TO(sort_out(firsts, count, ranks, place, error));
    CLQ_TRY_TO(apart ? CLQ_OK : check_together(firsts, count, path, error));
done:
    if (name[0] != '\0') {
        (void)!unlinkat(folder, name, 0);
    }
    if (folder >= 0) {
        close(folder);
    }
    free(names);
    free(firsts);
    free(path);
    return status;
}
