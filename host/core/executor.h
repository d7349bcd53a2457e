/* SPDX-License-Identifier: Apache-2.0 */
/* What runs operations: one table of functions, which the reference, native and OpenCL fill in; its contexts and
 * buffers. */
#ifndef CLQ_HOST_CORE_EXECUTOR_H
#define CLQ_HOST_CORE_EXECUTOR_H

#include <stdatomic.h>

#include <clquant/tune.h>

#include "core/batch_task.h"
#include "core/gemm_task.h"
#include "core/memory.h"
#include "core/task.h"

/* Tables of tuned values, as clquant/tune.h has them. */
typedef struct clq_tuner {
    void (*present)(const clq_context *context, clq_tuned_value *table);
    void (*untuned)(const clq_context *context, clq_tuned_value *table);
    clq_status (*use)(clq_context *context, const clq_tuned_value *table, clq_error *error);
    size_t (*set_aside)(const clq_context *context);
    clq_status (*print)(const clq_context *context, const clq_tuned_value *table, char *text, clq_error *error);
    clq_status (*parse)(const clq_context *context, const char *text, size_t bytes, clq_tuned_value *table,
                        clq_error *error);
    clq_status (*store)(clq_context *context, const clq_tuned_value *table, char *path, size_t capacity,
                        clq_error *error);
} clq_tuner;

/* Compiled programs, as bytes of the caller's: clq_context_keep_programs and those after it. `*taken` begins as 0. */
typedef struct clq_keeper {
    void (*keep)(clq_context *context);
    clq_status (*add)(clq_context *context, const void *memory, uint64_t bytes, uint64_t *taken, clq_error *error);
    void (*write)(clq_context *context, void *memory, uint64_t capacity, uint64_t *bytes);
} clq_keeper;

/* Batches of products, whose tasks have been checked; `order` as in clq_gemm_task. */
typedef struct clq_gemm_batcher {
    clq_status (*prepare)(clq_gemm_batch *batch, clq_error *error);
    void (*release)(clq_gemm_batch *batch); /* what `prepared` is, and it is not NULL */
    clq_status (*run)(clq_gemm_batch *batch, const clq_order *order, clq_error *error);
    clq_status (*plan)(const clq_gemm_batch *batch, clq_plan *plan, clq_error *error);
} clq_gemm_batcher;

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
    /* Make all that `run` would make at its first time; the task has no operands. */
    clq_status (*prepare)(clq_context *context, const clq_task *task, clq_error *error);
    clq_status (*batch_prepare)(clq_batch *batch, clq_error *error); /* its tasks have been checked */
    void (*batch_release)(clq_batch *batch);
    clq_status (*batch_run)(clq_batch *batch, const clq_order *order, clq_error *error); /* `order` as in clq_task */
    clq_status (*batch_plan)(const clq_batch *batch, clq_plan *plan, clq_error *error);
    clq_status (*gemm)(clq_context *context, const clq_gemm_task *task, clq_error *error);
    clq_status (*gemm_plan)(clq_context *context, const clq_gemm_task *task, int packed, clq_plan *plan,
                            clq_error *error);
    /* The same for `gemm`, from the problem's m on up to `m_greatest`, with B packed and as it is. */
    clq_status (*gemm_prepare)(clq_context *context, const clq_gemm_problem *problem, uint64_t m_greatest,
                               clq_error *error);
    clq_status (*gemm_row_sums)(clq_context *context, const clq_gemm_task *task, clq_error *error);
    clq_status (*weights_create)(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error);
    /* What it makes of such a B: `form`, `bytes` and `by_host` of weights; the task needs no operands. */
    clq_status (*weights_form)(clq_context *context, const clq_gemm_task *task, clq_gemm_weights *made,
                               clq_error *error);
    void (*weights_destroy)(clq_gemm_weights *weights);
    clq_status (*set_cache)(clq_context *context, const char *directory, clq_error *error);
    clq_status (*force_variant)(clq_context *context, const char *variant, clq_error *error);
    void (*set_patience)(clq_context *context, unsigned seconds); /* NULL: nothing is compiled */
    int (*is_compiling)(const clq_context *context);              /* NULL as that one */
    /* The text of a note of the device that holds as long as its verdicts do (0: there is none), and one to replace it,
     * NULL: none. NULL: nothing is kept. */
    int (*read_note)(const clq_context *context, const char *what, char *text, size_t capacity);
    void (*write_note)(const clq_context *context, const char *what, const char *text);
    const clq_gemm_batcher *gemm_batch; /* NULL: their products run one after the other */
    const clq_tuner *tuner;             /* NULL: there is nothing to tune */
    const clq_keeper *keeper;           /* NULL: nothing is compiled */
} clq_executor;

struct clq_context {
    const clq_executor *executor;
    atomic_int references; /* the user's handle and one for each buffer */
    clq_memory memory;     /* of the host, for what grows with the data */
    clq_device_info device;
    clq_status (*make_host)(clq_context **host, clq_error *error); /* to serve in a device's place; NULL: reference */
    clq_log_function log;
    void *log_cookie;
    clq_cancel_function is_cancelled; /* NULL: never */
    void *cancel_cookie;
    struct clq_cl_state *cl;         /* NULL for others than OpenCL */
    struct clq_native_state *native; /* NULL for others than native */
    atomic_uint trial_ms;            /* that making kernels ready took so far, compilers included */
    atomic_int is_ending;            /* what a thread of the context's own does is to end */
    int emulates;                    /* clq_context_set_emulation */
    int asks_no_permission;          /* clq_context_set_tile_permission */
    int trusts_untried; /* what was never tried is trusted: by tests (CLQ_TEST_UNTRIED), verify and --check */
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
    int is_readable, is_writable;           /* by kernels: the flags of a caller's cl_mem may forbid one */
    int is_host_readable, is_host_writable; /* by reads, writes and mappings: so may other flags, one or both */
};

/* A context with one reference and the given executor. */
clq_status clq_context_new(const clq_executor *executor, clq_context **context, clq_error *error);
void clq_context_release(clq_context *context);
void clq_context_log(const clq_context *context, clq_log_level level, const char *format, ...) CLQ_PRINTF(3, 4);

/* Whether the caller wants no more; and CLQ_CANCELLED in that case, before `what` was done. */
int clq_context_is_cancelled(const clq_context *context);
clq_status clq_context_check_cancel(const clq_context *context, const char *what, clq_error *error);

/* A buffer of the context over `object`; takes a reference to the context. */
clq_status clq_buffer_new(clq_context *context, uint64_t bytes, clq_buffer **buffer, clq_error *error);

#endif
