/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_LAUNCH_H
#define CLQ_HOST_OPENCL_RUNTIME_LAUNCH_H

#include "opencl/runtime/stream.h"

enum { CLQ_CL_MAX_ARGUMENTS = 16 };

/* What `global` and `local` of a launch say; the sizes are cut to what the device and the kernel have. */
typedef enum clq_cl_grouping {
    /* As OpenCL takes them: groups of one, of the size that the kernel is written for, or left to the runtime. */
    CLQ_CL_GROUPS_GIVEN = 0,
    /* `global` work-items in groups of up to `local`; the kernel takes any size, and passes over what the last groups
     * have too many. */
    CLQ_CL_GROUPS_OF_ITEMS,
    /* `global[0]` work-groups, in one dimension, of up to `local[0]` items that work together: the kernel takes any
     * size as the build option GROUP_SIZE. */
    CLQ_CL_GROUPS_BUILT
} clq_cl_grouping;

/* A launch being put together: the arguments in the order of the kernel's parameters. */
typedef struct clq_cl_launch {
    const char *file;
    const char *kernel;
    char options[160];
    size_t options_length;
    size_t argument_count;
    struct {
        size_t bytes;
        unsigned char value[8];
        const void *large; /* not NULL: the value is there */
        int is_memory;     /* the value is a cl_mem */
        int is_workspace;  /* the stream's, which is not there yet */
    } arguments[CLQ_CL_MAX_ARGUMENTS];
    clq_cl_grouping grouping;
    cl_uint dimensions;
    size_t global[3];
    size_t local[3]; /* 0: left to the runtime */
    /* The kernel goes by the numbers of its items in the second and third dimension, and by no sizes or groups there:
     * where these are more than the device takes, it is enqueued several times (clq_cl_state.most_groups_behind). */
    int by_numbers;
    /* That a work-item makes of loops at most (opencl/rounds.h), set by what sets the sizes; 0: few. */
    uint64_t rounds;
} clq_cl_launch;

/* Build options, which follow each other with a blank between them; both may be "". */
void clq_cl_launch_options(clq_cl_launch *launch, const char *options);
void clq_cl_launch_define(clq_cl_launch *launch, const char *name, uint32_t value);
void clq_cl_launch_large(clq_cl_launch *launch, const void *value, size_t bytes); /* not copied */
void clq_cl_launch_memory(clq_cl_launch *launch, cl_mem memory);
/* Scratch memory, and where that is; what the other arguments say of places in it is the caller's to see to. */
void clq_cl_launch_workspace(clq_cl_launch *launch);
void clq_cl_launch_place(clq_cl_launch *launch, cl_mem workspace);
void clq_cl_launch_u64(clq_cl_launch *launch, uint64_t value);
void clq_cl_launch_i32(clq_cl_launch *launch, int32_t value);
/* Work-groups of one item on CPU devices, elsewhere as the runtime likes: PoCL compiles a kernel anew for each size. */
void clq_cl_launch_groups_of_one(clq_cl_launch *launch, const clq_context *context);
/*
 * The same, elsewhere in groups of a few sizes: work-items beyond those that are set do nothing, which the kernel sees
 * to. Of a number that is prime a runtime makes groups of one, each on a warp of its own.
 */
void clq_cl_launch_apart(clq_cl_launch *launch, const clq_context *context);
/* One dimension of `items` that know nothing of each other, CLQ_CL_GROUPS_OF_ITEMS. */
void clq_cl_launch_items(clq_cl_launch *launch, uint64_t items);
/* Build the program and make the kernel object, so that the launch makes none. */
clq_status clq_cl_launch_prepare(const clq_cl_launch *launch, clq_context *context, clq_error *error);
clq_status clq_cl_launch_enqueue(const clq_cl_launch *launch, clq_cl_stream *stream, clq_error *error);

#endif
