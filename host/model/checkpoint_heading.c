/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/checkpoint_heading.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/hash.h"
#include "core/size.h"
#include "format/file.h"
#include "model/folder_output.h"
#include "model/quantize_output.h"
#include "model/shown.h"

enum { READ_BYTES = 1 << 12, SAMPLE_BYTES = 256, MOST_SAMPLES = 512, SNIPPET_BYTES = 120 };

static const char WRITES[] = "writes ";
static const char WRITES_FOLDER[] = "writes folder";
static const char WRITES_FILE[] = "writes file";

static clq_status hash_bytes(XXH64_state_t *state, const clq_model_shard *shard, uint64_t begin, uint64_t bytes,
                             clq_error *error)
{
    unsigned char piece[READ_BYTES];
    for (uint64_t done = 0; done < bytes; done += READ_BYTES) {
        const uint64_t step = clq_size_min(READ_BYTES, bytes - done);
        CLQ_TRY(clq_file_read(shard->fd, shard->path, begin + done, piece, step, error));
        XXH64_update(state, piece, (size_t)step);
    }
    return CLQ_OK;
}

/* Some bytes out of the middle of a tensor: models of one architecture have the same header, and tools that unpack or
 * copy them set the same time. All tensors of a small model, some of a large one, where each costs a disk a seek. */
static clq_status hash_sample(XXH64_state_t *state, const clq_model *model, size_t number, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[number];
    const uint64_t bytes = clq_size_min(SAMPLE_BYTES, tensor->bytes);
    const size_t every = (model->tensor_count + MOST_SAMPLES - 1) / MOST_SAMPLES;
    return number % every == 0 ? hash_bytes(state, &model->shards[tensor->shard],
                                            tensor->offset + (tensor->bytes - bytes) / 2, bytes, error)
                               : CLQ_OK;
}

static clq_status describe_input(const clq_model *model, clq_text *out, clq_error *error)
{
    size_t next = 0; /* tensors come shard by shard, in the order of their data */
    for (size_t i = 0; i < model->shard_count; i++) {
        const clq_model_shard *shard = &model->shards[i];
        uint64_t header = shard->file_bytes;
        struct stat facts;
        XXH64_state_t hash;
        XXH64_reset(&hash, 0);
        if (next < model->tensor_count && model->tensors[next].shard == i) {
            header = model->tensors[next].offset;
        }
        CLQ_TRY(hash_bytes(&hash, shard, 0, header, error));
        for (; next < model->tensor_count && model->tensors[next].shard == i; next++) {
            CLQ_TRY(hash_sample(&hash, model, next, error));
        }
        if (fstat(shard->fd, &facts) != 0) {
            return clq_fail(error, CLQ_IO_ERROR, "%s: cannot examine: %s", shard->path, strerror(errno));
        }
        clq_text_format(out, "input %" PRId64 " %" PRId64 "%09ld %016" PRIx64 "\n", (int64_t)facts.st_size,
                        (int64_t)facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, XXH64_digest(&hash));
    }
    return CLQ_OK;
}

static uint64_t hash_values(const void *values, uint64_t count, size_t each)
{
    return XXH64(values, values != NULL ? (size_t)count * each : 0, count);
}

clq_status clq_heading_create(const clq_checkpoint_run *run, int layout, char **text, clq_error *error)
{
    const clq_given *given = run->given;
    clq_status status = CLQ_OK;
    size_t bytes = 0;
    clq_text out = {0};
    *text = NULL;
    clq_text_format(&out, "version %s\n%s\noptions ", clq_version(),
                    clq_request_writes_folder(run->job->request) ? WRITES_FOLDER : WRITES_FILE);
    clq_quantize_describe_options(run->job->request, run->plan, &out);
    clq_text_format(&out, "\nvalues %016" PRIx64 " %016" PRIx64 "\n",
                    hash_values(given->scales, given->scale_count, sizeof *given->scales),
                    hash_values(given->zero_points, given->zero_point_count, sizeof *given->zero_points));
    CLQ_TRY_TO(describe_input(run->plan->model, &out, error));
    if (layout) {
        clq_output_describe(run->output, &out);
    }
    CLQ_TRY_TO(clq_text_take(&out, "the journal", text, &bytes, error));
done:
    clq_text_release(&out);
    return status;
}

static int begins_with(const char *line, size_t length, const char *word)
{
    return length >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

static int ends_member(const char *line, size_t length, size_t at)
{
    return at < length && (line[at] == ',' || line[at] == '}');
}

/* The member of the options around byte `at`, printable: "\"dtype\":\"s8\""; with `behind` the next one. */
static void show_member(char out[SNIPPET_BYTES], const char *line, size_t length, size_t at, int behind)
{
    size_t start = at < length ? at + (size_t)behind : length;
    size_t end = start;
    if (behind && line[at] == '}') {
        snprintf(out, SNIPPET_BYTES, "nothing more");
        return;
    }
    while (start > 0 && line[start - 1] != ',' && line[start - 1] != '{') {
        start--;
    }
    while (end < length && line[end] != ',' && line[end] != '}') {
        end++;
    }
    clq_printable(out, SNIPPET_BYTES, line + start, end - start);
}

static clq_status fail_different(const clq_checkpoint_run *run, const char *then, size_t then_length, const char *now,
                                 size_t now_length, size_t input, clq_error *error)
{
    char before[SNIPPET_BYTES];
    char after[SNIPPET_BYTES];
    const clq_shown_text path = clq_show(clq_output_path(run->output));
    if (begins_with(now, now_length, "version ")) {
        clq_printable(before, sizeof before, then, then_length);
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: cannot be continued: it was begun by %s, and this is version %s; without --resume, "
                        "--force begins anew",
                        path.text, before, clq_version());
    }
    if (begins_with(now, now_length, WRITES)) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: cannot be continued: it was begun as %s, and now it is to be %s; without --resume, "
                        "--force begins anew",
                        path.text, now_length == strlen(WRITES_FILE) ? "that of a folder" : "a file by itself",
                        now_length == strlen(WRITES_FILE) ? "a file by itself" : "that of a folder");
    }
    if (begins_with(now, now_length, "options ")) {
        size_t at = 0;
        int behind;
        while (at < then_length && at < now_length && then[at] == now[at]) {
            at++;
        }
        behind = ends_member(then, then_length, at) && ends_member(now, now_length, at);
        show_member(before, then, then_length, at, behind);
        show_member(after, now, now_length, at, behind);
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: cannot be continued with other options: it was begun with %s, now there is %s; without "
                        "--resume, --force begins anew",
                        path.text, before, after);
    }
    if (begins_with(now, now_length, "values ")) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: cannot be continued with other values of --scale or --zero-point; without --resume, "
                        "--force begins anew",
                        path.text);
    }
    if (begins_with(now, now_length, "input ")) {
        char changed[400];
        const char *name = run->plan->model->shards[input].path;
        clq_printable(changed, sizeof changed, name, strlen(name));
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: cannot be continued: the input %s is not the file it was begun with (size, time of "
                        "modification, header or data differ); without --resume, --force begins anew",
                        path.text, changed);
    }
    if (begins_with(now, now_length, "shards ")) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: cannot be continued: other shards are to be written here now, since the ranks or those "
                        "that share a file system are others; without --resume, --force begins anew",
                        path.text);
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "%s: cannot be continued: it would have another layout now; without --resume, --force begins anew",
                    path.text);
}

clq_status clq_heading_compare(const clq_checkpoint_run *run, const char *heading, size_t heading_bytes,
                               const char *text, int whole, clq_error *error)
{
    const char *then = heading;
    const char *const end = heading + heading_bytes;
    size_t inputs = 0;
    for (const char *now = text; *now != '\0';) {
        const size_t now_length = strcspn(now, "\n");
        const char *newline = memchr(then, '\n', (size_t)(end - then));
        const size_t then_length = newline != NULL ? (size_t)(newline - then) : (size_t)(end - then);
        if (then_length != now_length || memcmp(then, now, now_length) != 0) {
            return fail_different(run, then, then_length, now, now_length, inputs, error);
        }
        inputs += begins_with(now, now_length, "input ") ? 1 : 0;
        now += now_length + 1;
        then = newline != NULL ? newline + 1 : end;
    }
    return whole && then != end ? fail_different(run, "", 0, "", 0, inputs, error) : CLQ_OK;
}

int clq_heading_writes_folder(const char *heading, size_t bytes)
{
    const char *at = memchr(heading, '\n', bytes); /* of the version */
    return at != NULL && begins_with(at + 1, (size_t)(heading + bytes - at - 1), WRITES_FOLDER);
}
