/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the path of a file to be written before any work is done. */
#ifndef CLQ_HOST_FORMAT_OUTPUT_PATH_H
#define CLQ_HOST_FORMAT_OUTPUT_PATH_H

#include "format/model.h"

/* The last part of a path. */
const char *clq_path_file_name(const char *path);

/* The file that is written in place of `path`: what a symbolic link leads to, else the same. malloc'ed; NULL: no
 * memory.
 */
char *clq_path_target(const char *path);

/* Whether what is there may be replaced; what stands in the way of a run that is continued needs another word. */
enum { CLQ_NOT_REPLACED_BY_REST = -1, CLQ_NOT_REPLACED = 0 };

/*
 * Refuse a path that is one of the model's files (NULL: there is none), is no file, lies in a folder that is missing,
 * or exists without `replace`. With `replace` 2 existing files are not looked for (a dry run).
 */
clq_status clq_path_check(const char *path, const clq_model *model, int replace, clq_error *error);

/* What is written, "safetensors"; the endings of names that say so, the usual one first; and, to end a message,
 * what else can be done, or "". */
enum { CLQ_WRITTEN_ENDINGS = 3 };
typedef struct clq_written {
    const char *what;
    const char *endings[CLQ_WRITTEN_ENDINGS]; /* NULL after the last */
    const char *otherwise;
} clq_written;

/* Refuse a name that ends as that of another kind of model or array does (.npy, .gguf, .bin, .pt, .onnx). */
clq_status clq_path_check_ending(const char *path, const clq_written *written, clq_error *error);

/* Whether the folder that the path lies in is there. */
int clq_path_has_folder(const char *path);

/*
 * Refuse when so many bytes do not fit the file system of the folder at `path`, or of that which it will be made in.
 */
clq_status clq_path_check_space(const char *path, uint64_t bytes, clq_error *error);

/* Flush a folder to disk, or that which a path lies in: what was made, renamed or removed there. */
clq_status clq_path_flush(const char *folder, clq_error *error);
clq_status clq_path_flush_folder(const char *path, clq_error *error);

/* Whether writing both would write one file: the same name in the same folder, or two links to one file. */
int clq_path_same(const char *a, const char *b);

/* Refuse to write a path that is such an input, NULL: there is none. */
clq_status clq_path_refuse_input(const char *path, const char *input, clq_error *error);

#endif
