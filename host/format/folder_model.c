/* SPDX-License-Identifier: Apache-2.0 */
/* Which file of a folder is the model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/folder.h"
#include "format/model_index.h"
#include "format/support.h"

static const char WHOLE[] = "model.safetensors";

/* Hidden ones are left-overs of tools. */
static int ends_visibly(const char *name, const char *end)
{
    return name[0] != '.' && clq_ends_with(name, end);
}

static int is_index(const char *name)
{
    return ends_visibly(name, CLQ_INDEX_SUFFIX);
}

/* Could a person mean this file when they name the folder? */
static int could_be_taken(const char *name)
{
    return ends_visibly(name, ".safetensors") || is_index(name) || ends_visibly(name, ".gguf");
}

/* Weights within a graph. They are named where a folder has no others. */
static int is_graph(const char *name)
{
    return clq_ends_with(name, ".tflite") || clq_ends_with(name, ".mlmodel") || clq_ends_with(name, ".mlpackage") ||
           clq_ends_with(name, ".pb");
}

static clq_status refuse_empty(const char *folder, const clq_name_set *names, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set others = {0};
    const char *hint = "";
    for (size_t i = 0; i < names->count; i++) {
        if ((clq_holds_weights(names->names[i]) || is_graph(names->names[i])) && names->names[i][0] != '.') {
            CLQ_TRY_TO(clq_name_set_add(&others, names->names[i], strlen(names->names[i]), error));
        }
    }
    if (clq_name_set_holds(names, "snapshots") && clq_name_set_holds(names, "blobs")) {
        hint = "; the models of a cache are the folders in its snapshots";
    } else if (others.count > 0) {
        hint = "; weights in other formats are to be saved as safetensors first";
    }
    status = clq_fail(error, CLQ_BAD_FILE,
                      "%s: the folder holds no model: required is %s, an index NAME%s with its shards, one other "
                      ".safetensors or one .gguf%s%s%s",
                      clq_show_path(folder).text, WHOLE, CLQ_INDEX_SUFFIX, others.count > 0 ? "; it has only " : "",
                      clq_show_names(&others).text, hint);
done:
    clq_name_set_release(&others);
    return status;
}

/* Whether an index of the folder has model.safetensors for a shard, which is no model of its own then. */
static clq_status find_owner(const char *folder, const clq_name_set *names, int *owned, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set shards = {0};
    char *path = NULL;
    *owned = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (is_index(names->names[i])) {
            path = clq_folder_path(folder, names->names[i]);
            CLQ_TRY_TO(path != NULL ? clq_model_index_files(path, &shards, error) : clq_fail_memory(error, folder));
            free(path);
            path = NULL;
        }
    }
    *owned = clq_name_set_holds(&shards, WHOLE);
done:
    free(path);
    clq_name_set_release(&shards);
    return status;
}

/*
 * What folders of weights are known by, model.safetensors, indexes and .gguf, each a model; only without
 * model.safetensors and an index, beside which they are shards or leftovers, other .safetensors.
 */
static clq_status find_candidates(const char *folder, const clq_name_set *names, clq_name_set *found, clq_error *error)
{
    const int whole = clq_name_set_holds(names, WHOLE);
    int indexed = 0;
    int owned = 0;
    for (size_t i = 0; i < names->count; i++) {
        indexed |= is_index(names->names[i]);
    }
    if (whole && indexed) {
        CLQ_TRY(find_owner(folder, names, &owned, error));
    }
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->names[i];
        const int is_whole = strcmp(name, WHOLE) == 0;
        if (is_whole ? !owned : could_be_taken(name) && !((whole || indexed) && clq_ends_with(name, ".safetensors"))) {
            CLQ_TRY(clq_name_set_add(found, name, strlen(name), error));
        }
    }
    return CLQ_OK;
}

clq_status clq_folder_find_model(const char *folder, char **name, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    clq_name_set found = {0};
    *name = NULL;
    CLQ_TRY_TO(clq_folder_names(folder, &names, error));
    CLQ_TRY_TO(find_candidates(folder, &names, &found, error));
    if (found.count == 0) {
        CLQ_TRY_TO(refuse_empty(folder, &names, error));
    }
    if (found.count > 1) {
        CLQ_TRY_TO(clq_fail(error, CLQ_BAD_FILE,
                            "%s: the folder holds several models: %s; name the file that is meant, or leave one there",
                            clq_show_path(folder).text, clq_show_names(&found).text));
    }
    *name = clq_copy_text(found.names[0], strlen(found.names[0]));
    if (*name == NULL) {
        CLQ_TRY_TO(clq_fail_memory(error, folder));
    }
done:
    clq_name_set_release(&names);
    clq_name_set_release(&found);
    return status;
}

static int is_part(const clq_model *model, const char *name)
{
    int part = strcmp(clq_last_part(model->path), name) == 0;
    for (size_t i = 0; i < model->shard_count; i++) {
        part |= strcmp(model->shards[i].file_name, name) == 0;
    }
    return part;
}

static clq_status add_warning(clq_model *model, const char *text, clq_error *error)
{
    const size_t before = model->warning != NULL ? strlen(model->warning) + 2 : 0;
    char *grown = realloc(model->warning, before + strlen(text) + 1);
    if (grown == NULL) {
        return clq_fail_memory(error, model->path);
    }
    model->warning = grown;
    if (before > 0) {
        strcpy(grown + before - 2, "; ");
    }
    strcpy(grown + before, text);
    return CLQ_OK;
}

clq_status clq_folder_tell_others(clq_model *model, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    clq_name_set others = {0};
    CLQ_TRY_TO(clq_folder_names(model->folder, &names, error));
    for (size_t i = 0; i < names.count; i++) {
        if (could_be_taken(names.names[i]) && !is_part(model, names.names[i])) {
            CLQ_TRY_TO(clq_name_set_add(&others, names.names[i], strlen(names.names[i]), error));
        }
    }
    if (others.count > 0) {
        char text[1200];
        snprintf(text, sizeof text, "%s: the model is %s; beside it, and not read: %s",
                 clq_show_path(model->folder).text, clq_show_name(clq_last_part(model->path)).text,
                 clq_show_names(&others).text);
        CLQ_TRY_TO(add_warning(model, text, error));
    }
done:
    clq_name_set_release(&names);
    clq_name_set_release(&others);
    return status;
}
