/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "format/model_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/file.h"
#include "format/json.h"
#include "format/support.h"

/* Those of models with hundreds of layers are some kilobytes. */
static const uint64_t MOST_BYTES = UINT64_C(1) << 24;

/* A string into `out`, which stays empty when the value is none or does not fit: it is none that we know. */
static clq_status read_word(clq_json *json, char *out, size_t capacity, clq_error *error)
{
    clq_json_kind kind = CLQ_JSON_NULL;
    char *text = NULL;
    size_t length = 0;
    CLQ_TRY(clq_json_peek(json, &kind, error));
    if (kind != CLQ_JSON_STRING) {
        return clq_json_skip(json, error);
    }
    CLQ_TRY(clq_json_string(json, &text, &length, error));
    if (length < capacity && strlen(text) == length) {
        memcpy(out, text, length + 1);
    }
    free(text);
    return CLQ_OK;
}

static clq_status read_first_word(clq_json *json, char *out, size_t capacity, clq_error *error)
{
    clq_json_kind kind = CLQ_JSON_NULL;
    int more = 0;
    CLQ_TRY(clq_json_peek(json, &kind, error));
    if (kind != CLQ_JSON_ARRAY) {
        return clq_json_skip(json, error);
    }
    CLQ_TRY(clq_json_enter(json, CLQ_JSON_ARRAY, error));
    for (int first = 1;; first = 0) {
        CLQ_TRY(clq_json_next(json, CLQ_JSON_ARRAY, first, &more, error));
        if (!more) {
            return CLQ_OK;
        }
        CLQ_TRY(first ? read_word(json, out, capacity, error) : clq_json_skip(json, error));
    }
}

/* The members of an object; any other value is none that we know. */
static clq_status read_object(clq_json *json, clq_json_member member, clq_model_config *config, clq_error *error)
{
    clq_json_kind kind = CLQ_JSON_NULL;
    CLQ_TRY(clq_json_peek(json, &kind, error));
    return kind == CLQ_JSON_OBJECT ? clq_json_object(json, member, config, error) : clq_json_skip(json, error);
}

/* {"config_groups": {NAME: {"weights": {"group_size": 128}}}}, from the inside. */

static clq_status read_scheme(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    clq_model_config *config = cookie;
    clq_json_kind kind = CLQ_JSON_NULL;
    double size = 0.0;
    CLQ_TRY(clq_json_peek(json, &kind, error));
    if (!clq_json_is(*key, length, "group_size") || kind != CLQ_JSON_NUMBER) {
        return clq_json_skip(json, error);
    }
    CLQ_TRY(clq_json_double(json, &size, error)); /* -1 is none */
    if (size >= 1.0 && size <= 0x1p53 && config->group_size_count < CLQ_CONFIG_GROUP_SIZES) {
        config->group_sizes[config->group_size_count++] = (uint64_t)size;
    }
    return CLQ_OK;
}

static clq_status read_group(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    return clq_json_is(*key, length, "weights") ? read_object(json, read_scheme, cookie, error)
                                                : clq_json_skip(json, error);
}

static clq_status read_groups(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    (void)key;
    (void)length;
    return read_object(json, read_group, cookie, error);
}

static clq_status read_quantization(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    return clq_json_is(*key, length, "config_groups") ? read_object(json, read_groups, cookie, error)
                                                      : clq_json_skip(json, error);
}

static clq_status read_member(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    clq_model_config *config = cookie;
    clq_json_kind kind = CLQ_JSON_NULL;
    if (clq_json_is(*key, length, "model_type")) {
        return read_word(json, config->model_type, sizeof config->model_type, error);
    }
    if (clq_json_is(*key, length, "architectures")) {
        return read_first_word(json, config->architecture, sizeof config->architecture, error);
    }
    if (clq_json_is(*key, length, "quantization_config")) {
        return read_object(json, read_quantization, config, error);
    }
    if (clq_json_is(*key, length, "tie_word_embeddings")) {
        CLQ_TRY(clq_json_peek(json, &kind, error));
        config->tie_word_embeddings = kind == CLQ_JSON_TRUE;
    }
    return clq_json_skip(json, error);
}

static clq_status read_text(const char *path, char **text, uint64_t *bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    int fd = -1;
    CLQ_TRY_TO(clq_file_open(path, &fd, bytes, error));
    if (*bytes > MOST_BYTES) {
        CLQ_TRY_TO(
            clq_fail(error, CLQ_BAD_FILE, "has %" PRIu64 " bytes, at most %" PRIu64 " are read", *bytes, MOST_BYTES));
    }
    *text = malloc((size_t)*bytes + 1);
    if (*text == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for its %" PRIu64 " bytes", *bytes));
    }
    CLQ_TRY_TO(clq_file_read(fd, path, 0, *text, *bytes, error));
done:
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

static clq_status parse(const char *text, uint64_t bytes, clq_model_config *config, clq_error *error)
{
    clq_json json;
    clq_json_init(&json, text, (size_t)bytes, "config.json");
    CLQ_TRY(clq_json_object(&json, read_member, config, error));
    return clq_json_end(&json, error);
}

static clq_status read_config(const char *path, clq_model_config *config, clq_error *error)
{
    char *text = NULL;
    uint64_t bytes = 0;
    clq_error problem;
    clq_status status;
    if (access(path, F_OK) != 0) {
        return CLQ_OK;
    }
    status = read_text(path, &text, &bytes, &problem);
    if (status == CLQ_OK) {
        status = parse(text, bytes, config, &problem);
    }
    free(text);
    if (status == CLQ_OUT_OF_MEMORY) {
        return clq_fail(error, status, "%s", problem.message);
    }
    if (status != CLQ_OK) {
        memset(config, 0, sizeof *config);
        snprintf(config->problem, sizeof config->problem, "%.*s", (int)sizeof config->problem - 1, problem.message);
    }
    config->is_there = 1;
    return CLQ_OK;
}

char *clq_model_config_path(const clq_model *model)
{
    static const char NAME[] = "config.json";
    const char *file = model->shard_count > 0 ? model->shards[0].path : model->path;
    const size_t folder = (size_t)(clq_last_part(file) - file);
    char *path = malloc(folder + sizeof NAME);
    if (path != NULL) {
        memcpy(path, file, folder);
        memcpy(path + folder, NAME, sizeof NAME);
    }
    return path;
}

clq_status clq_model_config_read(const clq_model *model, clq_model_config *config, clq_error *error)
{
    char *path = clq_model_config_path(model);
    clq_status status;
    memset(config, 0, sizeof *config);
    if (path == NULL) {
        return clq_fail_memory(error, model->path);
    }
    status = read_config(path, config, error);
    free(path);
    return status;
}
