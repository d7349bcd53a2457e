/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a fault: sources, memory before and after, the program, and what was found in words. */
#include "verify/reproduce.h"

#include "verify/probe.h"
#include "verify/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/file.h"
#include "format/support.h"

enum { PATH_BYTES = 4096 };

clq_status clq_verify_make_folder(const char *path, clq_error *error)
{
    struct stat facts;
    const int is_made = mkdir(path, 0777) == 0;
    CLQ_REQUIRE(is_made || errno != EEXIST || stat(path, &facts) != 0 || S_ISDIR(facts.st_mode),
                "%s: is no folder; the name of a folder is required", clq_show_path(path).text);
    if (!is_made && (errno != EEXIST || stat(path, &facts) != 0)) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: cannot make a folder: %s", clq_show_path(path).text,
                        clq_show_errno(errno).text);
    }
    return CLQ_OK;
}

static clq_status write_file(const char *folder, const char *name, const void *bytes, size_t count, clq_error *error)
{
    char path[PATH_BYTES];
    clq_writer *writer = NULL;
    clq_status status = CLQ_OK;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) {
        return clq_fail(error, CLQ_IO_ERROR, "the path %s is too long", clq_show_path(folder).text);
    }
    CLQ_TRY_TO(clq_writer_open(path, count, 1, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, bytes, count, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    return status;
}

static clq_status write_text(const char *folder, const char *name, clq_text *text, clq_error *error)
{
    char *bytes = NULL;
    size_t length = 0;
    clq_status status;
    CLQ_TRY(clq_text_take(text, "a reproducer", &bytes, &length, error));
    status = write_file(folder, name, bytes, length, error);
    free(bytes);
    return status;
}

static clq_status write_source(const char *file, const char *folder, clq_error *error)
{
    clq_text text = {0};
    clq_status status = clq_verify_put_source(&text, file, error);
    if (status == CLQ_OK) {
        status = write_text(folder, file, &text, error);
    }
    clq_text_release(&text);
    return status;
}

/* Of each launch, of a probe in plain OpenCL, or the one that was not compiled. */
static clq_status write_sources(const clq_verify_fault *fault, const char *folder, clq_error *error)
{
    if (fault->built_file != NULL) {
        return write_source(fault->built_file, folder, error);
    }
    if (fault->work->plain != NULL) {
        return write_source(CLQ_VERIFY_PLAIN_FILE, folder, error);
    }
    for (size_t i = 0; i < fault->record->launch_count && fault->refused_bytes == 0; i++) {
        CLQ_TRY(write_source(fault->record->launches[i].file, folder, error));
    }
    return CLQ_OK;
}

static clq_status write_memories(const clq_verify_fault *fault, const char *folder, clq_error *error)
{
    const clq_trial_arena *arena = &fault->work->arena;
    if (fault->built_file != NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(write_file(folder, "arena.bin", arena->before, (size_t)arena->bytes, error));
    CLQ_TRY(write_file(folder, "expected.bin", fault->refused_bytes > 0 ? arena->before : arena->want,
                       (size_t)arena->bytes, error));
    for (size_t i = 1; i < fault->record->memory_count; i++) {
        const clq_verify_memory *m = &fault->record->memories[i];
        char name[32];
        snprintf(name, sizeof name, "memory-%zu.bin", i);
        if (m->before != NULL) {
            CLQ_TRY(write_file(folder, name, m->before, m->bytes, error));
        }
    }
    return CLQ_OK;
}

static clq_status write_story(const clq_verify_fault *fault, const char *folder, clq_error *error)
{
    const clq_verify_case *c = fault->what;
    clq_text text = {0};
    clq_text_put(&text, c->name);
    clq_text_put(&text, "\non ");
    clq_text_put(&text, fault->device->name);
    clq_text_put(&text, "\nwith ");
    clq_text_put(&text, fault->device->version);
    clq_text_put(&text, ", driver ");
    clq_text_put(&text, fault->device->driver);
    clq_text_put(&text, "\n");
    if (c->reason != NULL) {
        clq_text_put(&text, c->reason);
        clq_text_put(&text, "\n");
        clq_text_put(&text, fault->build_log);
    }
    if (c->difference != NULL) {
        const clq_verify_difference *d = c->difference;
        clq_text_format(&text, "%s[%" PRIu64 "] of tensor %" PRIu32 " is %s, not %s\n", d->operand, d->index, d->item,
                        d->got, d->want);
        clq_text_put(&text, "with ");
        clq_text_put(&text, d->inputs);
        clq_text_format(&text, "\n%" PRIu64 " of %" PRIu64 " elements differ\n", d->differing, d->elements);
    }
    return write_text(folder, "fault.txt", &text, error);
}

clq_status clq_verify_reproduce(const clq_verify_fault *fault, const char *folder, clq_error *error)
{
    clq_text text = {0};
    clq_status status;
    CLQ_TRY(clq_verify_make_folder(folder, error));
    CLQ_TRY(write_sources(fault, folder, error));
    CLQ_TRY(write_memories(fault, folder, error));
    CLQ_TRY(write_story(fault, folder, error));
    status = clq_verify_program(&text, fault, error);
    if (status == CLQ_OK) {
        status = write_text(folder, "reproduce.c", &text, error);
    }
    clq_text_release(&text);
    return status;
}
