/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine's files share: the context, its buffers, and the executor that does the work.
 *
 * A public operation packs its operands into `clq_arguments`, clq_run (operation.c) checks them, and the context's
 * executor runs them: reference/executor.c on host memory, opencl/executor.c on OpenCL objects.
 */
#ifndef CLQ_HOST_ENGINE_CONTEXT_H
#define CLQ_HOST_ENGINE_CONTEXT_H

#include <stdatomic.h>

#include "core/error.h"
#include "core/extent.h"
#include "core/layout.h"

/* Where an operand begins: host memory (reference) or a cl_mem (OpenCL), and an offset. */
typedef struct clq_span {
    void *object; /* NULL: the operation does not use this operand */
    uint64_t offset_bytes;
} clq_span;

typedef enum clq_argument {
    CLQ_ARG_X,
    CLQ_ARG_Y,
    CLQ_ARG_CODES,
    CLQ_ARG_SCALE,
    CLQ_ARG_ZERO_POINT,
    CLQ_ARG_RANGE,
    CLQ_ARG_NONFINITE,
    CLQ_ARG_AVERAGING,
    CLQ_ARG_STATE,
    CLQ_ARG_COUNTS,
    CLQ_ARG_COUNT
} clq_argument;

struct clq_gemm_task; /* gemm.h */

/* One checked operation. */
typedef struct clq_task {
    clq_operation operation;
    const clq_quantization *q;
    clq_geometry geometry;
    clq_span arguments[CLQ_ARG_COUNT];
    int only_variant;   /* OpenCL: 1 + the clq_variant to use whatever else holds, for the check of a kernel; else 0 */
    int streams;        /* OpenCL: store past the cache however little there is, for the same; else 0 */
    const void *launch; /* OpenCL: a clq_launch of the caller's, or NULL for the context's own queue */
    const clq_extent *extents; /* of the operands, as long as the call lasts; NULL in a batch */
} clq_task;

typedef struct clq_executor {
    void (*destroy)(clq_context *context);
    clq_status (*buffer_create)(clq_buffer *buffer, void *memory, clq_error *error);
    void (*buffer_destroy)(clq_buffer *buffer);
    clq_status (*buffer_write)(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                               clq_error *error);
    clq_status (*buffer_read)(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes,
                              clq_error *error);
    clq_status (*buffer_copy)(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                              uint64_t target_offset_bytes, uint64_t bytes, clq_error *error);
    /*
     * Begin to write to a buffer beside the operations; `*sent` stands for the copy, until exactly one of the other two
     * takes it: _await makes the operations enqueued from then on wait for it, _drop waits itself. Meanwhile neither
     * memory is touched.
     */
    clq_status (*buffer_send)(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                              void **sent, clq_error *error);
    clq_status (*buffer_await)(clq_buffer *buffer, void *sent, clq_error *error);
    void (*buffer_drop)(clq_buffer *buffer, void *sent);
    clq_status (*buffer_map)(clq_buffer *buffer, void **memory, clq_error *error);
    clq_status (*buffer_unmap)(clq_buffer *buffer, clq_error *error);
    clq_status (*finish)(clq_context *context, clq_error *error);
    clq_status (*run)(clq_context *context, const clq_task *task, clq_error *error);
    clq_status (*plan)(clq_context *context, const clq_task *task, clq_plan *plan, clq_error *error);
    clq_status (*batch_prepare)(clq_batch *batch, clq_error *error); /* its tasks have been checked */
    void (*batch_release)(clq_batch *batch);
    clq_status (*batch_run)(clq_batch *batch, const void *launch, clq_error *error); /* `launch` as in clq_task */
    clq_status (*batch_plan)(const clq_batch *batch, clq_plan *plan, clq_error *error);
    clq_status (*gemm)(clq_context *context, const struct clq_gemm_task *task, clq_error *error);
    clq_status (*gemm_plan)(clq_context *context, const struct clq_gemm_task *task, int packed, clq_plan *plan,
                            clq_error *error);
    clq_status (*gemm_row_sums)(clq_context *context, const struct clq_gemm_task *task, clq_error *error);
    clq_status (*weights_create)(clq_gemm_weights *weights, const struct clq_gemm_task *task, clq_error *error);
    void (*weights_destroy)(clq_gemm_weights *weights);
    clq_status (*set_cache)(clq_context *context, const char *directory, clq_error *error);
    clq_status (*force_variant)(clq_context *context, const char *variant, clq_error *error);
} clq_executor;

extern const clq_executor clq_reference_executor;

struct clq_context {
    const clq_executor *executor;
    atomic_int references; /* the user's handle and one for each buffer */
    clq_device_info device;
    clq_log_function log;
    void *log_cookie;
    struct clq_cl_state *cl; /* NULL for the reference */
};

struct clq_buffer {
    clq_context *context;
    uint64_t bytes;
    void *object; /* as in clq_span */
    uint64_t base_offset_bytes;
    int owns_memory; /* 0: `object` lies over memory of the caller's (clq_buffer_wrap) */
    int host_memory; /* to be made of host memory that the device reaches by itself (pinned) */
    void *mapped;
    const void *space; /* of its bytes, and where the first of them is: as in clq_extent */
    uint64_t first;
    int is_readable, is_writable; /* by kernels: the flags of a caller's cl_mem may forbid one */
};

/* A context with one reference and the given executor. */
clq_status clq_context_new(const clq_executor *executor, clq_context **context, clq_error *error);
void clq_context_release(clq_context *context);
void clq_context_log(const clq_context *context, clq_log_level level, const char *format, ...) CLQ_PRINTF(3, 4);

/* A buffer of the context over `object`; takes a reference to the context. */
clq_status clq_buffer_new(clq_context *context, uint64_t bytes, clq_buffer **buffer, clq_error *error);

/* An operand's buffer is there, of this context, not mapped, and may be read or written as the operation does. */
clq_status clq_buffer_check(const clq_buffer *buffer, const clq_context *context, const char *operation,
                            const char *name, int is_read, int is_written, clq_error *error);

/* `bytes` bytes of the buffer from `offset_bytes` on. */
static inline clq_extent clq_buffer_part(const clq_buffer *buffer, uint64_t offset_bytes, uint64_t bytes)
{
    const uint64_t first = buffer->first + offset_bytes;
    const clq_extent part = {buffer->space, first, first + bytes};
    return part;
}

/* clq_buffer_unmap, done by the time the operations run that this context is given next. */
clq_status clq_buffer_unmap_later(clq_buffer *buffer, clq_error *error);

/*
 * Check the description and all operands, and describe the operation; `q` and `extents`, which receives the bytes of
 * the operands used, are kept by address.
 */
clq_status clq_task_init(clq_task *task, clq_context *context, clq_operation operation, const clq_quantization *q,
                         const clq_operand arguments[CLQ_ARG_COUNT], clq_extent extents[CLQ_ARG_COUNT],
                         clq_error *error);

/* The operands by name as a list. */
void clq_operands_list(const clq_operands *operands, clq_operand arguments[CLQ_ARG_COUNT]);

/* Check the description and all operands, then run; `launch` as in clq_task. Unused `arguments` are ignored. */
clq_status clq_run(clq_context *context, clq_operation operation, const clq_quantization *q,
                   const clq_operand arguments[CLQ_ARG_COUNT], const void *launch, clq_error *error);

/* The bytes that an operand of `task` must hold from its offset on; 0 when the operation does not use it. */
uint64_t clq_argument_bytes(const clq_task *task, clq_argument argument);
uint64_t clq_argument_offset_bytes(const clq_task *task, clq_argument argument, uint64_t offset);
int clq_argument_is_output(clq_operation operation, clq_argument argument);
int clq_argument_is_input(clq_operation operation, clq_argument argument); /* some are both */
const char *clq_argument_name(clq_argument argument);

/* Refuse scratch memory that shares a byte with an operand. */
clq_status clq_task_check_workspace(const clq_task *task, const clq_extent *workspace, clq_error *error);

/* Implemented by opencl/runtime/device.c and opencl/runtime/context.c; a build without OpenCL has
 * host/engine/no_opencl.c. */
clq_status clq_cl_devices(size_t capacity, clq_device_info *infos, size_t *count, clq_error *error);
clq_status clq_cl_context_create(const clq_device_info *device, clq_context **context, clq_error *error);

#endif
