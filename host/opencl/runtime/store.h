/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by name in two places, each of which there may be or not: a folder, and memory, which holds what was kept there
 * and what lies in archives of the caller's. From any thread.
 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_STORE_H
#define CLQ_HOST_OPENCL_RUNTIME_STORE_H

#include <pthread.h>

#include "core/archive.h"
#include "opencl/runtime/folder.h"

typedef enum clq_cl_place { CLQ_CL_IN_MEMORY, CLQ_CL_IN_FOLDER, CLQ_CL_PLACES } clq_cl_place;

enum { CLQ_CL_WHERE_BYTES = 4096 }; /* of the path of a file, with its end */

typedef struct clq_cl_store {
    pthread_mutex_t lock;   /* all below; held while nothing is read from or written to the folder */
    char *directory;        /* NULL: no folder */
    int keeps;              /* what is written, in memory as well */
    clq_archive_item *kept; /* no two of a name */
    size_t count, capacity;
} clq_cl_store;

void clq_cl_store_init(clq_cl_store *store);
void clq_cl_store_destroy(clq_cl_store *store);

clq_status clq_cl_store_set_folder(clq_cl_store *store, const char *directory, clq_error *error); /* NULL: none */
void clq_cl_store_set_keeps(clq_cl_store *store);

int clq_cl_store_keeps(clq_cl_store *store); /* whether what is written is kept anywhere */

/* Whether there is such a place; CLQ_CL_PLACES: either. */
int clq_cl_store_has(clq_cl_store *store, clq_cl_place place);
const char *clq_cl_place_name(clq_cl_place place); /* for messages */

/* All of a file in a new piece of memory, or NULL. */
unsigned char *clq_cl_store_read(clq_cl_store *store, clq_cl_place place, const char *name, size_t *bytes);

/*
 * In every place that there is. `where` receives the last one's name. 0: not everywhere, errno tells why.
 * _keep writes in memory alone, if that is kept; _remove takes the file out of every place, _forget out of memory.
 */
int clq_cl_store_write(clq_cl_store *store, const char *name, const clq_cl_piece *pieces, size_t count,
                       char where[CLQ_CL_WHERE_BYTES]);
int clq_cl_store_keep(clq_cl_store *store, const char *name, const clq_cl_piece *pieces, size_t count);
void clq_cl_store_remove(clq_cl_store *store, const char *name);
void clq_cl_store_forget(clq_cl_store *store, const char *name);

/* A file that lies in memory of the caller's, in place of what is kept by that name. 0: no memory. */
int clq_cl_store_add(clq_cl_store *store, const clq_archive_item *item);

/* All that is kept, as an archive. `*bytes` receives how many it has: where `capacity` is less, nothing is written. */
void clq_cl_store_export(clq_cl_store *store, void *memory, uint64_t capacity, uint64_t *bytes);

#endif
