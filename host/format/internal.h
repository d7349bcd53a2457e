/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the file layer share and nobody else sees. */
#ifndef CLQ_HOST_FORMAT_INTERNAL_H
#define CLQ_HOST_FORMAT_INTERNAL_H

#include "format/model.h"
#include "format/names.h"

/*
 * Text for a message, returned by value so that it can stand among the arguments: clq_show_path(path).text. Paths and
 * names are cut, since a name of a megabyte must not push the rule it breaks out of the message.
 */
typedef struct clq_shown {
    char text[260];
} clq_shown;

clq_shown clq_show_path(const char *path);
clq_shown clq_show_name(const char *name);
clq_shown clq_show_size(uint64_t bytes); /* "4.0 MiB" */
clq_shown clq_show_errno(int code);      /* "No space left on device" */

/* Fill `memory` with bytes nobody can foresee (or, without /dev/urandom, that differ from call to call). */
void clq_random_bytes(void *memory, size_t bytes);

/* malloc'ed and NUL-terminated; NULL when memory is exhausted. */
char *clq_copy_text(const char *text, size_t length);

clq_status clq_fail_memory(clq_error *error, const char *path);

/*
 * Make room in `array`, which has room for *capacity items and holds `count`, for one more, by doubling. Returns the
 * array; NULL when memory is exhausted, and then the old array stands.
 */
void *clq_grow(void *array, size_t count, size_t *capacity, size_t item_bytes);

/* clq_file_open, with more flags for open(2) and another path in messages. */
clq_status clq_file_open_as(const char *path, const char *shown_path, int flags, int *fd, uint64_t *bytes,
                            clq_error *error);

struct clq_model_internals {
    clq_names names;        /* tensor name -> index in model->tensors */
    size_t tensor_capacity; /* of model->tensors */
    int index_fd;           /* sharded: the open index, or -1 */
};

/* What follows the last slash. */
const char *clq_last_part(const char *path);

/* An empty model; freed by clq_model_close, on failure too. */
clq_status clq_model_create(const char *path, clq_model **model, clq_error *error);

/* Add a shard that takes `fd` over, failure included. */
clq_status clq_model_add_shard(clq_model *model, const char *path, int fd, uint64_t bytes, clq_error *error);

/* Add an empty tensor, freed with the model; *tensor is valid until the next is added. */
clq_status clq_model_add_tensor(clq_model *model, clq_model_tensor **tensor, clq_error *error);

/* Enter tensors [from, tensor_count) of the newest shard into the names; a name that is there already is refused. */
clq_status clq_model_index_names(clq_model *model, size_t from, clq_error *error);

/* Read the open index (`bytes` long), open its shards and check them against it. */
clq_status clq_model_parse_index(clq_model *model, uint64_t bytes, clq_error *error);

/* product = the product of the shape; 0 when it needs more than 64 bits. */
int clq_shape_elements(const uint64_t *shape, uint32_t rank, uint64_t *product);

/* Write "[2, 3]" (with "..." when it does not fit). */
clq_shown clq_show_shape(const uint64_t *shape, uint32_t rank);

/* clq_model_read for a .npy in Fortran order or big-endian; the range was checked. */
clq_status clq_npy_read(const clq_model *model, uint64_t first, uint64_t count, void *memory, clq_error *error);

#endif
