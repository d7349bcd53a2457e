/* SPDX-License-Identifier: Apache-2.0 */
/* Putting one kernel launch together and into a queue. */
#include "opencl/runtime/launch.h"

#include <assert.h>
#include <string.h>

#include "core/size.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/record.h"

/* Work-items of a group where they know nothing of each other. */
enum { ITEMS_OF_GROUP = 64 };

/* Not by snprintf: six options are half of what a launch costs the host then. */
static void append(char *options, size_t capacity, size_t *length, const char *text)
{
    const size_t more = strlen(text);
    assert(more < capacity - *length);
    (void)capacity;
    memcpy(options + *length, text, more + 1);
    *length += more;
}

static void append_definition(char *options, size_t capacity, size_t *length, const char *name, uint32_t value)
{
    char digits[11]; /* of 2^32 - 1, and the end */
    char *first = &digits[sizeof digits - 1];
    *first = '\0';
    do {
        *--first = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    append(options, capacity, length, *length > 0 ? " -D" : "-D");
    append(options, capacity, length, name);
    append(options, capacity, length, "=");
    append(options, capacity, length, first);
}

void clq_cl_launch_options(clq_cl_launch *launch, const char *options)
{
    if (options[0] != '\0') {
        append(launch->options, sizeof launch->options, &launch->options_length, launch->options_length > 0 ? " " : "");
        append(launch->options, sizeof launch->options, &launch->options_length, options);
    }
}

void clq_cl_launch_define(clq_cl_launch *launch, const char *name, uint32_t value)
{
    append_definition(launch->options, sizeof launch->options, &launch->options_length, name, value);
}

static void push_bytes(clq_cl_launch *launch, const void *value, size_t bytes)
{
    assert(launch->argument_count < CLQ_CL_MAX_ARGUMENTS && bytes <= sizeof launch->arguments[0].value);
    launch->arguments[launch->argument_count].bytes = bytes;
    memcpy(launch->arguments[launch->argument_count].value, value, bytes);
    launch->argument_count++;
}

void clq_cl_launch_large(clq_cl_launch *launch, const void *value, size_t bytes)
{
    assert(launch->argument_count < CLQ_CL_MAX_ARGUMENTS);
    launch->arguments[launch->argument_count].bytes = bytes;
    launch->arguments[launch->argument_count].large = value;
    launch->argument_count++;
}

void clq_cl_launch_memory(clq_cl_launch *launch, cl_mem memory)
{
    push_bytes(launch, &memory, sizeof(cl_mem));
    launch->arguments[launch->argument_count - 1].is_memory = 1;
}

void clq_cl_launch_workspace(clq_cl_launch *launch)
{
    clq_cl_launch_memory(launch, NULL);
    launch->arguments[launch->argument_count - 1].is_workspace = 1;
}

void clq_cl_launch_place(clq_cl_launch *launch, cl_mem workspace)
{
    for (size_t i = 0; i < launch->argument_count; i++) {
        if (launch->arguments[i].is_workspace) {
            memcpy(launch->arguments[i].value, &workspace, sizeof workspace);
        }
    }
}

void clq_cl_launch_u64(clq_cl_launch *launch, uint64_t value)
{
    const cl_ulong number = value;
    push_bytes(launch, &number, sizeof number);
}

void clq_cl_launch_i32(clq_cl_launch *launch, int32_t value)
{
    const cl_int number = value;
    push_bytes(launch, &number, sizeof number);
}

void clq_cl_launch_groups_of_one(clq_cl_launch *launch, const clq_context *context)
{
    if (context->device.type == CLQ_DEVICE_CPU) {
        launch->local[0] = launch->local[1] = launch->local[2] = 1;
    }
}

/* As wide as there are items along the first dimension, to the next power of two, and then as high. */
void clq_cl_launch_apart(clq_cl_launch *launch, const clq_context *context)
{
    size_t left = ITEMS_OF_GROUP;
    if (context->device.type == CLQ_DEVICE_CPU) {
        clq_cl_launch_groups_of_one(launch, context);
        return;
    }
    launch->grouping = CLQ_CL_GROUPS_OF_ITEMS;
    for (cl_uint d = 0; d < 3; d++) {
        launch->local[d] = 1;
        while (d < 2 && left > 1 && launch->local[d] < launch->global[d]) {
            launch->local[d] *= 2;
            left /= 2;
        }
    }
}

/* Few items too: of one size, since PoCL compiles a kernel anew for each. */
void clq_cl_launch_items(clq_cl_launch *launch, uint64_t items)
{
    launch->grouping = CLQ_CL_GROUPS_OF_ITEMS;
    launch->dimensions = 1;
    launch->global[0] = (size_t)items;
    launch->local[0] = ITEMS_OF_GROUP;
}

/* ---- sizes ---- */

/* A launch as the device and the kernel can run it, or a part of it. */
typedef struct fitted {
    char options[sizeof((clq_cl_launch *)0)->options + 24];
    size_t first[3]; /* item; those of a part are `global` */
    size_t global[3], local[3];
} fitted;

static size_t items_of_group(const clq_cl_launch *launch, const size_t local[3])
{
    size_t items = 1;
    for (cl_uint d = 0; d < launch->dimensions; d++) {
        items *= local[d];
    }
    return items;
}

/* Work-groups of at most `limit` items. */
static void fit(const clq_cl_launch *launch, const struct clq_cl_state *cl, size_t limit, fitted *f)
{
    size_t left = limit;
    memcpy(f->options, launch->options, launch->options_length + 1);
    memset(f->first, 0, sizeof f->first);
    memcpy(f->global, launch->global, sizeof f->global);
    memcpy(f->local, launch->local, sizeof f->local);
    for (cl_uint d = 0; d < launch->dimensions && launch->grouping != CLQ_CL_GROUPS_GIVEN; d++) {
        const uint64_t most = clq_size_max(clq_size_min(left, cl->maximum_group_items[d]), 1);
        f->local[d] = (size_t)clq_size_min(launch->local[d], most);
        left /= f->local[d];
        f->global[d] = launch->grouping == CLQ_CL_GROUPS_BUILT
                           ? launch->global[d] * f->local[d]
                           : (size_t)clq_size_divide_up(launch->global[d], f->local[d]) * f->local[d];
    }
    if (launch->grouping == CLQ_CL_GROUPS_BUILT) {
        size_t length = launch->options_length;
        append_definition(f->options, sizeof f->options, &length, "GROUP_SIZE", (uint32_t)f->local[0]);
    }
}

/* How large a kernel's work-groups may be is known when it is there: where the device's are too large, a second time.
 */
static clq_status borrow(const clq_cl_launch *launch, clq_context *context, fitted *f, clq_cl_pool **pool,
                         cl_kernel *kernel, clq_error *error)
{
    size_t limit = context->cl->maximum_group_size;
    for (;;) { /* ends: each round but the last has a lower limit */
        size_t items;
        fit(launch, context->cl, limit, f);
        items = items_of_group(launch, f->local);
        CLQ_TRY(clq_cl_kernel_borrow(context, launch->file, f->options, launch->kernel, pool, kernel, error));
        limit = atomic_load(&(*pool)->maximum_group_size);
        if (launch->grouping == CLQ_CL_GROUPS_GIVEN || items <= limit) {
            return CLQ_OK;
        }
        clq_cl_kernel_return(*pool, *kernel);
    }
}

/* Leave the part from `first` on, which goes on to the next one, or back to 0 behind the last. Whole work-groups: what
 * the last ones have too many is beyond the items of all. */
static void take_part(const clq_cl_launch *launch, size_t most_groups, size_t first[3], fitted *f)
{
    int goes_on = 1;
    for (cl_uint d = 1; d < launch->dimensions && launch->by_numbers; d++) {
        const size_t all = f->global[d];
        f->first[d] = first[d];
        f->global[d] = (size_t)clq_size_min(all - first[d], most_groups * clq_size_max(f->local[d], 1));
        first[d] += goes_on ? f->global[d] : 0;
        goes_on &= first[d] == all;
        first[d] = goes_on ? 0 : first[d];
    }
}

/* ---- the queue ---- */

static clq_status set_arguments(const clq_cl_launch *launch, cl_kernel kernel, clq_error *error)
{
    for (size_t i = 0; i < launch->argument_count; i++) {
        const void *value = launch->arguments[i].large;
        CLQ_CL(clSetKernelArg, kernel, (cl_uint)i, launch->arguments[i].bytes,
               value != NULL ? value : launch->arguments[i].value);
    }
    return CLQ_OK;
}

/* `limit` is the kernel's own. Where the runtime chooses groups, 0 items, none is. */
static int is_beyond_groups(const clq_cl_launch *launch, const struct clq_cl_state *cl, size_t limit,
                            const size_t local[3])
{
    int is_beyond = items_of_group(launch, local) > clq_size_min(limit, cl->maximum_group_size);
    for (cl_uint d = 0; d < launch->dimensions; d++) {
        is_beyond |= local[d] > cl->maximum_group_items[d];
    }
    return is_beyond;
}

static clq_status enqueue(const clq_cl_launch *launch, const fitted *f, clq_cl_stream *stream, clq_cl_pool *pool,
                          cl_kernel kernel, clq_error *error)
{
    const clq_cl_sizes sizes = {launch->dimensions, f->first, f->global, f->local[0] != 0 ? f->local : NULL};
    clq_status status;
    CLQ_TRY(set_arguments(launch, kernel, error));
    status = clq_cl_stream_submit(stream, kernel, &sizes, error);
    if (status != CLQ_OK) {
        stream->groups_too_large =
            is_beyond_groups(launch, stream->context->cl, atomic_load(&pool->maximum_group_size), f->local);
    }
    return status;
}

/* The kernel object stays with the record, and what its arguments point at. */
static clq_status keep(const clq_cl_launch *launch, const fitted *f, clq_record *record, clq_cl_pool *pool,
                       cl_kernel *kernel, clq_error *error)
{
    const clq_cl_sizes sizes = {launch->dimensions, f->first, f->global, f->local[0] != 0 ? f->local : NULL};
    CLQ_TRY(set_arguments(launch, *kernel, error));
    CLQ_TRY(clq_cl_record_add(record, pool, *kernel, &sizes, error));
    *kernel = NULL;
    for (size_t i = 0; i < launch->argument_count; i++) {
        if (launch->arguments[i].is_memory) {
            cl_mem memory;
            memcpy(&memory, launch->arguments[i].value, sizeof memory);
            CLQ_TRY(clq_cl_record_hold(record, memory, error));
        }
    }
    return CLQ_OK;
}

clq_status clq_cl_launch_prepare(const clq_cl_launch *launch, clq_context *context, clq_error *error)
{
    clq_cl_pool *pool = NULL;
    cl_kernel kernel = NULL;
    fitted f;
    CLQ_TRY(borrow(launch, context, &f, &pool, &kernel, error));
    clq_cl_kernel_return(pool, kernel);
    return CLQ_OK;
}

/* The part from `first` on, with a kernel object of its own. */
static clq_status enqueue_part(const clq_cl_launch *launch, clq_cl_stream *stream, size_t first[3], clq_error *error)
{
    clq_status status;
    clq_cl_pool *pool = NULL;
    cl_kernel kernel = NULL;
    fitted f;
    int is_kept = 0;
    status = borrow(launch, stream->context, &f, &pool, &kernel, error);
    take_part(launch, stream->context->cl->most_groups_behind, first, &f);
    if (stream->recorder != NULL) {
        is_kept = stream->recorder->launched(stream->recorder->cookie, launch, f.options, f.global, f.local);
    }
    CLQ_TRY(status);
    if (stream->binaries != NULL) {
        clq_cl_binaries_add(stream->binaries, pool);
    }
    if (is_kept) {
        status = clq_fail(error, CLQ_DEVICE_ERROR, "launches with options '%s' are not tried again: one gave no answer",
                          f.options);
    } else if (stream->record != NULL) {
        status = keep(launch, &f, stream->record, pool, &kernel, error);
    } else if (stream->queue != NULL && (stream->recorder == NULL || !stream->recorder->withholds)) {
        status = enqueue(launch, &f, stream, pool, kernel, error);
    }
    if (kernel != NULL) {
        clq_cl_kernel_return(pool, kernel);
    }
    if (status != CLQ_OK) {
        return clq_fail_in(error, status, "kernels/%s, kernel %s", launch->file, launch->kernel);
    }
    return CLQ_OK;
}

clq_status clq_cl_launch_enqueue(const clq_cl_launch *launch, clq_cl_stream *stream, clq_error *error)
{
    size_t first[3] = {0, 0, 0};
    do {
        CLQ_TRY(enqueue_part(launch, stream, first, error));
    } while (first[1] != 0 || first[2] != 0);
    return CLQ_OK;
}
