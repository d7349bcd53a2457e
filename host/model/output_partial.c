/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs that another run can continue: what of them is there, and whether it is what was written. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/output_parts.h"
#include "model/shown.h"

enum { READ_BYTES = 1 << 20 };

static clq_status fail_file(const output_shard *shard, const char *what, clq_error *error)
{
    return clq_fail(error, CLQ_BAD_FILE, "%s: %s; without --resume, --force begins anew", clq_show(shard->path).text,
                    what);
}

/* Every byte was written before, and the file has its final name, unless somebody took it away. */
static clq_status open_placed(output_shard *shard, clq_error *error)
{
    if (clq_file_open(shard->path, &shard->placed, &shard->found, NULL) != CLQ_OK ||
        shard->found != shard->file_bytes) {
        return fail_file(shard, "an earlier run finished this file, and it is not there any more", error);
    }
    return CLQ_OK;
}

static clq_status open_shard(output_shard *shard, int replace, clq_partial_use use, clq_error *error)
{
    uint64_t found = 0;
    CLQ_TRY(clq_writer_open_partial(shard->path, shard->file_bytes, replace, use, &shard->writer, &found, error));
    if (shard->writer == NULL) {
        return open_placed(shard, error);
    }
    shard->found = found == UINT64_MAX ? 0 : found;
    clq_writer_keep(shard->writer, found != UINT64_MAX);
    return CLQ_OK;
}

/* The last file to get its name may have it already. */
static int is_index_placed(const clq_output *output)
{
    char *text = malloc(output->index_bytes);
    uint64_t bytes = 0;
    int fd = -1;
    const int placed = text != NULL && clq_file_open(output->path, &fd, &bytes, NULL) == CLQ_OK &&
                       bytes == output->index_bytes &&
                       clq_file_read(fd, output->path, 0, text, bytes, NULL) == CLQ_OK &&
                       memcmp(text, output->index_text, output->index_bytes) == 0;
    if (fd >= 0) {
        close(fd);
    }
    free(text);
    return placed;
}

static clq_status open_index(clq_output *output, int replace, clq_output_left left, clq_error *error)
{
    uint64_t found = 0;
    if (left == CLQ_OUTPUT_ALL_LEFT && is_index_placed(output)) {
        /* It may have its first name still. */
        return clq_writer_remove_partial(output->path, error);
    }
    CLQ_TRY(clq_writer_open_partial(output->path, output->index_bytes, replace, CLQ_PARTIAL_REMOVE,
                                    &output->index_writer, &found, error));
    return clq_writer_write_at(output->index_writer, 0, output->index_text, output->index_bytes, error);
}

clq_status clq_output_open_partial(clq_output *output, clq_job *job, clq_output_left left, clq_error *error)
{
    static const clq_partial_use USES[] = {CLQ_PARTIAL_REMOVE, CLQ_PARTIAL_CONTINUE, CLQ_PARTIAL_NEED};
    const int replace = job->request->replace;
    output->job = job;
    for (size_t i = 0; i < output->shard_count; i++) {
        if (!output->shards[i].is_elsewhere) {
            CLQ_TRY(open_shard(&output->shards[i], replace, USES[left], error));
        }
    }
    return output->index != NULL ? open_index(output, replace, left, error) : CLQ_OK;
}

clq_status clq_output_check_whole(const clq_output *output, int may_be_placed, clq_error *error)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        const output_shard *shard = &output->shards[i];
        if (shard->is_elsewhere) {
            continue;
        }
        if (shard->placed >= 0 && !may_be_placed) {
            return fail_file(
                shard, "what the parts have written is not there any more, and this file is none of theirs", error);
        }
        if (shard->found != shard->file_bytes) {
            char what[120];
            snprintf(what, sizeof what, "the parts have left %" PRIu64 " bytes of it, and the whole file has %" PRIu64,
                     shard->found, shard->file_bytes);
            return fail_file(shard, what, error);
        }
    }
    return CLQ_OK;
}

void clq_output_use(clq_output *output, size_t shard)
{
    output->shards[shard].is_used = !output->shards[shard].is_elsewhere;
}

/*
 * What stands between the tensors of a .gguf, where nobody writes: another run's partial file may have left something
 * there. The bytes are the same for all.
 */
static clq_status clear_gaps(const clq_output *output, clq_error *error)
{
    for (size_t i = 0; output->alignment > 0 && i < output->declared; i++) {
        static const unsigned char ZEROS[256];
        const output_tensor *tensor = &output->tensors[i];
        uint64_t at = clq_output_start(output, i) + tensor->bytes;
        const uint64_t end = clq_size_divide_up(at, output->alignment) * output->alignment;
        for (; at < end; at += clq_size_min(end - at, sizeof ZEROS)) {
            CLQ_TRY(
                clq_writer_write_at(output->shards[0].writer, at, ZEROS, clq_size_min(end - at, sizeof ZEROS), error));
        }
    }
    return CLQ_OK;
}

clq_status clq_output_open_shared(clq_output *output, clq_job *job, clq_error *error)
{
    output->job = job;
    for (size_t i = 0; i < output->shard_count; i++) {
        output_shard *shard = &output->shards[i];
        if (shard->is_used) {
            CLQ_TRY(open_shard(shard, job->request->replace, CLQ_PARTIAL_SHARE, error));
            clq_writer_keep(shard->writer, 1);
        }
    }
    return CLQ_OK;
}

int clq_output_is_new(const clq_output *output, size_t shard)
{
    return output->shards[shard].is_used && output->shards[shard].found == 0;
}

clq_status clq_output_begin_shared(clq_output *output, clq_error *error)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        const output_shard *shard = &output->shards[i];
        if (shard->is_used) {
            /* No padding: the file's last byte may be data that another run has written. */
            CLQ_TRY(clq_writer_write_at(shard->writer, 0, shard->header, shard->header_bytes, error));
        }
    }
    return output->shards[0].is_used ? clear_gaps(output, error) : CLQ_OK;
}

/* A file of runs that end together: with one that fails it goes. */
static clq_status open_with_others(output_shard *shard, int replace, clq_error *error)
{
    CLQ_TRY(open_shard(shard, replace, CLQ_PARTIAL_SHARE, error));
    clq_writer_keep(shard->writer, 0);
    return CLQ_OK;
}

clq_status clq_output_open_together(clq_output *output, int replace, int is_first, clq_error *error)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        output_shard *shard = &output->shards[i];
        CLQ_TRY(is_first ? clq_writer_remove_partial(shard->path, error) : CLQ_OK);
        CLQ_TRY(open_with_others(shard, replace, error));
        CLQ_TRY(is_first ? clq_output_write_header(shard, error) : CLQ_OK);
    }
    return is_first && output->index != NULL ? open_index(output, replace, CLQ_OUTPUT_NOTHING_LEFT, error) : CLQ_OK;
}

clq_status clq_output_leave(clq_output *output, clq_error *error)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        CLQ_TRY(clq_writer_flush(output->shards[i].writer, error));
    }
    for (size_t i = 0; i < output->shard_count; i++) {
        clq_writer_keep(output->shards[i].writer, 1);
    }
    return CLQ_OK;
}

void clq_output_claim(clq_output *output)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        output_shard *shard = &output->shards[i];
        shard->is_claimed = shard->is_used && shard->writer != NULL && clq_writer_claim(shard->writer);
    }
}

void clq_output_drop_claimed(const clq_output *output)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        const output_shard *shard = &output->shards[i];
        if (shard->is_claimed) {
            clq_writer_keep(shard->writer, 0);
        } else if (!shard->is_used && !shard->is_elsewhere) {
            (void)clq_writer_remove_partial(shard->path, NULL);
        }
    }
}

void clq_output_keep(clq_output *output, int keep)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        if (output->shards[i].writer != NULL && !output->shards[i].is_used) {
            clq_writer_keep(output->shards[i].writer, keep);
        }
    }
    if (output->index_writer != NULL) {
        clq_writer_keep(output->index_writer, keep);
    }
}

clq_status clq_output_discard_partial(const clq_output *output, size_t shard_count, clq_error *error)
{
    clq_status status = CLQ_OK;
    for (size_t i = 0; i < shard_count && status == CLQ_OK; i++) {
        char *path = clq_output_shard_path(output, i, shard_count);
        status = path != NULL ? clq_writer_remove_partial(path, error)
                              : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the path of a shard");
        free(path);
    }
    CLQ_TRY(status);
    return output->index != NULL ? clq_writer_remove_partial(output->path, error) : CLQ_OK;
}

void clq_output_drop_partial(const clq_output *output)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        if (!output->shards[i].is_elsewhere) {
            clq_writer_drop_partial(output->shards[i].path);
        }
    }
    if (output->index != NULL) {
        clq_writer_drop_partial(output->path);
    }
}

static clq_status read_shard(const output_shard *shard, uint64_t offset, void *memory, uint64_t bytes, clq_error *error)
{
    return shard->placed >= 0 ? clq_file_read(shard->placed, shard->path, offset, memory, bytes, error)
                              : clq_writer_read(shard->writer, offset, memory, bytes, error);
}

static clq_status hash_file(clq_job *job, const output_shard *shard, uint64_t offset, uint64_t bytes, uint64_t *hash,
                            clq_error *error)
{
    const uint64_t end = offset + bytes;
    clq_status status = CLQ_OK;
    XXH64_state_t state;
    unsigned char *piece = malloc(READ_BYTES);
    XXH64_reset(&state, 0);
    if (piece == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to read the output back");
    }
    while (offset < end) {
        const uint64_t step = clq_size_min(READ_BYTES, end - offset);
        CLQ_TRY_TO(clq_job_check_cancelled(job, error));
        CLQ_TRY_TO(read_shard(shard, offset, piece, step, error));
        XXH64_update(&state, piece, (size_t)step);
        offset += step;
    }
    *hash = XXH64_digest(&state);
done:
    free(piece);
    return status;
}

clq_status clq_output_hash(const clq_output *output, size_t number, uint64_t *hash, clq_error *error)
{
    const output_tensor *tensor = &output->tensors[number];
    if (tensor->in_order && tensor->hashed_bytes == tensor->bytes) {
        *hash = XXH64_digest(&tensor->hash);
        return CLQ_OK;
    }
    return hash_file(output->job, &output->shards[tensor->shard], clq_output_start(output, number), tensor->bytes, hash,
                     error);
}

clq_status clq_output_hash_in_file(const clq_output *output, size_t number, int *there, uint64_t *hash,
                                   clq_error *error)
{
    const output_tensor *tensor = &output->tensors[number];
    const output_shard *shard = &output->shards[tensor->shard];
    const uint64_t start = clq_output_start(output, number);
    *there = shard->found >= start && shard->found - start >= tensor->bytes;
    return *there ? hash_file(output->job, shard, start, tensor->bytes, hash, error) : CLQ_OK;
}

int clq_output_is_placed(const clq_output *output)
{
    int placed = 1;
    for (size_t i = 0; i < output->shard_count; i++) {
        placed &= output->shards[i].placed >= 0 || output->shards[i].is_elsewhere;
    }
    return placed;
}

size_t clq_output_shard_of(const clq_output *output, size_t number)
{
    return output->tensors[number].shard;
}

clq_status clq_output_settle_header(clq_output *output, size_t number, int told, clq_error *error)
{
    output_shard *shard = &output->shards[number];
    uint64_t hash = 0;
    if (shard->is_elsewhere) {
        return CLQ_OK;
    }
    if (!told) {
        return clq_output_write_header(shard, error);
    }
    if (shard->found == 0) {
        return fail_file(shard, "what an earlier run left of it is not there any more", error);
    }
    if (shard->found >= shard->header_bytes) {
        CLQ_TRY(hash_file(output->job, shard, 0, shard->header_bytes, &hash, error));
    }
    if (shard->found < shard->header_bytes || hash != XXH64(shard->header, (size_t)shard->header_bytes, 0)) {
        return fail_file(shard, "what an earlier run left of it does not begin as it was written", error);
    }
    return CLQ_OK;
}

clq_status clq_output_flush(const clq_output *output, size_t shard, clq_error *error)
{
    return output->shards[shard].writer != NULL ? clq_writer_flush(output->shards[shard].writer, error) : CLQ_OK;
}

static void describe_share(const clq_output *output, clq_text *out)
{
    size_t first = 0;
    size_t count = 0;
    for (size_t i = 0; i < output->shard_count; i++) {
        first += count == 0 && output->shards[i].is_elsewhere;
        count += !output->shards[i].is_elsewhere;
    }
    clq_text_format(out, "shards %zu %zu\n", count > 0 ? first : 0, count);
}

void clq_output_describe(const clq_output *output, clq_text *out)
{
    if (output->has_share) {
        describe_share(output, out);
    }
    for (size_t i = 0; i < output->shard_count; i++) {
        const output_shard *shard = &output->shards[i];
        clq_text_format(out, "output %" PRIu64 " %016" PRIx64 "\n", shard->file_bytes,
                        XXH64(shard->header, (size_t)shard->header_bytes, 0));
    }
    if (output->index != NULL) {
        clq_text_format(out, "index %zu %016" PRIx64 "\n", output->index_bytes,
                        XXH64(output->index_text, output->index_bytes, 0));
    }
}
