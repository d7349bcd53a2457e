/* SPDX-License-Identifier: Apache-2.0 */
/* Files by name in a folder of the user's own. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_FOLDER_H
#define CLQ_HOST_OPENCL_RUNTIME_FOLDER_H

#include "core/error.h"

enum { CLQ_CL_FILE_BYTES = 64 << 20 }; /* of the largest file */

typedef struct clq_cl_piece {
    const void *data;
    size_t bytes;
} clq_cl_piece;

/* All of a file in a new piece of memory, or NULL. */
unsigned char *clq_cl_file_read(const char *directory, const char *name, size_t *bytes);

/* The pieces one after the other, so that no reader sees a part of them; 0: not written, errno tells why. */
int clq_cl_file_write(const char *directory, const char *name, const clq_cl_piece *pieces, size_t count);
void clq_cl_file_remove(const char *directory, const char *name);

/* Make the folder where there is none; refuse what is none, and one that others may write to. */
clq_status clq_cl_folder_make(const char *directory, clq_error *error);

#endif
