/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a model's folder that are no weights: what goes with it when the weights are written anew. */
#ifndef CLQ_HOST_FORMAT_FOLDER_LIST_H
#define CLQ_HOST_FORMAT_FOLDER_LIST_H

#include "format/bounds.h"
#include "format/folder.h"

typedef struct clq_folder_file {
    char *name; /* relative to the folder */
    char *real; /* the path without links, within the bounds */
    uint64_t bytes;
    unsigned mode; /* permissions */
} clq_folder_file;

typedef struct clq_folder_list {
    clq_folder_file *files; /* those in a folder one after another */
    size_t count, capacity;
    uint64_t bytes;
    clq_name_set left; /* weights, and what is no file */
} clq_folder_list;

/*
 * List the folder of `model` with all its sub-folders. Left out are weights (and folders called "original", which hold
 * them), what tools of version control and downloads keep for themselves, and what is unfinished. Refused: a link that
 * leads out of the bounds, to nothing or to a folder it lies in; a file that cannot be read.
 */
clq_status clq_folder_list_files(const clq_model *model, clq_folder_list *list, clq_error *error);
void clq_folder_list_release(clq_folder_list *list);

#endif
