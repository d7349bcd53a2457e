/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's OpenCL files (cl_*.c) share. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_STATE_H
#define CLQ_HOST_OPENCL_RUNTIME_STATE_H

#include <pthread.h>

#include <clquant/opencl.h>

#include "engine/context.h"
#include "engine/gemm.h"

typedef enum clq_variant {
    CLQ_VARIANT_BY_DEVICE = -1,
    CLQ_VARIANT_STRIP = 0,
    CLQ_VARIANT_GRID = 1,
    CLQ_VARIANT_COLUMNS = 2,
    CLQ_VARIANT_ELEMENTWISE_COUNT = 3, /* those from here on are of the matrix product */
    CLQ_VARIANT_PORTABLE = 3,
    CLQ_VARIANT_KHR_DOT = 4,
    CLQ_VARIANT_CPU = 5,
    CLQ_VARIANT_CPU_AVX2 = 6,
    CLQ_VARIANT_CPU_VNNI = 7,
    CLQ_VARIANT_GEMV = 8,
    CLQ_VARIANT_SPLIT_K = 9,
    CLQ_VARIANT_COUNT = 10
} clq_variant;

/* How the tensors of one set of a batch are run (opencl/launch/batch.c). */
typedef enum clq_batch_form {
    CLQ_BATCH_EACH = 0, /* one ordinary operation each */
    CLQ_BATCH_STRIP = 1,
    CLQ_BATCH_GRID = 2,
    CLQ_BATCH_COLUMNS = 3,
    CLQ_BATCH_FUSED = 4,
    CLQ_BATCH_FORMS = 5
} clq_batch_form;

/* ---- opencl/runtime/error.c ---- */

const char *clq_cl_code_name(cl_int code); /* "CL_OUT_OF_RESOURCES" */

/* Fill `error` with the failed call, its code and its name. Returns CLQ_OUT_OF_MEMORY or CLQ_DEVICE_ERROR. */
clq_status clq_cl_fail(clq_error *error, cl_int code, const char *call);

/* Return with the story of a failed OpenCL call; needs a local `error`. */
#define CLQ_CL(function, ...)                                                                                          \
    do {                                                                                                               \
        const cl_int clq_cl_code_ = function(__VA_ARGS__);                                                             \
        if (clq_cl_code_ != CL_SUCCESS) {                                                                              \
            return clq_cl_fail(error, clq_cl_code_, #function);                                                        \
        }                                                                                                              \
    } while (0)

/* ---- opencl/runtime/program.c ---- */

/* A kernel object lent to one caller, since arguments of a cl_kernel must not be set by two threads at once. */
typedef struct clq_cl_kernel {
    cl_kernel object;
    struct clq_cl_kernel *next;
} clq_cl_kernel;

/* The kernels of one name in one program; unused objects wait in `idle`. */
typedef struct clq_cl_pool {
    char name[48];
    size_t maximum_group_size; /* CL_KERNEL_WORK_GROUP_SIZE, 0 before the first object */
    clq_cl_kernel *idle;
    struct clq_cl_pool *next;
} clq_cl_pool;

typedef struct clq_cl_program {
    char key[192]; /* file and options */
    cl_program object;
    clq_cl_pool *pools;
    struct clq_cl_program *next;
} clq_cl_program;

/* ---- opencl/runtime/capability.c ---- */

/* What kernels beyond OpenCL 1.2 need. */
typedef struct clq_cl_capabilities {
    int avx2, avx512, vnni; /* an x86 CPU device in this process, whose compiler takes inline assembly, has them */
    int khr_dot;            /* cl_khr_integer_dot_product with packed operands */
    char no_vnni[96];       /* why not, for a person; empty when there */
    char no_khr_dot[96];
} clq_cl_capabilities;

void clq_cl_find_capabilities(cl_device_id device, const clq_device_info *info, clq_cl_capabilities *found);

/* ---- opencl/runtime/context.c ---- */

enum { CLQ_GEMM_MAXIMUM_ROWS = 12 }; /* of a tile in registers: kernels/gemm_vnni.cl */

struct clq_cl_state {
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue; /* in order */
    cl_command_queue
        transfers; /* copies beside it (opencl/runtime/transfer.c), NULL before the first; made under submit_lock */
    size_t maximum_group_size;
    size_t maximum_group_items[3]; /* along each dimension */
    uint64_t cache_bytes;          /* of the device's last cache, or a guess */
    char *identity;                /* platform, device and driver, for the cache's key */

    pthread_mutex_t programs_lock; /* programs, pools, cache_directory */
    clq_cl_program *programs;
    char *cache_directory;

    pthread_mutex_t submit_lock; /* holds while an operation's commands go to `queue`; workspace */
    cl_mem workspace;
    uint64_t workspace_bytes;

    atomic_int forced_variant; /* clq_variant, or CLQ_VARIANT_BY_DEVICE */

    pthread_mutex_t trust_lock; /* one kernel is checked at a time; trial_memory */
    cl_mem trial_memory;        /* what checks compute in, NULL before the first */
    uint64_t trial_bytes;
    /* clq_trust by real and quantized type (trial/walk.c) */
    atomic_uchar trust[CLQ_OP_COUNT][CLQ_VARIANT_ELEMENTWISE_COUNT][3][6];
    atomic_uchar batch_trust[CLQ_OP_COUNT][CLQ_BATCH_FORMS][3][6];         /* likewise (trial/batch.c) */
    atomic_uchar gemm_trust[CLQ_VARIANT_COUNT][CLQ_GEMM_MAXIMUM_ROWS + 1]; /* by tile_rows (trial/gemm.c) */
    clq_cl_capabilities capabilities;
};

extern const clq_executor clq_cl_executor;

/* Make a context for a device; `opencl` is retained, or NULL to make one. */
clq_status clq_cl_state_create(cl_platform_id platform, cl_device_id device, cl_context opencl,
                               const clq_device_info *info, clq_context **context, clq_error *error);
void clq_cl_state_destroy(clq_context *context);

/* Give back a queue (or NULL) whose work ended with `status`: after a failure it waits for the commands left in it. */
void clq_cl_queue_release(cl_command_queue queue, clq_status status);

/* ---- opencl/runtime/device.c ---- */

clq_status clq_cl_describe_device(cl_platform_id platform, cl_device_id device, clq_device_info *info,
                                  clq_error *error);

/* ---- opencl/runtime/program.c ---- */

/* Borrow `kernel` of the program that `file` makes with `options`, building it at first use. Give it back with _return.
 */
clq_status clq_cl_kernel_borrow(clq_context *context, const char *file, const char *options, const char *kernel,
                                clq_cl_pool **pool, clq_cl_kernel **lent, clq_error *error);
void clq_cl_kernel_return(clq_context *context, clq_cl_pool *pool, clq_cl_kernel *lent);
void clq_cl_programs_destroy(struct clq_cl_state *cl);

/* ---- opencl/runtime/cache.c ---- */

clq_status clq_cl_cache_set(clq_context *context, const char *directory, clq_error *error);

/* The program from the cache, built and ready, or NULL: whatever is wrong with an entry is a miss. */
cl_program clq_cl_cache_load(clq_context *context, const char *source, const char *options);
void clq_cl_cache_store(clq_context *context, const char *source, const char *options, cl_program program);

/*
 * Whether an earlier run found that `what` (a kernel, described in words) gives the bytes of the reference on this
 * device with this driver, and the note of it. Without a cache directory nothing is known and nothing noted.
 */
int clq_cl_cache_has_verdict(const clq_context *context, const char *what);
void clq_cl_cache_store_verdict(const clq_context *context, const char *what);

/* ---- opencl/runtime/buffer.c ---- */

/* What a caller's cl_mem is. */
typedef struct clq_cl_memory {
    const void *space; /* of its bytes, and where the first of them is: as in clq_extent */
    uint64_t first;
    size_t bytes;
    int is_readable, is_writable; /* by kernels */
} clq_cl_memory;

/* Ask, and refuse what is no buffer or of another cl_context; `what` begins the message. */
clq_status clq_cl_memory_of(const clq_context *context, cl_mem memory, const char *what, clq_cl_memory *found,
                            clq_error *error);

clq_status clq_cl_buffer_create(clq_buffer *buffer, void *memory, clq_error *error);
void clq_cl_buffer_destroy(clq_buffer *buffer);
clq_status clq_cl_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                               clq_error *error);
clq_status clq_cl_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes,
                              clq_error *error);
clq_status clq_cl_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                              uint64_t target_offset_bytes, uint64_t bytes, clq_error *error);
clq_status clq_cl_buffer_map(clq_buffer *buffer, void **memory, clq_error *error);
clq_status clq_cl_buffer_unmap(clq_buffer *buffer, clq_error *error);

/* ---- opencl/runtime/transfer.c ---- */

clq_status clq_cl_buffer_send(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                              void **sent, clq_error *error);
clq_status clq_cl_buffer_await(clq_buffer *buffer, void *sent, clq_error *error);
void clq_cl_buffer_drop(clq_buffer *buffer, void *sent);

/* The commands of one operation going to one queue, each after the one before it. */
typedef struct clq_cl_stream {
    clq_context *context;
    const clq_launch *launch; /* of the caller's, or NULL: the context's own queue */
    cl_command_queue queue;
    int chained; /* out-of-order queue: wait for `last` */
    cl_uint wait_count;
    const cl_event *wait_list; /* of the first command */
    cl_event last;             /* of the newest command, NULL where none is needed */
    int want_event;
    cl_mem workspace;
    uint64_t workspace_offset_bytes;
    clq_extent scratch; /* what is used of a caller's workspace, which no operand may overlap; else empty */
} clq_cl_stream;

/* ---- opencl/runtime/stream.c ---- */

/*
 * Open a stream with scratch memory on the launch's queue, or on the context's own when `launch` is NULL; `operation`
 * is for messages. After success it must be closed with the status of what was enqueued; _close returns that status,
 * or a failure of its own.
 */
clq_status clq_cl_stream_open(clq_cl_stream *stream, clq_context *context, const clq_launch *launch,
                              const char *operation, uint64_t workspace_bytes, clq_error *error);
clq_status clq_cl_stream_close(clq_cl_stream *stream, clq_status status, clq_error *error);

/* ---- opencl/runtime/launch.c ---- */

enum { CLQ_CL_MAX_ARGUMENTS = 14 };

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
    size_t argument_count;
    struct {
        size_t bytes;
        unsigned char value[8];
        const void *large; /* not NULL: the value is there */
    } arguments[CLQ_CL_MAX_ARGUMENTS];
    clq_cl_grouping grouping;
    cl_uint dimensions;
    size_t global[3];
    size_t local[3]; /* 0: left to the runtime */
} clq_cl_launch;

void clq_cl_launch_bytes(clq_cl_launch *launch, const void *value, size_t bytes);
void clq_cl_launch_large(clq_cl_launch *launch, const void *value, size_t bytes); /* not copied */
void clq_cl_launch_memory(clq_cl_launch *launch, cl_mem memory);
void clq_cl_launch_u64(clq_cl_launch *launch, uint64_t value);
void clq_cl_launch_i32(clq_cl_launch *launch, int32_t value);
/* Work-groups of one item on CPU devices, elsewhere as the runtime likes: PoCL compiles a kernel anew for each size. */
void clq_cl_launch_groups_of_one(clq_cl_launch *launch, const clq_context *context);
/* One dimension of `items` that know nothing of each other, CLQ_CL_GROUPS_OF_ITEMS. */
void clq_cl_launch_items(clq_cl_launch *launch, uint64_t items);
/* Make the kernel object, so that the launch makes none. */
clq_status clq_cl_launch_prepare(const clq_cl_launch *launch, clq_context *context, clq_error *error);
clq_status clq_cl_launch_enqueue(const clq_cl_launch *launch, clq_cl_stream *stream, clq_error *error);

/* ---- opencl/executor.c ---- */

/* Scratch memory that a task needs, and its commands put into a stream that has it. */
uint64_t clq_cl_workspace_bytes(const clq_context *context, const clq_task *task);
clq_status clq_cl_enqueue_operation(clq_cl_stream *stream, const clq_task *task, clq_error *error);

/* ---- opencl/choice/elementwise.c ---- */

typedef struct clq_choice {
    clq_variant variant;
    uint32_t vector_width;
    uint32_t column_blocks; /* build option COLUMN_BLOCKS */
    const char *file;
    const char *kernel;
    const char *name;
    const char *reason;
} clq_choice;

/* The variant for a task on this context's device, and why. */
clq_choice clq_cl_choose(const clq_context *context, const clq_task *task);

const char *clq_variant_name(clq_variant variant);

/* CLQ_VARIANT_* of a name, or CLQ_INVALID_ARGUMENT with those there are. */
clq_status clq_variant_from_name(const char *name, clq_variant *variant, clq_error *error);

/* How the columns kernels see a tensor: `lines` lines of `line` elements, cut into `across` x `slices` work-items. */
typedef struct clq_columns {
    uint64_t line, lines, lines_per_item;
    uint64_t across, slices;
} clq_columns;

/* Blocks of vector_width columns that a work-item handles together, for all operations but quantize on its own. */
uint32_t clq_column_blocks(uint32_t vector_width);

clq_columns clq_columns_of(const clq_context *context, const clq_geometry *g, uint32_t vector_width);

/* The same for any number of blocks. */
clq_columns clq_columns_in_blocks(const clq_context *context, const clq_geometry *g, uint32_t vector_width,
                                  uint32_t column_blocks);

/* Work-groups that keep the device busy with a few each. */
uint64_t clq_cl_target_items(const clq_context *context);

/* ---- trial/walk.c ---- */

/*
 * Whether a kernel has been compared with the reference on this context's device; CLQ_TOO_LARGE: it could not be, for
 * it takes work-groups that the device does not have for it.
 */
typedef enum clq_trust { CLQ_UNKNOWN = 0, CLQ_TRUSTED = 1, CLQ_DISTRUSTED = 2, CLQ_TOO_LARGE = 3 } clq_trust;

clq_trust clq_cl_trust_of(const clq_context *context, clq_operation operation, clq_variant variant,
                          const clq_quantization *q);

/*
 * Compare the kernels that would run a task with the reference, each once per context, on a small problem that holds
 * everything awkward. One that differs is set aside with a warning, and another takes its place; CLQ_MISMATCH when none
 * is left. Failures of the device come back as they are and leave the question open.
 */
clq_status clq_cl_trust_task(clq_context *context, const clq_task *task, clq_error *error);

/* Fill the inputs of a task that kernels are compared by: what is awkward, from `*state` on. NULL in `host`: not used.
 */
void clq_cl_trial_inputs(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state);

/* A tensor that kernels are compared by, and its layout. */
typedef struct clq_cl_trial_shape {
    uint64_t shape[3];
    clq_granularity granularity;
    uint32_t axis;
    uint64_t group;
} clq_cl_trial_shape;

void clq_cl_trial_layout(const clq_cl_trial_shape *shape, clq_layout *layout);

/* Room for `bytes` in cl->trial_memory; the trust lock is held. */
clq_status clq_cl_trial_reserve(clq_context *context, uint64_t bytes, clq_error *error);

/* Where a pair of types has its place in the tables of trust. */
size_t clq_cl_real_index(clq_dtype real);
size_t clq_cl_code_index(clq_dtype dtype);

/* Whether the device is Oclgrind, under which kernels are not compared (trial/walk.c says why). */
int clq_cl_is_interpreted(const clq_context *context);

/* ---- one file per operation ---- */

/* Bytes of scratch memory that a task needs. */
uint64_t clq_cl_minmax_workspace(const clq_context *context, const clq_task *task);

uint64_t clq_cl_histogram_workspace(const clq_context *context, const clq_task *task);

/* Columns that a job of the histogram's columns kernel handles together, so the longest row that it can take. */
enum { CLQ_HISTOGRAM_COLUMNS = 32 };

clq_status clq_cl_minmax(clq_cl_stream *stream, const clq_task *task, clq_error *error);

clq_status clq_cl_merge_range(clq_cl_stream *stream, const clq_task *task, clq_error *error);
clq_status clq_cl_histogram(clq_cl_stream *stream, const clq_task *task, clq_error *error);
clq_status clq_cl_choose_parameters(clq_cl_stream *stream, const clq_task *task, clq_error *error);

/* Dynamic quantization in one or two kernels, where it is fused: on CPU devices, for one parameter and strips. */
int clq_cl_dynamic_is_fused(const clq_context *context, const clq_task *task);
clq_status clq_cl_dynamic(clq_cl_stream *stream, const clq_task *task, clq_error *error);

/* quantize, dequantize and fake_quantize: the same walk, `operation` says which. */
clq_status clq_cl_elementwise(clq_cl_stream *stream, const clq_task *task, clq_operation operation, clq_error *error);

/* ---- opencl/launch/gemm.c ---- */

clq_status clq_cl_gemm(clq_context *context, const clq_gemm_task *task, clq_error *error);
clq_status clq_cl_gemm_plan(clq_context *context, const clq_gemm_task *task, int packed, clq_plan *plan,
                            clq_error *error);
clq_status clq_cl_gemm_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error);
clq_status clq_cl_weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error);
void clq_cl_weights_destroy(clq_gemm_weights *weights);

#endif
