/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both lists, of programs and of a program's kernels, only grow, at their heads: they are read without a lock. What is
 * missing is added under the lock of all programs, which is never held while a program is built or a kernel made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "opencl/runtime/build.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/source.h"
#include "opencl/runtime/watch.h"

/* The compiler refused the kernel, which is told with its log; or it could not run. */
static clq_status build_failed(const struct clq_cl_state *cl, cl_program program, cl_int code, const char *file,
                               const char *options, clq_error *error)
{
    const int is_refused = clq_cl_is_of_kernel(code);
    clq_status status = clq_cl_fail(error, code, "clBuildProgram");
    status = clq_fail_in(error, is_refused ? CLQ_BUILD_FAILED : status, "kernels/%s with options '%s'", file, options);
    if (is_refused && error != NULL) {
        char *log = NULL;
        size_t bytes = 0;
        if (clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) == CL_SUCCESS &&
            bytes > 0 && (log = calloc(1, bytes + 1)) != NULL) {
            (void)clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
            clq_keep_log(error, log);
        }
        free(log);
    }
    return status;
}

/* Not 0: it is not to be compiled. */
static int tell_compiling(const clq_cl_programs *programs, const char *file, const char *options)
{
    return programs->compiles != NULL && programs->compiles(programs->compiles_cookie, file, options);
}

/* A compiler that takes long is told of meanwhile. */
static cl_int compile(const clq_context *context, cl_program program, const char *file, const char *options)
{
    char what[400];
    clq_cl_watch watch;
    cl_int code;
    snprintf(what, sizeof what, "compiling kernels/%s with '%s' on %s", file, options, context->device.name);
    clq_cl_watch_begin(&watch, context, what);
    code = clq_cl_build(program, context->cl->device, options);
    clq_cl_watch_end(&watch);
    (void)tell_compiling(&context->cl->programs, NULL, NULL);
    return code;
}

/* Compilers for processors make the machine code when they are asked for it (PoCL 3.1: in twice the time of the build,
 * and of all its kernels): that is not begun for nobody. Elsewhere what is built already is worth keeping. */
static clq_status begin_binary(const clq_context *context, clq_error *error)
{
    return context->device.type == CLQ_DEVICE_CPU
               ? clq_context_check_cancel(context, "a kernel was compared with the reference", error)
               : CLQ_OK;
}

/*
 * From the cache, else from source. Where the driver refused what was kept, it is not the driver of then: whatever it
 * makes now counts as never tried, so that its binary is unknown until the next process.
 */
static clq_status build(clq_context *context, const char *file, const char *options, cl_program *program,
                        uint64_t *binary, clq_error *error)
{
    clq_status status = CLQ_OK;
    const struct clq_cl_state *cl = context->cl;
    char *source = clq_cl_source(file);
    const char *sources[1];
    cl_program made = NULL;
    clq_cl_found found;
    cl_int code = CL_SUCCESS;
    if (source == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the source of kernels/%s", file);
    }
    made = clq_cl_cache_load(context, source, options, &found);
    *binary = found.hash;
    if (made == NULL) {
        if (tell_compiling(&context->cl->programs, file, options)) {
            status = clq_fail(error, CLQ_BUILD_FAILED,
                              "kernels/%s with options '%s' is not compiled again: the compiler did not come back",
                              file, options);
            goto done;
        }
        sources[0] = source;
        made = clCreateProgramWithSource(cl->context, 1, sources, NULL, &code);
        if (made == NULL) {
            (void)tell_compiling(&context->cl->programs, NULL, NULL);
            status = clq_cl_fail(error, code, "clCreateProgramWithSource");
            goto done;
        }
        code = compile(context, made, file, options);
        if (code != CL_SUCCESS) {
            status = build_failed(cl, made, code, file, options, error);
            goto done;
        }
        clq_context_log(context, CLQ_LOG_DEBUG, "built kernels/%s with '%s'", file, options);
        CLQ_TRY_TO(begin_binary(context, error));
        *binary = clq_cl_cache_store(context, source, options, made);
        *binary = found.is_refused ? 0 : *binary;
    }
    *program = made;
    made = NULL;
done:
    if (made != NULL) {
        (void)clReleaseProgram(made);
    }
    free(source);
    return status;
}

/* ---- programs ---- */

void clq_cl_programs_init(clq_cl_programs *programs)
{
    atomic_init(&programs->first, NULL);
    programs->compiles = NULL;
    pthread_mutex_init(&programs->lock, NULL);
    pthread_cond_init(&programs->built, NULL);
}

static uint64_t key_of(const char *file, const char *options)
{
    return XXH3_64bits_withSeed(options, strlen(options), XXH3_64bits(file, strlen(file)));
}

static clq_cl_program *find_program(clq_cl_programs *programs, const char *file, const char *options)
{
    const uint64_t key = key_of(file, options);
    clq_cl_program *p = atomic_load_explicit(&programs->first, memory_order_acquire);
    while (p != NULL && (p->key != key || strcmp(p->options, options) != 0 || strcmp(p->file, file) != 0)) {
        p = p->next;
    }
    return p;
}

/* The lock is held. NULL: no memory. */
static clq_cl_program *find_or_add_program(clq_cl_programs *programs, const char *file, const char *options)
{
    clq_cl_program *p = find_program(programs, file, options);
    if (p == NULL && (p = calloc(1, sizeof *p)) != NULL) {
        p->key = key_of(file, options);
        snprintf(p->file, sizeof p->file, "%s", file);
        snprintf(p->options, sizeof p->options, "%s", options);
        p->next = atomic_load_explicit(&programs->first, memory_order_relaxed);
        atomic_store_explicit(&programs->first, p, memory_order_release);
    }
    return p;
}

/* The lock is held, also afterwards: wait for the build under way, which another thread began. */
static clq_status await_build(clq_cl_programs *programs, clq_cl_program *program, clq_error *error)
{
    const unsigned build = program->builds;
    while (program->is_being_built && program->builds == build) {
        pthread_cond_wait(&programs->built, &programs->lock);
    }
    if (atomic_load_explicit(&program->object, memory_order_relaxed) != NULL) {
        return CLQ_OK;
    }
    if (program->failure == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a program");
    }
    if (error != NULL) {
        *error = *program->failure;
    }
    return program->failure->status;
}

static clq_status build_unless_cancelled(clq_context *context, const clq_cl_program *program, cl_program *object,
                                         uint64_t *binary, clq_error *error)
{
    char what[96];
    snprintf(what, sizeof what, "kernels/%s was built", program->file);
    CLQ_TRY(clq_context_check_cancel(context, what, error));
    return build(context, program->file, program->options, object, binary, error);
}

/* The lock is held, but not while the program is built; `story` receives a failure, for those who wait as well. */
static clq_status build_program(clq_context *context, clq_cl_program *program, clq_error *story)
{
    clq_cl_programs *programs = &context->cl->programs;
    cl_program object = NULL;
    uint64_t binary = 0;
    clq_status status;
    program->is_being_built = 1;
    program->builds++;
    pthread_mutex_unlock(&programs->lock);
    status = build_unless_cancelled(context, program, &object, &binary, story);
    pthread_mutex_lock(&programs->lock);
    program->binary = binary;
    atomic_store_explicit(&program->object, object, memory_order_release);
    program->is_being_built = 0;
    pthread_cond_broadcast(&programs->built);
    return status;
}

/* A build that failed is tried again by the next caller. */
static clq_status make_program(clq_context *context, const char *file, const char *options, clq_cl_program **found,
                               clq_error *error)
{
    clq_cl_programs *programs = &context->cl->programs;
    clq_status status = CLQ_OK;
    clq_error *story = calloc(1, sizeof *story);
    clq_cl_program *p;
    pthread_mutex_lock(&programs->lock);
    p = story != NULL ? find_or_add_program(programs, file, options) : NULL;
    if (p == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a program");
    } else if (p->is_being_built) {
        status = await_build(programs, p, error);
    } else if (atomic_load_explicit(&p->object, memory_order_relaxed) == NULL) {
        status = build_program(context, p, story);
        if (status != CLQ_OK) {
            clq_error *old = p->failure;
            if (error != NULL) {
                *error = *story;
            }
            p->failure = story;
            story = old;
        }
    }
    pthread_mutex_unlock(&programs->lock);
    free(story);
    *found = p;
    return status;
}

/* ---- kernels ---- */

static clq_cl_pool *find_pool(clq_cl_program *program, const char *kernel)
{
    clq_cl_pool *p = atomic_load_explicit(&program->pools, memory_order_acquire);
    while (p != NULL && strcmp(p->name, kernel) != 0) {
        p = p->next;
    }
    return p;
}

static clq_status make_pool(clq_cl_programs *programs, clq_cl_program *program, const char *kernel, clq_cl_pool **pool,
                            clq_error *error)
{
    clq_cl_pool *p;
    pthread_mutex_lock(&programs->lock);
    p = find_pool(program, kernel);
    if (p == NULL && (p = calloc(1, sizeof *p)) != NULL) {
        snprintf(p->name, sizeof p->name, "%s", kernel);
        p->program = program;
        p->next = atomic_load_explicit(&program->pools, memory_order_relaxed);
        atomic_store_explicit(&program->pools, p, memory_order_release);
    }
    pthread_mutex_unlock(&programs->lock);
    *pool = p;
    return p != NULL ? CLQ_OK : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a kernel");
}

/* Registers and local memory of a kernel may leave it smaller work-groups than the device has for others. */
static clq_status find_group_size(const clq_context *context, clq_cl_pool *pool, cl_kernel kernel, clq_error *error)
{
    size_t size = 0;
    if (atomic_load(&pool->maximum_group_size) == 0) {
        CLQ_CL(clGetKernelWorkGroupInfo, kernel, context->cl->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof size, &size,
               NULL);
        atomic_store(&pool->maximum_group_size, size > 0 ? size : 1);
    }
    return CLQ_OK;
}

/* A place is empty or holds an object that nobody else has: whoever swaps it out owns it. */
static cl_kernel take_idle(clq_cl_pool *pool)
{
    cl_kernel kernel = NULL;
    for (int i = 0; i < CLQ_CL_IDLE_KERNELS && kernel == NULL; i++) {
        if (atomic_load_explicit(&pool->idle[i], memory_order_relaxed) != NULL) {
            kernel = atomic_exchange_explicit(&pool->idle[i], NULL, memory_order_acquire);
        }
    }
    return kernel;
}

static clq_status make_kernel(const clq_context *context, const clq_cl_program *program, clq_cl_pool *pool,
                              cl_kernel *made, clq_error *error)
{
    clq_status status;
    cl_int code = CL_SUCCESS;
    *made = clCreateKernel(atomic_load_explicit(&program->object, memory_order_acquire), pool->name, &code);
    if (*made == NULL) {
        return clq_fail_in(error, clq_cl_fail(error, code, "clCreateKernel"), "kernels/%s, kernel %s", program->file,
                           pool->name);
    }
    status = find_group_size(context, pool, *made, error);
    if (status != CLQ_OK) {
        (void)clReleaseKernel(*made);
        return clq_fail_in(error, status, "kernels/%s, kernel %s", program->file, pool->name);
    }
    return CLQ_OK;
}

clq_status clq_cl_kernel_borrow(clq_context *context, const char *file, const char *options, const char *kernel,
                                clq_cl_pool **pool, cl_kernel *lent, clq_error *error)
{
    clq_cl_programs *programs = &context->cl->programs;
    clq_cl_program *program = find_program(programs, file, options);
    if (program == NULL || atomic_load_explicit(&program->object, memory_order_acquire) == NULL) {
        CLQ_TRY(make_program(context, file, options, &program, error));
    }
    *pool = find_pool(program, kernel);
    if (*pool == NULL) {
        CLQ_TRY(make_pool(programs, program, kernel, pool, error));
    }
    *lent = take_idle(*pool);
    return *lent != NULL ? CLQ_OK : make_kernel(context, program, *pool, lent, error);
}

/* More of them at rest than there are places: as many threads at once are rare. */
void clq_cl_kernel_return(clq_cl_pool *pool, cl_kernel lent)
{
    for (int i = 0; i < CLQ_CL_IDLE_KERNELS; i++) {
        cl_kernel empty = NULL;
        if (atomic_load_explicit(&pool->idle[i], memory_order_relaxed) == NULL &&
            atomic_compare_exchange_strong_explicit(&pool->idle[i], &empty, lent, memory_order_release,
                                                    memory_order_relaxed)) {
            return;
        }
    }
    (void)clReleaseKernel(lent);
}

/* ---- binaries ---- */

void clq_cl_binaries_add(clq_cl_binaries *binaries, const clq_cl_pool *pool)
{
    size_t i = 0;
    while (i < binaries->count && binaries->hashes[i] != pool->program->binary) {
        i++;
    }
    if (i == binaries->count && i < CLQ_CL_BINARIES) {
        binaries->hashes[binaries->count++] = pool->program->binary;
    }
}

uint64_t clq_cl_binaries_hash(const clq_cl_binaries *binaries)
{
    for (size_t i = 0; i < binaries->count; i++) {
        if (binaries->hashes[i] == 0) {
            return 0;
        }
    }
    return binaries->count == 0 || binaries->count == CLQ_CL_BINARIES
               ? 0
               : XXH3_64bits(binaries->hashes, binaries->count * sizeof binaries->hashes[0]);
}

/* ---- the end ---- */

static void destroy_pools(clq_cl_pool *pool)
{
    while (pool != NULL) {
        clq_cl_pool *next = pool->next;
        for (cl_kernel kernel = take_idle(pool); kernel != NULL; kernel = take_idle(pool)) {
            (void)clReleaseKernel(kernel);
        }
        free(pool);
        pool = next;
    }
}

void clq_cl_programs_destroy(clq_cl_programs *programs)
{
    clq_cl_program *p = atomic_load(&programs->first);
    while (p != NULL) {
        clq_cl_program *next = p->next;
        const cl_program object = atomic_load(&p->object);
        destroy_pools(atomic_load(&p->pools));
        if (object != NULL) {
            (void)clReleaseProgram(object);
        }
        free(p->failure);
        free(p);
        p = next;
    }
    pthread_cond_destroy(&programs->built);
    pthread_mutex_destroy(&programs->lock);
}
