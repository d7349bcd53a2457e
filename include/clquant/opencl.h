/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clquant for programs that own OpenCL objects: contexts over a cl_context, buffers over a cl_mem, and operations on
 * the caller's queue with a wait list in and an event out.
 *
 * What is handed in is retained while it is used and never owned. The first run of a description on a context compiles
 * its kernels and compares them with the reference, which takes a while and waits for the device; clq_plan_operation
 * does not, and clq_prepare and clq_gemm_prepare do it ahead of time, after which clq_plan.by_host says whether the
 * caller's queue will be refused, because no kernel of the device is left. Later runs never wait, and compile and
 * allocate nothing, but for a kernel object where more threads than ever before enqueue the same kernel at once. They
 * take no lock: first runs of other descriptions, in other threads, hold none of them up. Where no kernel of the device
 * gives the reference's bytes, operations on the caller's queue fail with CLQ_MISMATCH (the plan's variant is "host"
 * then), for they cannot wait for the host, which computes those without a clq_launch; with CLQ_UNSUPPORTED where a
 * limit of the device is why, as the plan's reason says: buffers too small to compare its kernels, loops that it ends.
 *
 * Queues know nothing of one another, and what a context is given without a clq_launch goes to a queue of its own. So:
 *   - clq_buffer_write, clq_buffer_unmap, clq_batch_create and clq_gemm_weights_create
 *     are complete when they return: commands enqueued afterwards, on any queue, see what they wrote.
 *   - Operations without a launch, clq_buffer_copy and clq_staging_to_device are complete after clq_finish: call it
 *     before a clq_enqueue that reads or writes the same memory.
 *   - clq_buffer_read, clq_buffer_map, clq_staging_to_host and operations without a launch do not wait for the caller's
 *     queues: wait for the event of clq_enqueue first.
 */
#ifndef CLQUANT_OPENCL_H
#define CLQUANT_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION /* the program's choice, which any version from 1.1 on may be */
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <clquant/clquant.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A context over the caller's. `device` must belong to `opencl`. CLQ_UNSUPPORTED when it lacks what the library needs.
 * A library that loads OpenCL at run time calls the functions that the program is linked with, or else those of the
 * loader's soname (libOpenCL.so.1), of which a process has one: they are the caller's own.
 */
CLQ_API clq_status clq_context_from_opencl(cl_context opencl, cl_device_id device, clq_context **context,
                                           clq_error *error);

/*
 * A buffer over bytes [offset_bytes, offset_bytes + bytes) of `memory`, a buffer or sub-buffer of the cl_context; the
 * offset is a multiple of 16. Operations refuse to write over memory made with CL_MEM_READ_ONLY and to read memory made
 * with CL_MEM_WRITE_ONLY; clq_dynamic_quantize also reads the range, scales and zero points that it has written.
 *
 * CL_MEM_HOST_WRITE_ONLY, CL_MEM_HOST_READ_ONLY and CL_MEM_HOST_NO_ACCESS are heeded: every operation takes such
 * memory, by copies on the device where the host computes. clq_buffer_read and clq_buffer_write are refused where the
 * flag forbids them, clq_buffer_map maps for what it leaves (for reading or for writing alone) and is refused where
 * that is nothing; the message names the flag. CLQ_UNSUPPORTED for memory of more than 4 GiB that is larger than the
 * largest buffer of an Intel GPU (CL_MEM_ALLOW_UNRESTRICTED_SIZE_INTEL), of which kernels reach 4 GiB.
 */
CLQ_API clq_status clq_buffer_from_opencl(clq_context *context, cl_mem memory, uint64_t offset_bytes, uint64_t bytes,
                                          clq_buffer **buffer, clq_error *error);

/* Where a pointer comes from that kernels of the device and the host share. */
typedef enum clq_pointer_kind {
    CLQ_POINTER_SVM_COARSE = 0, /* clSVMAlloc of OpenCL 2.0 and later, coarse-grained */
    CLQ_POINTER_SVM_FINE = 1,   /* the same with CL_MEM_SVM_FINE_GRAIN_BUFFER */
    CLQ_POINTER_USM = 2         /* clHostMemAllocINTEL, clSharedMemAllocINTEL or clDeviceMemAllocINTEL of the extension
                                   cl_intel_unified_shared_memory */
} clq_pointer_kind;

/*
 * A buffer over bytes [offset_bytes, offset_bytes + bytes) from `pointer` on, with nothing copied. SVM: `pointer` is
 * what clSVMAlloc returned, whose memory kernels may read and write, for the cl_context that the context is over. USM:
 * any address in an allocation of it. The buffer begins at a multiple of 16 bytes of the allocation. The memory must
 * stay until the buffer is destroyed, which waits for the operations of its context; those on queues of the caller's
 * the caller waits for.
 *
 * While no operation that uses it is under way, the host may touch the memory as its kind allows: what is fine-grained,
 * host or shared directly, what is coarse-grained between clq_buffer_map, which gives the pointer itself, and
 * clq_buffer_unmap, or clEnqueueSVMMap and clEnqueueSVMUnmap on a queue of the caller's, what is the device's not at
 * all (clq_buffer_read and clq_buffer_write copy). Two buffers over bytes that overlap are told as others are.
 *
 * CLQ_UNSUPPORTED where the device lacks that kind, which the message names. CLQ_INVALID_ARGUMENT for a pointer that
 * the driver does not know as one of that kind, and for memory that ends before the last byte; a driver may take an SVM
 * address within an allocation for its beginning, and the library cannot tell.
 */
CLQ_API clq_status clq_buffer_from_pointer(clq_context *context, clq_pointer_kind kind, void *pointer,
                                           uint64_t offset_bytes, uint64_t bytes, clq_buffer **buffer,
                                           clq_error *error);

/*
 * The other way round: the cl_mem of any buffer of an OpenCL context, and the byte where the buffer begins in it, for
 * commands of the caller's own and as a workspace. It is not retained for the caller, and lives as long as the buffer;
 * commands in a queue keep it alive. CLQ_INVALID_ARGUMENT for a buffer of native or the reference, which has none.
 */
CLQ_API clq_status clq_buffer_memory(const clq_buffer *buffer, cl_mem *memory, uint64_t *offset_bytes,
                                     clq_error *error);

/*
 * Memory of the device from a function of the caller's: all that the library would make by clCreateBuffer, which is
 * buffers (also pinned ones, for staging: CL_MEM_ALLOC_HOST_PTR in `flags`), packed weights, the scratch memory of the
 * context's own queue, which grows and is not given back before the context goes, that of records, and what trials of
 * kernels, and copies of operands with CL_MEM_HOST_ flags, take for a moment; but for memory that lies over the
 * caller's (clq_buffer_wrap), and the small tables of batches.
 *
 * `allocate` returns a buffer or sub-buffer of `opencl` with at least `bytes` bytes that kernels and the host may read
 * and write, and that is nobody else's; or NULL, and the call that needed it fails with CLQ_OUT_OF_MEMORY, and says
 * what for. The reference goes to the library, which gives it back by clReleaseMemObject; commands in a queue may keep
 * it alive after that: clSetMemObjectDestructorCallback tells when it is free. The function is called from any thread
 * that uses the context, and must not call the library. NULL: clCreateBuffer, the default. Set it before the context is
 * shared between threads. CLQ_INVALID_ARGUMENT for a context without OpenCL, and by the call that needed the memory for
 * one that is not as said.
 */
typedef cl_mem (*clq_opencl_allocate_function)(void *cookie, cl_context opencl, cl_mem_flags flags, uint64_t bytes);
CLQ_API clq_status clq_context_set_opencl_allocator(clq_context *context, clq_opencl_allocate_function allocate,
                                                    void *cookie, clq_error *error);

/* Where and when an operation runs. Zero all fields, then set `struct_size` and `queue`. */
typedef struct clq_launch {
    uint32_t struct_size;      /* sizeof(clq_launch) */
    cl_command_queue queue;    /* of the context's cl_context and device, in-order or not */
    cl_uint wait_count;        /* of wait_list */
    const cl_event *wait_list; /* what the operation begins after; NULL when wait_count is 0 */
    /* Not NULL: receives the event of the operation's last command, which the caller releases. The commands before it
     * are in each other's wait lists, so that with any of them this one ends abnormally. */
    cl_event *event;
    /* Scratch memory of at least clq_plan.workspace_bytes, not used by another operation at the same time: a buffer of
     * the same cl_context, CL_MEM_READ_WRITE, whose clq_plan.workspace_bytes from the offset on are no operand's. The
     * offset is a multiple of 16. Not looked at when clq_plan.workspace_bytes is 0. */
    cl_mem workspace;
    uint64_t workspace_offset_bytes; /* where it begins in `workspace` */
    uint64_t workspace_bytes;        /* that it has from there on */
    /* As `event`, of the first command, which may be the last, so that an operation is profiled as a whole: from this
     * one's CL_PROFILING_COMMAND_START to that one's CL_PROFILING_COMMAND_END. Another place than `event`'s. A failure
     * gives neither. */
    cl_event *first_event;
} clq_launch;

/*
 * Enqueue `operation` on launch->queue, in-order or out-of-order; its commands are chained by events on the latter.
 * Returns as the operation of the same name does, and CLQ_INVALID_ARGUMENT for a workspace that is too small or not as
 * clq_launch has it, or a queue of another cl_context or device. On failure no event is returned; commands enqueued
 * before may still run.
 */
CLQ_API clq_status clq_enqueue(clq_context *context, clq_operation operation, const clq_quantization *q,
                               const clq_operands *operands, const clq_launch *launch, clq_error *error);

/*
 * All of a batch on the caller's queue, under the rules of clq_enqueue; the workspace is that of clq_batch_plan. A
 * batch may be enqueued by one thread at a time, and again before its commands have run, though not with the same
 * workspace unless they run one after the other. clq_batch_create did what a first run does.
 */
CLQ_API clq_status clq_enqueue_batch(clq_batch *batch, const clq_launch *launch, clq_error *error);

/*
 * clq_gemm on the caller's queue, under the rules of clq_enqueue; the workspace is that of clq_gemm_plan. What is said
 * above of a first run holds for each kernel that clq_gemm_plan can name with its tile: on CPU devices tiles have m
 * rows up to 12, and above that 8 or 12: clq_gemm_prepare goes through them all. With packed weights a later run
 * enqueues and does nothing else. A first run that sets a kernel aside, or learns that the device ends loops, may need
 * another workspace than was planned, and refuses the one given: plan again.
 */
CLQ_API clq_status clq_enqueue_gemm(clq_context *context, const clq_gemm_problem *problem,
                                    const clq_gemm_operands *operands, const clq_launch *launch, clq_error *error);

/*
 * All products of a batch on the caller's queue, under the rules of clq_enqueue, but for a workspace, which is not
 * looked at: the batch has its own. By one thread at a time, and again only where the runs follow each other (on one
 * in-order queue, or behind the event of the run before), since all write the same memory. clq_gemm_batch_create did
 * what a first run does. Where some of the products are the host's it fails as
 * clq_enqueue_gemm does for the first of them.
 */
CLQ_API clq_status clq_enqueue_gemm_batch(clq_gemm_batch *batch, const clq_launch *launch, clq_error *error);

/*
 * An operation that is checked and planned once, with all its arguments in kernel objects of its own, and enqueued many
 * times: an engine's layer, whose memory stays where it is. What clq_enqueue does each time, but for the launches
 * themselves, is done by clq_record_create; the bytes are the same.
 *
 * Creating waits and compiles as a first clq_enqueue does, and fails as it does, with nothing enqueued. `launch` gives
 * the queue, which the record is for and retains, and the workspace; without one (`workspace` NULL) the record makes
 * scratch memory of its own where it needs any. What is waited for and what events come out is said at each
 * clq_record_enqueue, so that those members are 0 and NULL. The record keeps the cl_mem of operands, weights and
 * workspace, and its context: the clq_buffer, the clq_gemm_weights and the batch may be destroyed before it, but
 * memory that a buffer or weights only lie over (clq_buffer_wrap, clq_gemm_weights_import) stays the caller's to keep.
 * Values are read at each run; descriptions, offsets and sizes are those of the creation.
 */
typedef struct clq_record clq_record;
CLQ_API clq_status clq_record_create(clq_context *context, clq_operation operation, const clq_quantization *q,
                                     const clq_operands *operands, const clq_launch *launch, clq_record **record,
                                     clq_error *error);
CLQ_API clq_status clq_record_create_gemm(clq_context *context, const clq_gemm_problem *problem,
                                          const clq_gemm_operands *operands, const clq_launch *launch,
                                          clq_record **record, clq_error *error);
CLQ_API clq_status clq_record_create_batch(clq_batch *batch, const clq_launch *launch, clq_record **record,
                                           clq_error *error);
CLQ_API clq_status clq_record_create_gemm_batch(clq_gemm_batch *batch, const clq_launch *launch, clq_record **record,
                                                clq_error *error);

/*
 * Enqueue what was recorded, behind the events of `wait_list`; `first_event` and `event` (either may be NULL) are as in
 * clq_launch. Never waits, compiles, allocates or takes a lock. By one thread at a time: its kernel objects are not
 * shared. It may be enqueued again before its commands have run: on an in-order queue they run one after the other; on
 * another one give the event of the run before as one to wait for, since all runs write the same memory. Fails with
 * CLQ_INVALID_ARGUMENT for a wait_list that does not go with its count, and CLQ_DEVICE_ERROR or CLQ_OUT_OF_MEMORY as
 * the device does: no event is returned then, and commands enqueued before may still run.
 */
CLQ_API clq_status clq_record_enqueue(clq_record *record, cl_uint wait_count, const cl_event *wait_list,
                                      cl_event *first_event, cl_event *event, clq_error *error);
CLQ_API void clq_record_destroy(clq_record **record); /* its commands may still be to run; NULL is passed over */

#ifdef __cplusplus
}
#endif

#endif
