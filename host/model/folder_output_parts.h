/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a clq_folder_output: folder_output.c, _check.c before any work, _commit.c at its end. */
#ifndef CLQ_HOST_MODEL_FOLDER_OUTPUT_PARTS_H
#define CLQ_HOST_MODEL_FOLDER_OUTPUT_PARTS_H

#include "core/size.h"
#include "format/folder_list.h"
#include "model/folder_output.h"

#define CLQ_CONFIG_NAME "config.json"
#define CLQ_CONFIG_KEY "quantization_config"

/* What stood there is called ".NAME" and this until the new model is whole. */
#define CLQ_REPLACED_SUFFIX ".replaced"

struct clq_folder_output {
    clq_job *job;
    const clq_model *model;
    char *path;               /* of the folder, as given */
    char *weights;            /* of the output in it */
    const clq_output *output; /* once it is checked */
    int exists;               /* it was there */
    int made;                 /* it is there now, made by this run */
    clq_folder_list list;     /* config.json is not in it */
    clq_folder_file config;   /* config.json of the input; its name is NULL where there is none */
    char *config_text;        /* and its bytes */
    size_t config_length;
    char *edited; /* config.json of the output, NULL: none */
    size_t edited_length;
    clq_name_set stale;   /* weights of a model that is replaced, which the new one has not */
    clq_name_set aside;   /* what was given another name until the end */
    clq_name_set created; /* what this run put there, sub-folders too, in that order */
    int named;            /* weights have their names: there is no way back */
};

/* Whether the file at `path` has these bytes. */
int clq_file_has_bytes(const char *path, const void *bytes, uint64_t length);
int clq_file_has_bytes_of(const char *path, const clq_folder_file *file);

/* The steps of clq_output_commit; the cookie is the folder. */
clq_status clq_folder_output_before(void *folder, clq_error *error);
clq_status clq_folder_output_between(void *folder, clq_error *error);

/* The end of the folder's part: after the index has its name, or after a failure. */
void clq_folder_output_settle(clq_folder_output *folder);
void clq_folder_output_undo(clq_folder_output *folder, int kept);

#endif
