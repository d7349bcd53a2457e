/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/output_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/npy.h"
#include "format/output_path.h"
#include "model/request.h"
#include "model/shown.h"

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to lay out the output");
}

static clq_status create_shard(clq_output *output, size_t i, clq_error *error)
{
    output_shard *shard = &output->shards[i];
    shard->placed = -1;
    shard->path = clq_output_shard_path(output, i, output->shard_count);
    if (shard->path == NULL) {
        return no_memory(error);
    }
    if (output->kind == OUTPUT_GGUF) {
        return clq_gguf_plan_create(&shard->gguf, error);
    }
    return output->kind == OUTPUT_NPY ? CLQ_OK : clq_safetensors_plan_create(&shard->plan, error);
}

clq_status clq_output_create(const char *path, size_t shard_count, clq_output **out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_output *output = calloc(1, sizeof *output);
    *out = output;
    if (output == NULL) {
        return no_memory(error);
    }
    output->kind = clq_is_npy_name(path) ? OUTPUT_NPY : clq_is_gguf_name(path) ? OUTPUT_GGUF : OUTPUT_SAFETENSORS;
    output->shard_count = 1;
    if (clq_ends_with(path, CLQ_INDEX_SUFFIX)) {
        output->kind = OUTPUT_SHARDED;
        output->shard_count = shard_count;
        CLQ_TRY_TO(clq_index_create(&output->index, error));
    }
    output->path = strdup(path);
    output->shards = calloc(output->shard_count, sizeof *output->shards);
    if (output->path == NULL || output->shards == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    for (size_t i = 0; i < output->shard_count; i++) {
        CLQ_TRY_TO(create_shard(output, i, error));
    }
done:
    if (status != CLQ_OK) {
        clq_output_destroy(out);
    }
    return status;
}

void clq_output_destroy(clq_output **out)
{
    clq_output *output = *out;
    if (output == NULL) {
        return;
    }
    for (size_t i = 0; output->shards != NULL && i < output->shard_count; i++) {
        clq_writer_abandon(&output->shards[i].writer);
        if (output->shards[i].path != NULL && output->shards[i].placed >= 0) {
            close(output->shards[i].placed);
        }
        clq_safetensors_plan_destroy(&output->shards[i].plan);
        clq_gguf_plan_destroy(&output->shards[i].gguf);
        free(output->shards[i].npy_header);
        free(output->shards[i].path);
    }
    clq_writer_abandon(&output->index_writer);
    clq_index_destroy(&output->index);
    free(output->index_text);
    free(output->shards);
    free(output->tensors);
    free(output->path);
    free(output);
    *out = NULL;
}

static int are_kept(const clq_output *output, const clq_model *model)
{
    int kept = output->kind == OUTPUT_SHARDED && model->shard_count == output->shard_count;
    for (size_t i = 0; kept && i < model->shard_count; i++) {
        const char *name = model->shards[i].file_name;
        kept = strchr(name, '/') == NULL && name[0] != '.' && clq_ends_with(name, ".safetensors");
    }
    return kept;
}

clq_status clq_output_keep_names(clq_output *output, const clq_model *model, clq_error *error)
{
    const char *own = clq_path_file_name(output->path);
    for (size_t i = 0; are_kept(output, model) && i < output->shard_count; i++) {
        const size_t folder = (size_t)(own - output->path);
        const size_t bytes = folder + strlen(model->shards[i].file_name) + 1;
        char *path = malloc(bytes);
        if (path == NULL) {
            return no_memory(error);
        }
        snprintf(path, bytes, "%.*s%s", (int)folder, output->path, model->shards[i].file_name);
        free(output->shards[i].path);
        output->shards[i].path = path;
    }
    return CLQ_OK;
}

size_t clq_output_shards(const clq_output *output)
{
    return output->shard_count;
}

int clq_output_is_sharded(const clq_output *output)
{
    return output->kind == OUTPUT_SHARDED;
}

void clq_output_share(clq_output *output, size_t first, size_t end)
{
    output->has_share = 1;
    for (size_t i = 0; i < output->shard_count; i++) {
        output->shards[i].is_elsewhere = i < first || i >= end;
    }
}

/* A loader would take it for the new one's. It may be another rank's after all, and is removed by nobody here. */
static clq_status refuse_foreign(const output_shard *shard, clq_error *error)
{
    struct stat facts;
    CLQ_REQUIRE(lstat(shard->path, &facts) != 0,
                "%s: is there, and another rank writes the shard of this name, elsewhere; move it away",
                clq_show(shard->path).text);
    return CLQ_OK;
}

clq_status clq_output_check(const clq_output *output, const clq_model *model, int replace, clq_error *error)
{
    CLQ_TRY(clq_path_check(output->path, model, replace, error));
    for (size_t i = 0; i < output->shard_count; i++) {
        if (output->shards[i].is_elsewhere && replace != 2) {
            CLQ_TRY(refuse_foreign(&output->shards[i], error));
        }
        CLQ_TRY(clq_path_check(output->shards[i].path, model, replace, error));
    }
    return CLQ_OK;
}

clq_status clq_output_refuse_given(const clq_output *output, const clq_file_request *request, clq_error *error)
{
    CLQ_TRY(clq_request_refuse_given(request, output->path, error));
    for (size_t i = 0; i < output->shard_count; i++) {
        CLQ_TRY(clq_request_refuse_given(request, output->shards[i].path, error));
    }
    return CLQ_OK;
}

int clq_output_is_there(const clq_output *output)
{
    struct stat facts;
    int is_there = lstat(output->path, &facts) == 0;
    for (size_t i = 0; i < output->shard_count && !is_there; i++) {
        is_there = lstat(output->shards[i].path, &facts) == 0;
    }
    return is_there;
}

int clq_output_takes(const clq_output *output, const char *path)
{
    int takes = clq_path_same(output->path, path);
    for (size_t i = 0; i < output->shard_count; i++) {
        takes |= clq_path_same(output->shards[i].path, path);
    }
    return takes;
}

static clq_status grow_tensors(clq_output *output, clq_error *error)
{
    if (output->tensor_count == output->tensor_capacity) {
        const size_t capacity = output->tensor_capacity * 2 + 64;
        output_tensor *larger = realloc(output->tensors, capacity * sizeof *larger);
        if (larger == NULL) {
            return no_memory(error);
        }
        output->tensors = larger;
        output->tensor_capacity = capacity;
    }
    return CLQ_OK;
}

/* Blocks have no name among the types of safetensors. */
static clq_status check_type(const char *name, const char *dtype, clq_error *error)
{
    char shown[200];
    clq_printable(shown, sizeof shown, name, strlen(name));
    CLQ_REQUIRE(clq_file_dtype_from_name(dtype).bits != 0 || clq_gguf_type_named(dtype) == NULL,
                "tensor '%s' is of type %s, which safetensors does not have; only a .gguf can hold it as it is", shown,
                dtype);
    return CLQ_OK;
}

clq_status clq_output_tensor(clq_output *output, size_t shard, const char *name, const char *dtype, uint32_t rank,
                             const uint64_t *shape, uint64_t bytes, size_t *number, clq_error *error)
{
    output_tensor *tensor;
    output_shard *target;
    CLQ_TRY(grow_tensors(output, error));
    tensor = &output->tensors[output->tensor_count];
    tensor->shard = output->kind == OUTPUT_SHARDED ? shard : 0;
    tensor->bytes = bytes;
    tensor->index = 0;
    tensor->offset = 0;
    XXH64_reset(&tensor->hash, 0);
    tensor->hashed_bytes = 0;
    tensor->in_order = 1;
    target = &output->shards[tensor->shard];
    if (output->kind == OUTPUT_NPY) {
        CLQ_REQUIRE(output->tensor_count == 0, "a .npy file holds one tensor only");
        CLQ_TRY(clq_npy_header(dtype, rank, shape, &target->npy_header, &target->header_bytes, error));
    } else if (output->kind == OUTPUT_GGUF) {
        CLQ_TRY(clq_gguf_plan_tensor(target->gguf, name, dtype, rank, shape, bytes, &tensor->index, error));
    } else {
        CLQ_TRY(check_type(name, dtype, error));
        CLQ_TRY(clq_safetensors_plan_tensor(target->plan, name, dtype, rank, shape, bytes, &tensor->index, error));
    }
    if (output->index != NULL) {
        CLQ_TRY(clq_index_add(output->index, name, clq_path_file_name(target->path), bytes, error));
    }
    *number = output->tensor_count++;
    return CLQ_OK;
}

clq_status clq_output_window(clq_output *output, size_t number, uint64_t offset, uint64_t bytes, size_t *window,
                             clq_error *error)
{
    output_tensor *made;
    CLQ_TRY(grow_tensors(output, error));
    CLQ_REQUIRE(offset <= output->tensors[number].bytes && bytes <= output->tensors[number].bytes - offset,
                "a window of %" PRIu64 " bytes at %" PRIu64 " is not within a tensor of %" PRIu64, bytes, offset,
                output->tensors[number].bytes);
    made = &output->tensors[output->tensor_count];
    *made = output->tensors[number];
    made->offset += offset;
    made->bytes = bytes;
    *window = output->tensor_count++;
    return CLQ_OK;
}

clq_status clq_output_metadata(clq_output *output, size_t shard, const char *key, const char *value, clq_error *error)
{
    output_shard *target = &output->shards[output->kind == OUTPUT_SHARDED ? shard : 0];
    return target->plan == NULL ? CLQ_OK : clq_safetensors_plan_metadata(target->plan, key, value, error);
}

clq_status clq_output_gguf_keys(clq_output *output, const clq_model *model, clq_error *error)
{
    char shown[400];
    clq_printable(shown, sizeof shown, output->path, strlen(output->path));
    CLQ_REQUIRE(output->kind != OUTPUT_GGUF || model->gguf != NULL,
                "%s: a .gguf holds the keys of the model's architecture, which only a .gguf as input has; llama.cpp's "
                "convert_hf_to_gguf.py makes one",
                shown);
    if (output->kind == OUTPUT_GGUF) {
        clq_gguf_plan_keys(output->shards[0].gguf, model);
        output->alignment = model->gguf->alignment;
    }
    return CLQ_OK;
}

void clq_output_gguf_set(clq_output *output, const char *key, uint32_t value)
{
    if (output->kind == OUTPUT_GGUF) {
        clq_gguf_plan_set(output->shards[0].gguf, key, value);
    }
}

clq_status clq_output_index_metadata(clq_output *output, const char *metadata, clq_error *error)
{
    return output->index == NULL || metadata == NULL ? CLQ_OK : clq_index_metadata(output->index, metadata, error);
}

clq_status clq_output_layout(clq_output *output, uint64_t *bytes, clq_error *error)
{
    *bytes = 0;
    output->declared = output->tensor_count;
    for (size_t i = 0; i < output->shard_count; i++) {
        output_shard *shard = &output->shards[i];
        if (shard->gguf != NULL) {
            CLQ_TRY(clq_gguf_plan_finish(shard->gguf, &shard->header, &shard->header_bytes, &shard->file_bytes, error));
        } else if (shard->plan != NULL) {
            CLQ_TRY(clq_safetensors_plan_finish(shard->plan, &shard->header, &shard->header_bytes, &shard->file_bytes,
                                                error));
        } else {
            CLQ_REQUIRE(output->tensor_count == 1, "a .npy file holds one tensor");
            shard->header = shard->npy_header;
            shard->file_bytes = shard->header_bytes + output->tensors[0].bytes;
        }
        *bytes += shard->file_bytes;
    }
    if (output->index != NULL) {
        CLQ_TRY(clq_index_text(output->index, &output->index_text, &output->index_bytes, error));
        *bytes += output->index_bytes;
    }
    return CLQ_OK;
}

clq_status clq_output_open(clq_output *output, int replace, clq_error *error)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        output_shard *shard = &output->shards[i];
        CLQ_TRY(clq_writer_open(shard->path, shard->file_bytes, replace, &shard->writer, error));
        CLQ_TRY(clq_output_write_header(shard, error));
    }
    if (output->index != NULL) {
        CLQ_TRY(clq_writer_open(output->path, output->index_bytes, replace, &output->index_writer, error));
        CLQ_TRY(clq_writer_write_at(output->index_writer, 0, output->index_text, output->index_bytes, error));
    }
    return CLQ_OK;
}

clq_status clq_output_write(clq_output *output, size_t number, uint64_t offset, const void *memory, uint64_t bytes,
                            clq_error *error)
{
    output_tensor *tensor = &output->tensors[number];
    CLQ_REQUIRE(offset <= tensor->bytes && bytes <= tensor->bytes - offset,
                "%" PRIu64 " bytes at %" PRIu64 " do not fit a tensor of %" PRIu64, bytes, offset, tensor->bytes);
    clq_output_hash_written(output, tensor, offset, memory, bytes);
    return clq_writer_write_at(output->shards[tensor->shard].writer, clq_output_start(output, number) + offset, memory,
                               bytes, error);
}

void clq_output_set_steps(clq_output *output, const clq_output_steps *steps)
{
    output->steps = *steps;
}

/* Nothing may fail for want of space once files that are there are touched. */
static clq_status begin_steps(const clq_output *output, clq_error *error)
{
    for (size_t i = 0; i < output->shard_count; i++) {
        if (output->shards[i].writer != NULL) {
            CLQ_TRY(clq_writer_flush(output->shards[i].writer, error));
        }
    }
    return output->steps.before(output->steps.cookie, error);
}

clq_status clq_output_commit(clq_output *output, clq_error *error)
{
    if (output->steps.before != NULL) {
        CLQ_TRY(begin_steps(output, error));
    }
    for (size_t i = 0; i < output->shard_count; i++) {
        if (output->shards[i].writer != NULL) {
            CLQ_TRY(clq_writer_commit(&output->shards[i].writer, error));
        }
    }
    if (output->steps.between != NULL) {
        CLQ_TRY(output->steps.between(output->steps.cookie, error));
    }
    if (output->index_writer != NULL) {
        CLQ_TRY(clq_writer_commit(&output->index_writer, error));
    }
    if (output->steps.after != NULL) {
        output->steps.after(output->steps.cookie);
    }
    return CLQ_OK;
}

int clq_output_index_is_placed(const clq_output *output)
{
    return output->index != NULL && output->index_writer == NULL;
}

const char *clq_output_path(const clq_output *output)
{
    return output->path;
}
