/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "format/model.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/size.h"
#include "format/bounds.h"
#include "format/file.h"
#include "format/folder.h"
#include "format/gguf.h"
#include "format/model_index.h"
#include "format/npy.h"
#include "format/other_kind.h"
#include "format/safetensors.h"
#include "format/support.h"
#include "format/utf8.h"

/* Bytes of a file that tell its kind; an index may begin with white space. */
enum { START_BYTES = 4096 };

/* Eight characters of text read as a header length are far above the limit, so the two cannot be mistaken. */
static int is_header_length(const unsigned char *start, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 8; length >= 8 && i-- > 0;) {
        value = value << 8 | start[i];
    }
    return length >= 8 && value <= CLQ_SAFETENSORS_MAX_HEADER_BYTES;
}

/* The kind of a file that starts with these bytes; what is nothing else is taken for safetensors. */
static clq_model_kind kind_of(const unsigned char *start, size_t length)
{
    size_t i = 0;
    if (length >= 6 && memcmp(start, "\x93NUMPY", 6) == 0) {
        return CLQ_MODEL_NPY;
    }
    if (length >= 4 && memcmp(start, "GGUF", 4) == 0) {
        return CLQ_MODEL_GGUF;
    }
    if (is_header_length(start, length)) {
        return CLQ_MODEL_SAFETENSORS;
    }
    while (i < length && (start[i] == ' ' || start[i] == '\t' || start[i] == '\n' || start[i] == '\r')) {
        i++;
    }
    return i < length && start[i] == '{' ? CLQ_MODEL_SHARDED : CLQ_MODEL_SAFETENSORS;
}

static int is_text(const unsigned char *start, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((start[i] < 0x20 && strchr("\t\n\r", start[i]) == NULL) || start[i] >= 0x7F || start[i] == '\0') {
            return 0;
        }
    }
    return 1;
}

/* Tell a person who gave some other file more than that its header is too long. */
static clq_status refuse_other(const char *path, const unsigned char *start, size_t length, clq_error *error)
{
    /* The time in a gzip file's head may be 0, and then it reads as a length. */
    const int is_header = is_header_length(start, length) && (length == 8 || start[8] == '{');
    const clq_kind kind = is_header ? (clq_kind){0} : clq_other_kind(start, length);
    char shown[40];
    if (kind.name != NULL) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: is %s, and what is read is safetensors, a JSON index of shards, .gguf or .npy; %s",
                        clq_show_path(path).text, kind.name, kind.advice);
    }
    if (length < 8 || is_header || !is_text(start, 8)) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, (const char *)start, 8);
    return clq_fail(error, CLQ_BAD_FILE,
                    "%s: is neither safetensors, a JSON index of shards nor .npy: it begins with the text '%s'",
                    clq_show_path(path).text, shown);
}

/* The file's name without ".npy"; file names need not be UTF-8, but names of tensors must. */
static char *npy_tensor_name(const char *path)
{
    const char *file_name = clq_last_part(path);
    size_t length = strlen(file_name);
    char *name = NULL;
    size_t used = 0;
    if (length > 4 && strcmp(file_name + length - 4, ".npy") == 0) {
        length -= 4;
    }
    name = malloc(3 * length + 1);
    if (name == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < length;) {
        const size_t step = clq_utf8_step(file_name + i, length - i);
        memcpy(name + used, step > 0 ? file_name + i : "\xEF\xBF\xBD", step > 0 ? step : 3);
        used += step > 0 ? step : 3;
        i += step > 0 ? step : 1;
    }
    name[used] = '\0';
    return name;
}

static clq_status parse_npy(clq_model *model, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *name = npy_tensor_name(model->path);
    if (name == NULL) {
        return clq_fail_memory(error, model->path);
    }
    status = clq_npy_parse(model, name, error);
    free(name);
    return status != CLQ_OK ? status : clq_model_index_names(model, 0, error);
}

/* The file at `path` has the content of `fd`, which is taken over, failure included. */
static clq_status parse(clq_model *model, int fd, uint64_t bytes, clq_error *error)
{
    const char *path = model->path;
    unsigned char start[START_BYTES];
    const size_t length = (size_t)clq_size_min(bytes, sizeof start);
    clq_status status = CLQ_OK;
    if (bytes == 0) {
        status = clq_fail(error, CLQ_BAD_FILE, "%s: the file is empty", clq_show_path(path).text);
        goto done;
    }
    CLQ_TRY_TO(clq_file_read(fd, path, 0, start, length, error));
    model->kind = kind_of(start, length);
    if (model->kind == CLQ_MODEL_SHARDED) {
        model->internals->index_fd = fd;
        fd = -1;
        CLQ_TRY_TO(clq_model_parse_index(model, bytes, error));
        goto done;
    }
    status = clq_model_add_shard(model, path, fd, bytes, error);
    fd = -1;
    CLQ_TRY_TO(status);
    if (model->kind == CLQ_MODEL_NPY) {
        CLQ_TRY_TO(parse_npy(model, error));
    } else if (model->kind == CLQ_MODEL_GGUF) {
        CLQ_TRY_TO(clq_gguf_parse(model, error));
    } else {
        CLQ_TRY_TO(refuse_other(path, start, length, error));
        CLQ_TRY_TO(clq_safetensors_parse(model, 0, error));
    }
done:
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

clq_status clq_model_open(const char *path, clq_model **model, clq_error *error)
{
    return clq_model_open_from(path, CLQ_OPEN_FILES, model, error);
}

/* `real`: where it was found to lie, which is opened without following a last link; NULL: wherever `path` leads. */
static clq_status open_file(const char *path, const char *real, unsigned how, clq_model **model, clq_error *error)
{
    uint64_t bytes = 0;
    int fd = -1;
    CLQ_TRY(real != NULL ? clq_file_open_as(real, path, O_NOFOLLOW, &fd, &bytes, error)
                         : clq_file_open(path, &fd, &bytes, error));
    if (clq_model_create(path, model, error) != CLQ_OK) {
        close(fd);
        return CLQ_OUT_OF_MEMORY;
    }
    (*model)->internals->follow_links = (how & CLQ_OPEN_FOLLOW_LINKS) != 0;
    return parse(*model, fd, bytes, error);
}

/* What the folder holds under the name of a model is data from elsewhere, as the shards of an index are. */
static clq_status open_folder(const char *folder, unsigned how, clq_model **model, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_bounds bounds = {0};
    char *name = NULL;
    char *path = NULL;
    char *real = NULL;
    CLQ_TRY_TO(clq_folder_find_model(folder, &name, error));
    path = clq_folder_path(folder, name);
    if (path == NULL) {
        CLQ_TRY_TO(clq_fail_memory(error, folder));
    }
    CLQ_TRY_TO(clq_bounds_find(folder, (how & CLQ_OPEN_FOLLOW_LINKS) != 0, &bounds, error));
    CLQ_TRY_TO(clq_bounds_resolve(&bounds, path, &real, error));
    CLQ_TRY_TO(open_file(path, real, how, model, error));
    (*model)->folder = clq_copy_text(folder, strlen(folder));
    if ((*model)->folder == NULL) {
        CLQ_TRY_TO(clq_fail_memory(error, folder));
    }
    CLQ_TRY_TO(clq_folder_tell_others(*model, error));
done:
    clq_bounds_release(&bounds);
    free(name);
    free(path);
    free(real);
    return status;
}

/* "ORG/NAME", and no folder ORG is here: what engines download under such a name is asked for as they are. */
static int is_name_on_a_hub(const char *path)
{
    const char *slash = strchr(path, '/');
    char *folder = NULL;
    int is_missing;
    if (slash == NULL || slash == path || slash[1] == '\0' || strchr(slash + 1, '/') != NULL || path[0] == '.' ||
        path[0] == '~' || clq_is_npy_name(path) || clq_is_gguf_name(path) || clq_ends_with(path, ".safetensors") ||
        clq_ends_with(path, ".json")) {
        return 0;
    }
    folder = strndup(path, (size_t)(slash - path));
    is_missing = folder != NULL && access(folder, F_OK) != 0;
    free(folder);
    return is_missing;
}

clq_status clq_model_open_from(const char *path, unsigned how, clq_model **model, clq_error *error)
{
    clq_model *opened = NULL;
    clq_status status;
    *model = NULL;
    status = (how & CLQ_OPEN_FOLDERS) != 0 && path != NULL && clq_is_folder(path)
                 ? open_folder(path, how, &opened, error)
                 : open_file(path, NULL, how, &opened, error);
    if (status == CLQ_IO_ERROR && (how & CLQ_OPEN_FOLDERS) != 0 && error != NULL && is_name_on_a_hub(path)) {
        const clq_error before = *error;
        clq_fail(error, status, "%.600s; a local folder or file is required: nothing is downloaded", before.message);
    }
    if (status != CLQ_OK) {
        clq_model_close(&opened);
    }
    *model = opened;
    return status;
}

clq_status clq_model_read(const clq_model *model, size_t index, uint64_t first, uint64_t count, void *memory,
                          clq_error *error)
{
    const clq_model_tensor *tensor = NULL;
    uint32_t bits = 0;
    CLQ_REQUIRE(index < model->tensor_count, "tensor %zu is asked for, and the model has %zu", index,
                model->tensor_count);
    tensor = &model->tensors[index];
    bits = tensor->dtype.bits;
    CLQ_REQUIRE(bits == 4 || (bits > 0 && bits % 8 == 0), "tensor '%s': elements of %s cannot be read one by one",
                clq_show_name(tensor->name).text, tensor->dtype.name);
    CLQ_REQUIRE(first <= tensor->elements && count <= tensor->elements - first,
                "tensor '%s': elements [%" PRIu64 ", +%" PRIu64 ") are asked for, and it has %" PRIu64,
                clq_show_name(tensor->name).text, first, count, tensor->elements);
    CLQ_REQUIRE(bits != 4 || first % 2 == 0, "tensor '%s': element %" PRIu64 " of 4 bits does not begin a byte",
                clq_show_name(tensor->name).text, first);
    if (model->npy_fortran_order || model->npy_big_endian) {
        return clq_npy_read(model, first, count, memory, error);
    }
    if (bits == 4) {
        return clq_model_read_bytes(model, index, first / 2, clq_size_divide_up(count, 2), memory, error);
    }
    return clq_model_read_bytes(model, index, first * (bits / 8), count * (bits / 8), memory, error);
}

clq_status clq_model_read_bytes(const clq_model *model, size_t index, uint64_t offset, uint64_t bytes, void *memory,
                                clq_error *error)
{
    const clq_model_tensor *tensor = NULL;
    const clq_model_shard *shard = NULL;
    CLQ_REQUIRE(index < model->tensor_count, "tensor %zu is asked for, and the model has %zu", index,
                model->tensor_count);
    tensor = &model->tensors[index];
    shard = &model->shards[tensor->shard];
    CLQ_REQUIRE(!model->npy_fortran_order && !model->npy_big_endian,
                "%s: bytes in Fortran order or big-endian are read by element only", clq_show_path(shard->path).text);
    CLQ_REQUIRE(offset <= tensor->bytes && bytes <= tensor->bytes - offset,
                "tensor '%s': bytes [%" PRIu64 ", +%" PRIu64 ") are asked for, and it has %" PRIu64,
                clq_show_name(tensor->name).text, offset, bytes, tensor->bytes);
    return clq_file_read(shard->fd, shard->path, tensor->offset + offset, memory, bytes, error);
}

size_t clq_model_find(const clq_model *model, const char *name)
{
    return clq_names_find(&model->internals->names, name);
}

const char *clq_model_metadata(const clq_model *model, size_t shard, const char *key)
{
    const clq_model_shard *s = NULL;
    if (shard >= model->shard_count) {
        return NULL;
    }
    s = &model->shards[shard];
    for (size_t i = 0; i < s->metadata_count; i++) {
        if (strcmp(s->metadata_keys[i], key) == 0) {
            return s->metadata_values[i];
        }
    }
    return NULL;
}

clq_status clq_model_refuse_output(const clq_model *model, const char *out_path, clq_error *error)
{
    if (model->internals->index_fd >= 0) {
        CLQ_TRY(clq_file_refuse_same(model->internals->index_fd, model->path, out_path, error));
    }
    for (size_t i = 0; i < model->shard_count; i++) {
        CLQ_TRY(clq_file_refuse_same(model->shards[i].fd, model->shards[i].path, out_path, error));
    }
    return CLQ_OK;
}

uint64_t clq_model_file_bytes(const clq_model *model)
{
    struct stat facts;
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->shard_count; i++) {
        bytes += model->shards[i].file_bytes;
    }
    if (model->kind == CLQ_MODEL_SHARDED && stat(model->path, &facts) == 0) {
        bytes += (uint64_t)facts.st_size;
    }
    return bytes;
}
