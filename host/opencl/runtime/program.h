/* SPDX-License-Identifier: Apache-2.0 */
/* Programs, built once per context and options, and their kernel objects, lent to one caller at a time. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_PROGRAM_H
#define CLQ_HOST_OPENCL_RUNTIME_PROGRAM_H

#include <pthread.h>

#include <clquant/opencl.h>

#include "core/executor.h"

enum { CLQ_CL_IDLE_KERNELS = 64 };

/*
 * The kernels of one name in one program. Arguments of a cl_kernel must not be set by two threads at once, so each is
 * lent to one; unused objects wait in `idle`, from which they are taken, and where they are put back, by an exchange.
 */
typedef struct clq_cl_pool {
    char name[48];
    atomic_size_t maximum_group_size; /* CL_KERNEL_WORK_GROUP_SIZE, 0 before the first object */
    _Atomic(cl_kernel) idle[CLQ_CL_IDLE_KERNELS];
    struct clq_cl_pool *next; /* never changes once the pool is in its list */
} clq_cl_pool;

/* One program; it stays where it is as long as the context lives. */
typedef struct clq_cl_program {
    char file[48], options[184];
    _Atomic(cl_program) object; /* NULL before it is built */
    _Atomic(clq_cl_pool *) pools;
    struct clq_cl_program *next; /* as that of a pool */
    /* Under the lock of all programs. */
    int is_being_built;
    unsigned builds;    /* begun so far */
    clq_error *failure; /* of the last one that failed */
} clq_cl_program;

typedef struct clq_cl_programs {
    _Atomic(clq_cl_program *) first;
    pthread_mutex_t lock; /* for entries to come; held while nothing is built or made */
    pthread_cond_t built; /* or not: a build has ended */
} clq_cl_programs;

void clq_cl_programs_init(clq_cl_programs *programs);
void clq_cl_programs_destroy(clq_cl_programs *programs);

/*
 * Borrow `kernel` of the program that `file` makes with `options`, building it at first use: whoever needs the same
 * program meanwhile waits, and is told of a failure too; nobody else does. Of a program that is there no lock is taken.
 * Give the kernel back with _return.
 */
clq_status clq_cl_kernel_borrow(clq_context *context, const char *file, const char *options, const char *kernel,
                                clq_cl_pool **pool, cl_kernel *lent, clq_error *error);
void clq_cl_kernel_return(clq_cl_pool *pool, cl_kernel lent);

#endif
