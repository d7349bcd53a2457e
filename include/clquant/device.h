/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, contexts on them, and memory. */
#ifndef CLQUANT_DEVICE_H
#define CLQUANT_DEVICE_H

#include <clquant/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a device says that it is. */
typedef enum clq_device_type {
    CLQ_DEVICE_REFERENCE = 0,   /* plain C in the calling thread */
    CLQ_DEVICE_CPU = 1,         /* of OpenCL, and native */
    CLQ_DEVICE_GPU = 2,         /* of OpenCL */
    CLQ_DEVICE_ACCELERATOR = 3, /* of OpenCL */
    CLQ_DEVICE_OTHER = 4        /* of OpenCL, and none of these */
} clq_device_type;

/* Facts about a device. Texts end with a zero byte, cut where they are longer. */
typedef struct clq_device_info {
    int32_t platform, device;          /* as in the specification "P:D"; -1 of native, the reference and sub-devices */
    clq_device_type type;              /* as the driver has it */
    char name[128];                    /* likewise */
    char platform_name[128];           /* of the driver; of native and the reference the library's */
    char version[128];                 /* OpenCL version string; empty of native and the reference */
    char driver[128];                  /* its version */
    uint32_t compute_units;            /* of native: threads */
    uint64_t global_memory_bytes;      /* as the driver says */
    uint64_t maximum_allocation_bytes; /* of one buffer */
    int32_t usable;     /* 0: `missing` says what the device lacks, or which call failed before more was known */
    char missing[256];  /* empty where it is usable */
    int32_t in_process; /* not 0: known to compute in this process, on its processor, as the reference does */
} clq_device_info;

/* Of every list of devices the last: native, of type CLQ_DEVICE_CPU, and the reference. Neither needs a driver. */
enum { CLQ_OWN_DEVICES = 2 };

/*
 * Write up to `capacity` devices, best first, the reference last, and set *count to how many there are.
 * `infos` may be NULL when capacity is 0.
 */
CLQ_API clq_status clq_devices(size_t capacity, clq_device_info *infos, size_t *count, clq_error *error);

/*
 * Whether the functions of OpenCL are there, whatever devices they show. CLQ_NO_DEVICE when not: `error` says what
 * could not be loaded and what brings it, or that the library was built without. The list above is native and the
 * reference then. A library that loads OpenCL at run time looks again in each call until it finds it, and keeps it
 * until the process ends.
 */
CLQ_API clq_status clq_opencl_available(clq_error *error);

/* A device with its compiled kernels. Any number of threads may use it at once. */
typedef struct clq_context clq_context;

/*
 * Make a context. `spec`: "auto" or NULL (best GPU, else accelerator, else an OpenCL CPU, else native), "native" (the
 * threads and vectors of this processor, without OpenCL), "reference" (plain C in the calling thread), "cpu" or "gpu"
 * (of OpenCL), "P:D" (platform and device number) or a part of the device's or the platform's name, in any case.
 * CLQ_NO_DEVICE when nothing matches, or devices of several names do.
 *
 * A context of native makes threads when it is first given enough to do, and ends them when it is destroyed; they take
 * none of the program's signals. Calls that come while they work for another compute in the thread that calls.
 */
CLQ_API clq_status clq_context_create(const char *spec, clq_context **context, clq_error *error);
CLQ_API void clq_context_destroy(clq_context **context); /* goes when its last buffer, batch or weights have gone */

/* Facts about the context's device. `info` is filled in; never fails on a live context. */
CLQ_API void clq_context_device(const clq_context *context, clq_device_info *info);

/*
 * Messages for a person: a cache that cannot be written; at level CLQ_LOG_INFO a compiler that has been at work for
 * three seconds, and, once, that kernels are being made ready when that has taken three seconds in all; at
 * CLQ_LOG_DEBUG what was built. NULL (the default) drops them. Set it before the context is shared between threads; the
 * function may then be called from any of them, and from one of the library's own while a call compiles.
 */
typedef enum clq_log_level {
    CLQ_LOG_WARNING = 1, /* something is not as it should be; the result is right all the same */
    CLQ_LOG_INFO = 2,    /* why it takes long */
    CLQ_LOG_DEBUG = 3    /* what was built, tried and cached */
} clq_log_level;
typedef void (*clq_log_function)(void *cookie, clq_log_level level, const char *message);
CLQ_API void clq_context_set_log(clq_context *context, clq_log_function log, void *cookie);

/*
 * Asked before a program is built and before a kernel is compared with the reference, which with a slow compiler take
 * long together: not 0 ends the call that needs them with CLQ_CANCELLED. A compiler that is at work cannot be stopped;
 * the call ends when it returns, and the log says at level CLQ_LOG_INFO what is waited for. What was built and found
 * stays, and a later call goes on from there. Calls whose kernels are known are not ended. Any thread that uses the
 * context may ask, also one of the library's own, and several at a time. NULL (the default): nobody is asked. Set it
 * before the context is shared between threads.
 */
typedef int (*clq_cancel_function)(void *cookie);
CLQ_API void clq_context_set_cancel(clq_context *context, clq_cancel_function is_cancelled, void *cookie);

/*
 * Keep compiled programs, and what their comparison with the reference found, in `directory` (made when missing, mode
 * 0700); NULL: no cache, which is the default. What was tuned for the device and is kept there (clquant/tune.h) decides
 * later calls.
 * A directory that others may write to is refused, since programs are code.
 */
CLQ_API clq_status clq_context_set_cache(clq_context *context, const char *directory, clq_error *error);

/*
 * Host memory that grows with the data, from functions of the caller's: buffers of native and the reference, staging
 * memory that is not pinned, packed weights that lie on the host, and what operations take and give back before they
 * return: native's scratch memory, and where the host serves in place of a device, copies of the operands. Handles,
 * lists of batches, programs and what trials of kernels take are not among it.
 *
 * `allocate` returns `bytes` bytes (1 or more) that begin at a multiple of `alignment`, a power of two up to a page, or
 * NULL: the call that needed them fails with CLQ_OUT_OF_MEMORY, says what they were for, and has touched no operand.
 * `release` gets what `allocate` returned, with the same `bytes`. Both are called from any thread that uses the
 * context, in some calls several times, and must not call the library. NULL and NULL: the C library's functions, the
 * default.
 *
 * Set it before anything is made of the context: CLQ_INVALID_ARGUMENT while memory is handed out. clquant/opencl.h has
 * the same for memory of the device.
 */
typedef void *(*clq_allocate_function)(void *cookie, uint64_t bytes, uint64_t alignment);
typedef void (*clq_release_function)(void *cookie, void *memory, uint64_t bytes);
CLQ_API clq_status clq_context_set_allocator(clq_context *context, clq_allocate_function allocate,
                                             clq_release_function release, void *cookie, clq_error *error);

/*
 * Compiled programs without a directory, or beside one, as bytes that a program ships, stores or maps: a first process
 * keeps and exports them, later ones add them, and compile and compare nothing that is among them.
 *
 * clq_context_keep_programs: what is compiled and found from now on is kept in memory as well, as long as the context
 * lives; call it before the first operation. It costs a few hundred KiB a program.
 *
 * clq_context_export_programs: all that was kept and added, as one piece. `*bytes` receives how many it has; `memory`
 * NULL (and `capacity` 0) asks only that. CLQ_INVALID_ARGUMENT where `capacity` is less: another thread may have
 * compiled meanwhile.
 *
 * clq_context_add_programs: such bytes serve this context, before the first operation; several pieces may be added, and
 * the last one goes before the others. Nothing is copied: they must stay as they are until the context, and all that
 * keeps it alive, is destroyed. `*taken` (or NULL) receives how many of their entries are for this device, its driver
 * and version, and this version of the library; those of others are no error, are passed over, and not exported again:
 * 0 means that all will be compiled anew. An entry that was damaged, or whose binary the driver refuses, is compiled
 * anew as well, and compared anew, as with a directory. A table of tuned values among them (clquant/tune.h) is used,
 * unless the directory has one.
 * CLQ_INVALID_ARGUMENT for bytes that are none, are cut off or whose table was changed, CLQ_UNSUPPORTED for those of
 * another format. Programs are code: what is added must come from where the program itself does.
 *
 * On native and the reference, which compile nothing, what is exported is empty and nothing is taken.
 */
CLQ_API clq_status clq_context_keep_programs(clq_context *context, clq_error *error);
CLQ_API clq_status clq_context_export_programs(clq_context *context, void *memory, uint64_t capacity, uint64_t *bytes,
                                               clq_error *error);
CLQ_API clq_status clq_context_add_programs(clq_context *context, const void *memory, uint64_t bytes, uint64_t *taken,
                                            clq_error *error);

/*
 * Wait for all that this context was given; reports a failure of any of it. Where a device fails in the middle of its
 * work (it is reset, or a driver finds no memory for a command that it has taken), OpenCL leaves open what its context
 * does from then on: from the first such failure on clq_finish, clq_buffer_read, clq_buffer_map, clq_buffer_unmap,
 * clq_staging_to_host and clq_gemm_weights_create fail in every thread, with what the command ended with, and another
 * context is needed. A device that tells of a failure when it is given its work ends that call alone.
 */
CLQ_API clq_status clq_finish(clq_context *context, clq_error *error);

/* Memory where the context's device can use it; host memory for native and the reference. */
typedef struct clq_buffer clq_buffer;

/* A buffer of that many bytes, at least 1, of unspecified contents. CLQ_OUT_OF_MEMORY. */
CLQ_API clq_status clq_buffer_create(clq_context *context, uint64_t bytes, clq_buffer **buffer, clq_error *error);

/*
 * A buffer over the caller's memory, which must stay valid until the buffer is destroyed and is only touched by the
 * caller between clq_buffer_map and clq_buffer_unmap. Costs no copy on native, the reference and CPU devices.
 */
CLQ_API clq_status clq_buffer_wrap(clq_context *context, void *memory, uint64_t bytes, clq_buffer **buffer,
                                   clq_error *error);

/*
 * Destroying a mapped buffer unmaps it. A wrapped one waits for the operations of its context, after which the memory
 * is the caller's alone, with what it had when it was last mapped: what was computed into it since is in the memory of
 * a device that has one of its own, and gone. Any other may be destroyed while operations that use it are still to run.
 */
CLQ_API void clq_buffer_destroy(clq_buffer **buffer);
CLQ_API uint64_t clq_buffer_bytes(const clq_buffer *buffer); /* as it was made */

/* Copy in or out, after all operations enqueued before; complete when it returns, also for commands on queues of the
 * caller's own. */
CLQ_API clq_status clq_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                                    clq_error *error);
CLQ_API clq_status clq_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes,
                                   clq_error *error);

/*
 * Copy from one buffer to another of the same context, on the device. Enqueued as an operation is, so that it does not
 * wait; neither buffer may be mapped. The two parts must not overlap, in one buffer or in two over the same memory.
 */
CLQ_API clq_status clq_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                                   uint64_t target_offset_bytes, uint64_t bytes, clq_error *error);

/* Host address of the whole buffer, for reading and writing, until clq_buffer_unmap; waits for operations before. What
 * was written there is in the buffer when clq_buffer_unmap returns, also for commands on queues of the caller's own. */
CLQ_API clq_status clq_buffer_map(clq_buffer *buffer, void **memory, clq_error *error);
CLQ_API clq_status clq_buffer_unmap(clq_buffer *buffer, clq_error *error);

/*
 * Host memory with memory of the device behind it, for data that passes through a device piece by piece. Where the
 * device works in the host's memory (the reference, CPU devices) the two are one and nothing is copied; elsewhere the
 * host memory is pinned.
 *
 * The memory is the host's at first. clq_staging_to_device hands it to the device, which sees what the host has written
 * to [first_byte, first_byte + bytes); further calls hand over more. clq_staging_to_host waits for the operations
 * enqueued before and takes it back: what they have written there can be read. In between the host keeps its hands off.
 * Bytes that were not named in either call are not specified on the side that did not write them last. Take back what
 * operations have written and nothing else: other bytes may be overwritten by what the device's memory happens to hold.
 */
typedef struct clq_staging clq_staging;

/* At least 1 byte; the contents are unspecified. CLQ_OUT_OF_MEMORY. */
CLQ_API clq_status clq_staging_create(clq_context *context, uint64_t bytes, clq_staging **staging, clq_error *error);
CLQ_API void clq_staging_destroy(clq_staging **staging);            /* waits for operations that use it */
CLQ_API void *clq_staging_memory(const clq_staging *staging);       /* aligned to a page */
CLQ_API clq_buffer *clq_staging_buffer(const clq_staging *staging); /* for operands; lives as long as the staging */

/*
 * Optional: begin the copy of these bytes beside the operations under way, from any thread, and return at once. The
 * host keeps its hands off from now on; clq_staging_to_device of the same bytes then copies nothing, and the operations
 * enqueued after it wait for the copy. Does nothing where the two memories are one. One range is on its way at a time:
 * CLQ_INVALID_ARGUMENT for another, or when the device has the memory.
 */
CLQ_API clq_status clq_staging_send(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error);
CLQ_API clq_status clq_staging_to_device(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error);
CLQ_API clq_status clq_staging_to_host(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error);

#ifdef __cplusplus
}
#endif

#endif
