/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenCL layer that gives the device under it the habits of others, so that what only works on a CPU that shares
 * its memory fails here. For tests; never installed. The loader puts it in with OPENCL_LAYERS=PATH; CLQ_ZOO lists the
 * habits, separated by blanks; of two that say different things the later one holds:
 *
 *     type=cpu, type=gpu, type=accelerator  what the device says it is
 *     name=NAME             its name, one word
 *     vendor=N              the number of who made it
 *     own-memory            new buffers hold noise, CL_MEM_USE_HOST_PTR copies when the buffer is made, a mapping is a
 *                           copy that goes back when it is unmapped
 *     late                  a write that blocks has read the host's memory when it returns, and arrives later; what
 *                           does not block begins later
 *     reorder               commands of an out-of-order queue begin in another order than they were enqueued in
 *     early-finish          clFinish returns at once when clFlush came last
 *     in-order              no out-of-order queues
 *     group=N               work-groups of at most N items; a kernel that requires larger ones does not build
 *     kernel-group=N        of at most N for every kernel, whatever the device says it has for others
 *     some-group=N          of at most N for kernels whose names have an odd number of letters
 *     multiple=N            the preferred multiple of work-group sizes
 *     sized-groups          a launch of several work-items that leaves its groups to the runtime is refused, but for
 *                           probe_*: of a size that is prime a runtime makes groups of one item
 *     groups-behind=N       a launch of more than N work-groups along its second or third dimension is refused, as CUDA
 *                           does from 65536 on; where the runtime chooses groups, of more than N items
 *     local=N               N bytes of local memory; a kernel that has more is not made, or not run
 *     units=N               compute units
 *     allocation=N          buffers of at most N bytes
 *     unrestricted=N        but for one made with CL_MEM_ALLOW_UNRESTRICTED_SIZE_INTEL, which says that it has N
 *     gives=N, gives=N:CODE a buffer of more bytes is not given, whatever the device says its largest has
 *     lazy=N                a buffer of more bytes is made, and what uses it fails: a launch, a write, a mapping
 *     align=N               sub-buffers begin at multiples of N bits
 *     no-cache              no cache
 *     cache-unknown         the question for its size fails
 *     bits=32               32-bit addresses: size_t has them in kernels, and launches are no larger
 *     slow=N:FILE           a launch takes N milliseconds of the processor more, and leaves a line in that file
 *     no-double             neither cl_khr_fp64 nor the word `double`
 *     no-images             no images
 *     plain-float           f32 subnormals are flushed to zero, and fma is not said to be there
 *     handlers              the compiler takes away the process's signal handlers, as LLVM's do
 *     hold-build=FILE       a build of a program does not go on while this file is there; it gets a line then:
 *                           the process's number
 *     exclusive=FILE        one process at a time has a context; the others get CL_DEVICE_NOT_AVAILABLE
 *     nan=N                 reads from the Nth on bring NaN in place of all data
 *     fail=FUNCTION:N:CODE  the Nth call of that function fails with this code
 *     crash=KERNEL          a launch of that kernel ends the process with SIGSEGV; =KERNEL:N, with exit code N
 *     crash-build=KERNEL    so does the build of a program that has it
 *     crash-call=FUNCTION:N so does the Nth call of that function, also of clReleaseContext; not together with `fail`
 *     hang=KERNEL, hang-build=KERNEL  a launch, or a build, does not return
 *     scarce=KERNEL, scarce-build=KERNEL  a launch, or a build, fails with CL_OUT_OF_RESOURCES, always
 *     lost=KERNEL           a launch does, and all that can fail from then on; not together with `fail`
 *     scarce-read=KERNEL, lost-read=KERNEL  a launch does nothing, and the next read or mapping that its queue waits
 *                           for fails as these do
 *     lose=NAME, lose=NAME:N  each command that a function of this name enqueues, or launch of such a kernel, or the
 *                           Nth, is taken and ends abnormally (CL_OUT_OF_RESOURCES); so does what waits for its event,
 *                           and the queue goes on
 *     lose-by=VARIABLE      as `lose`, by what that variable of the environment says at the time: empty: nothing
 *     fail-every=N:CODE     every Nth call of any function that can fail does; not together with `fail`
 *     mutate=NAME, =FILE    kernels are changed before they are compiled: by a mutation of fault_programs.c (unfused,
 *                           inexact-divide, worse-divide, wrong-divide, truncate, flush), or by a file whose lines are
 *                           "OLD tab NEW": every OLD becomes NEW, an empty OLD puts NEW before each source, \n is a
 *                           newline
 *     options=OPTION        every program is built with this option too
 *     refuse-binaries       clCreateProgramWithBinary fails
 *     stale-binaries        it makes a program of another binary that it was given before, with kernels of these names
 *     ignore-waits          commands do not wait for events, and are done when they have been enqueued
 *     empty-maps            with own-memory: a mapping holds what the host's memory held, or noise
 *     whole-sub-buffers     sub-buffers begin where their buffer does
 *     round-offsets         of writes and copies, down to multiples of 4
 *     wrap-offsets          of writes, modulo 2^32
 *     flip-reads=N, flip-writes=N, flip-maps=N  a bit turned over in every Nth read, write, or mapping that is read
 *
 * or names a device of the zoo, which stands for a list of them (layer.c): discrete, accelerator, tiny-1, tiny-3,
 * tiny-16, tiny-32, narrow, mesa.
 */
#ifndef CLQ_TESTS_ZOO_H
#define CLQ_TESTS_ZOO_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl_layer.h>

typedef struct zoo_habits { /* of names NULL and of numbers 0 is the device's own */
    const char *name;
    cl_device_type type;
    int own_memory, late, reorder, early_finish, in_order;
    int handlers;
    int sized_groups, no_cache, cache_unknown, no_double, no_images, plain_float;
    size_t nan_from; /* 0: never */
    size_t group, kernel_group, some_group, multiple, groups_behind;
    size_t local, units, allocation, unrestricted, align, bits, vendor;
    int refuse_binaries, stale_binaries;
    int ignore_waits, empty_maps, whole_sub_buffers, round_offsets, wrap_offsets;
    size_t flip_reads, flip_writes, flip_maps; /* 0: never */
} zoo_habits;

extern zoo_habits zoo;
extern const cl_icd_dispatch *zoo_below; /* what is under the layer */

/* Each _init puts the functions of its file into `layer`, before those that are there. A _device_info answers in the
 * device's place, as clGetDeviceInfo would, and returns 0 for what it has nothing to say about. */

/* Answer a query with these bytes. */
cl_int zoo_answer(const void *from, size_t size, size_t capacity, void *value, size_t *bytes);

/* memory.c */
void zoo_memory_init(cl_icd_dispatch *layer);

/* order.c: when commands begin, and what waits for them. zoo_gate makes an event that completes in a moment. */
void zoo_order_init(cl_icd_dispatch *layer);
cl_event zoo_gate(cl_command_queue queue, unsigned milliseconds);

/* groups.c */
void zoo_groups_init(cl_icd_dispatch *layer);
int zoo_groups_device_info(cl_device_id device, cl_device_info what, size_t capacity, void *value, size_t *bytes,
                           cl_int *code);
/* Whether a kernel of a built program requires larger groups than there are. */
int zoo_groups_refuse(cl_program program, cl_device_id device);

/* limits.c */
void zoo_limits_init(cl_icd_dispatch *layer);
int zoo_limits_slow(const char *text);  /* 0 for text that is none */
int zoo_limits_gives(const char *text); /* likewise */
int zoo_limits_device_info(cl_device_id device, cl_device_info what, size_t capacity, void *value, size_t *bytes,
                           cl_int *code);

/* compiler.c */
void zoo_compiler_init(cl_icd_dispatch *layer);
int zoo_compiler_device_info(cl_device_id device, cl_device_info what, size_t capacity, void *value, size_t *bytes,
                             cl_int *code);
int zoo_compiler_hold(const char *path);

/* failure.c: read "FUNCTION:N:CODE" and, once all of `layer` is filled in, put the failure before that function; or
 * "N:CODE", before all. Returns 0 for text that is none, or a function that cannot fail. */
int zoo_failure_init(cl_icd_dispatch *layer, const char *text);
int zoo_failure_init_every(cl_icd_dispatch *layer, const char *text);
/* What becomes of the process or the call, "KERNEL" or, where the process ends, "KERNEL:N": at launches of a kernel, at
 * builds of a program that has it, or at the wait behind a launch; "FUNCTION:N", where it ends. */
typedef enum zoo_fate { ZOO_ENDS, ZOO_HANGS, ZOO_LACKS, ZOO_LOSES } zoo_fate;
typedef enum zoo_where { ZOO_AT_LAUNCH, ZOO_AT_BUILD, ZOO_AT_READ } zoo_where;
int zoo_failure_init_kernel(cl_icd_dispatch *layer, const char *text, zoo_fate met, zoo_where where);
int zoo_failure_init_fatal(cl_icd_dispatch *layer, const char *text);
int zoo_failure_init_exclusive(cl_icd_dispatch *layer, const char *path);

/* first_use.c: put memory that is given at its first use before `layer`; 0 for text that is no number of bytes. */
int zoo_first_use_init(cl_icd_dispatch *layer, const char *text);

/* lose.c: the same of commands that end abnormally, "NAME" or "NAME:N", or of a variable that says which. */
int zoo_lose_init(cl_icd_dispatch *layer, const char *text);
int zoo_lose_init_by(cl_icd_dispatch *layer, const char *text);

/* fault_programs.c: a habit each, 0 for text that is none; the options of a build with those that are forced, which may
 * be in `all`. */
void zoo_programs_init(cl_icd_dispatch *layer);
int zoo_programs_mutate(const char *text);
int zoo_programs_force(const char *option);
const char *zoo_programs_options(const char *options, char *all, size_t capacity);

/* fault_transfers.c: put before the transfers of `layer`, once the habits are known */
void zoo_transfers_init(cl_icd_dispatch *layer);

#endif
