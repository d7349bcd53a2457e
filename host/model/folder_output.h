/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder that quantize and dequantize write for a model that was given as one: the weights are a clq_output in it,
 * all other files are copied, and config.json is edited. Nothing that a loader would take for a model stands there
 * before all of it does: what was there is set aside, files are copied, the weights get their names, then config.json,
 * then the index.
 *
 * Use: create (NULL for an output that is a file), check, config, begin, steps while the output is committed; close.
 */
#ifndef CLQ_HOST_MODEL_FOLDER_OUTPUT_H
#define CLQ_HOST_MODEL_FOLDER_OUTPUT_H

#include "model/job.h"
#include "model/output.h"

typedef struct clq_folder_output clq_folder_output;

/* Whether the request's output is a folder: its name is not that of a file, and the input or the output is a folder. */
int clq_request_writes_folder(const clq_file_request *request);

/*
 * The weights have the ending `suffix` (".gguf"; NULL: that of safetensors), and the model's name where that has it
 * too. NULL in *folder for an output that is a file. CLQ_INVALID_ARGUMENT for a folder as the output of a file, and for
 * one that is, holds or lies in the folder of the model, through links too.
 */
clq_status clq_folder_output_create(clq_job *job, const clq_model *model, const char *suffix,
                                    clq_folder_output **folder, clq_error *error);

/* The path for clq_output_create: that of the request, where `folder` is NULL. */
const char *clq_folder_output_path(const clq_folder_output *folder, const clq_file_request *request);

/*
 * Before any work: refuse what could not be written in the end, and a model that is there, unless files are replaced or
 * `complete`: an earlier run wrote all of the output and began to give names. What is left out is told. Shards of the
 * output get the names that they have in the model.
 */
clq_status clq_folder_output_check(clq_folder_output *folder, clq_output *output, int complete, clq_error *error);

/* Whether the folder is there, so that something of an earlier run may be in it. */
int clq_folder_output_exists(const clq_folder_output *folder);

/* Whether it holds a model, or what is left of one: weights or a configuration. */
int clq_folder_output_is_taken(const clq_folder_output *folder);

/* `config` is a JSON object whose member quantization_config goes into config.json; NULL: none is to stand there. */
clq_status clq_folder_output_config(clq_folder_output *folder, const char *config, size_t length, clq_error *error);

/* Make the folder where it is missing, see that there is room, and have clq_output_commit do the rest. */
clq_status clq_folder_output_begin(clq_folder_output *folder, clq_output *output, clq_error *error);

/*
 * After the output was destroyed. `status` is that of the run: after a failure, what was set aside is put back, and
 * what this run put there is removed, unless `kept` for another run. Accepts NULL in *folder.
 */
void clq_folder_output_close(clq_folder_output **folder, clq_status status, int kept);

#endif
