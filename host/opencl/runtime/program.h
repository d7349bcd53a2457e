/* SPDX-License-Identifier: Apache-2.0 */
/* Programs, built once per context and options, and their kernel objects, lent to one caller at a time. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_PROGRAM_H
#define CLQ_HOST_OPENCL_RUNTIME_PROGRAM_H

#include <pthread.h>

#include "core/executor.h"
#include "opencl/runtime/opencl.h"

enum { CLQ_CL_IDLE_KERNELS = 64 };

/*
 * The kernels of one name in one program. Arguments of a cl_kernel must not be set by two threads at once, so each is
 * lent to one; unused objects wait in `idle`, from which they are taken, and where they are put back, by an exchange.
 */
typedef struct clq_cl_pool {
    char name[48];
    const struct clq_cl_program *program;
    atomic_size_t maximum_group_size; /* CL_KERNEL_WORK_GROUP_SIZE, 0 before the first object */
    _Atomic(cl_kernel) idle[CLQ_CL_IDLE_KERNELS];
    struct clq_cl_pool *next; /* never changes once the pool is in its list */
} clq_cl_pool;

/* One program; it stays where it is as long as the context lives. */
typedef struct clq_cl_program {
    uint64_t key; /* of both: most that are passed over differ in it */
    char file[48], options[184];
    _Atomic(cl_program) object; /* NULL before it is built */
    uint64_t binary;            /* hash of what was built, set before `object`; 0: unknown */
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
    /* Asked, in the thread that builds, whether that is to go to the compiler (0: yes), and told with NULL that it came
     * back; NULL: nobody is. Set before the first program. */
    int (*compiles)(void *cookie, const char *file, const char *options);
    void *compiles_cookie;
} clq_cl_programs;

/* The binaries of programs that something uses, in the order of their first use. */
enum { CLQ_CL_BINARIES = 32 };
typedef struct clq_cl_binaries {
    size_t count; /* CLQ_CL_BINARIES: there may be more */
    uint64_t hashes[CLQ_CL_BINARIES];
} clq_cl_binaries;

/* Note that a kernel of the pool is used; a hash of all, 0 when one of them is unknown. */
void clq_cl_binaries_add(clq_cl_binaries *binaries, const clq_cl_pool *pool);
uint64_t clq_cl_binaries_hash(const clq_cl_binaries *binaries);

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
