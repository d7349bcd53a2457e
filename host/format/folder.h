/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder that holds a model, as Hugging Face lays it out: weights beside config.json, tokenizer and the like. Which
 * of its files is the model, and which others hold weights.
 */
#ifndef CLQ_HOST_FORMAT_FOLDER_H
#define CLQ_HOST_FORMAT_FOLDER_H

#include "format/model_parts.h"

#define CLQ_INDEX_SUFFIX ".safetensors.index.json"

/* Names in order, each malloc'ed. */
typedef struct clq_name_set {
    char **names;
    size_t count, capacity;
} clq_name_set;

clq_status clq_name_set_add(clq_name_set *set, const char *name, size_t length, clq_error *error);
int clq_name_set_holds(const clq_name_set *set, const char *name);
void clq_name_set_sort(clq_name_set *set);
void clq_name_set_release(clq_name_set *set);

/* "a, b and 3 more" for a message, printable. */
typedef struct clq_shown_names {
    char text[600];
} clq_shown_names;
clq_shown_names clq_show_names(const clq_name_set *set);

int clq_ends_with(const char *text, const char *end);

/* Whether `path` is a folder, or a link to one. */
int clq_is_folder(const char *path);

/* PATH/NAME, malloc'ed. */
char *clq_folder_path(const char *folder, const char *name);

/* Names of what is in a folder, but `.` and `..`, in order. */
clq_status clq_folder_names(const char *folder, clq_name_set *names, clq_error *error);

/* Whether a file of this name may hold weights, of this format or another, or is an index of such files. */
int clq_holds_weights(const char *name);

/*
 * The name of the file to open (folder_model.c): model.safetensors, the only index or the only .gguf; where there is
 * neither of the first two, any only .safetensors. CLQ_BAD_FILE with the list when there are several, and with what was
 * looked for when there is none. malloc'ed.
 */
clq_status clq_folder_find_model(const char *folder, char **name, clq_error *error);

/* After the model in model->folder was opened: a warning about other files of the folder that could be taken for it. */
clq_status clq_folder_tell_others(clq_model *model, clq_error *error);

#endif
