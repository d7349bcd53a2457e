/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from names to numbers. Names come from untrusted files, so the hash is keyed with random bytes: nobody
 * can prepare a file whose names collide.
 */
#ifndef CLQ_HOST_FORMAT_NAMES_H
#define CLQ_HOST_FORMAT_NAMES_H

#include "core/error.h"

typedef struct clq_names {
    struct clq_name_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
    uint64_t key[2];
} clq_names;

/* An empty table, which holds no memory yet; `like` lends its key, or is NULL. */
void clq_names_init(clq_names *names, const clq_names *like);
void clq_names_release(clq_names *names);

/*
 * Enter `name`, which is kept by address and must outlive the table. *existing is SIZE_MAX, or the value the name has
 * already, and then nothing changes.
 */
clq_status clq_names_add(clq_names *names, const char *name, size_t value, size_t *existing, clq_error *error);

/* The value of `name`, or SIZE_MAX. */
size_t clq_names_find(const clq_names *names, const char *name);

#endif
