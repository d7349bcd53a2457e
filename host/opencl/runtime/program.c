/* SPDX-License-Identifier: Apache-2.0 */
/* Programs, built once per context and options, and their kernel objects, lent to one caller at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/source.h"
#include "opencl/runtime/state.h"

/* The compiler refused the kernel, which is told with its log; or it could not run. */
static clq_status build_failed(const struct clq_cl_state *cl, cl_program program, cl_int code, const char *file,
                               const char *options, clq_error *error)
{
    const int is_refused = code == CL_BUILD_PROGRAM_FAILURE || code == CL_INVALID_BUILD_OPTIONS;
    clq_status status = clq_cl_fail(error, code, "clBuildProgram");
    status = clq_fail_in(error, is_refused ? CLQ_BUILD_FAILED : status, "kernels/%s with options '%s'", file, options);
    if (is_refused && error != NULL) {
        char *log = NULL;
        size_t bytes = 0;
        if (clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) == CL_SUCCESS &&
            bytes > 0 && (log = calloc(1, bytes + 1)) != NULL) {
            (void)clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
            snprintf(error->build_log, sizeof error->build_log, "%s", log);
        }
        free(log);
    }
    return status;
}

/* From the cache, else from source. */
static clq_status build(clq_context *context, const char *file, const char *options, cl_program *program,
                        clq_error *error)
{
    clq_status status = CLQ_OK;
    const struct clq_cl_state *cl = context->cl;
    char *source = clq_cl_source(file);
    const char *sources[1];
    cl_program made = NULL;
    cl_int code = CL_SUCCESS;
    if (source == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the source of kernels/%s", file);
    }
    made = clq_cl_cache_load(context, source, options);
    if (made == NULL) {
        sources[0] = source;
        made = clCreateProgramWithSource(cl->context, 1, sources, NULL, &code);
        if (made == NULL) {
            status = clq_cl_fail(error, code, "clCreateProgramWithSource");
            goto done;
        }
        code = clBuildProgram(made, 1, &cl->device, options, NULL, NULL);
        if (code != CL_SUCCESS) {
            status = build_failed(cl, made, code, file, options, error);
            goto done;
        }
        clq_context_log(context, CLQ_LOG_DEBUG, "built kernels/%s with '%s'", file, options);
        clq_cl_cache_store(context, source, options, made);
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

static clq_status find_program(clq_context *context, const char *file, const char *options, clq_cl_program **found,
                               clq_error *error)
{
    struct clq_cl_state *cl = context->cl;
    clq_cl_program *made;
    cl_program object = NULL;
    char key[sizeof made->key];
    snprintf(key, sizeof key, "%s %s", file, options);
    for (clq_cl_program *p = cl->programs; p != NULL; p = p->next) {
        if (strcmp(p->key, key) == 0) {
            *found = p;
            return CLQ_OK;
        }
    }
    CLQ_TRY(build(context, file, options, &object, error));
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        (void)clReleaseProgram(object);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a program");
    }
    memcpy(made->key, key, sizeof key);
    made->object = object;
    made->next = cl->programs;
    cl->programs = made;
    *found = made;
    return CLQ_OK;
}

static clq_status find_pool(clq_cl_program *program, const char *kernel, clq_cl_pool **found, clq_error *error)
{
    clq_cl_pool *made;
    for (clq_cl_pool *p = program->pools; p != NULL; p = p->next) {
        if (strcmp(p->name, kernel) == 0) {
            *found = p;
            return CLQ_OK;
        }
    }
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a kernel");
    }
    snprintf(made->name, sizeof made->name, "%s", kernel);
    made->next = program->pools;
    program->pools = made;
    *found = made;
    return CLQ_OK;
}

/* Registers and local memory of a kernel may leave it smaller work-groups than the device has for others. */
static clq_status find_group_size(const clq_context *context, clq_cl_pool *pool, cl_kernel kernel, clq_error *error)
{
    if (pool->maximum_group_size == 0) {
        CLQ_CL(clGetKernelWorkGroupInfo, kernel, context->cl->device, CL_KERNEL_WORK_GROUP_SIZE,
               sizeof pool->maximum_group_size, &pool->maximum_group_size, NULL);
        pool->maximum_group_size = pool->maximum_group_size > 0 ? pool->maximum_group_size : 1;
    }
    return CLQ_OK;
}

static clq_status take_kernel(const clq_context *context, const clq_cl_program *program, clq_cl_pool *pool,
                              clq_cl_kernel **lent, clq_error *error)
{
    clq_status status;
    cl_int code = CL_SUCCESS;
    clq_cl_kernel *made;
    if (pool->idle != NULL) {
        *lent = pool->idle;
        pool->idle = pool->idle->next;
        return CLQ_OK;
    }
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a kernel");
    }
    made->object = clCreateKernel(program->object, pool->name, &code);
    if (made->object == NULL) {
        free(made);
        return clq_fail_in(error, clq_cl_fail(error, code, "clCreateKernel"), "kernel %s", pool->name);
    }
    status = find_group_size(context, pool, made->object, error);
    if (status != CLQ_OK) {
        (void)clReleaseKernel(made->object);
        free(made);
        return clq_fail_in(error, status, "kernel %s", pool->name);
    }
    *lent = made;
    return CLQ_OK;
}

clq_status clq_cl_kernel_borrow(clq_context *context, const char *file, const char *options, const char *kernel,
                                clq_cl_pool **pool, clq_cl_kernel **lent, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_cl_program *program = NULL;
    pthread_mutex_lock(&context->cl->programs_lock);
    CLQ_TRY_TO(find_program(context, file, options, &program, error));
    CLQ_TRY_TO(find_pool(program, kernel, pool, error));
    CLQ_TRY_TO(take_kernel(context, program, *pool, lent, error));
done:
    pthread_mutex_unlock(&context->cl->programs_lock);
    return status;
}

void clq_cl_kernel_return(clq_context *context, clq_cl_pool *pool, clq_cl_kernel *lent)
{
    pthread_mutex_lock(&context->cl->programs_lock);
    lent->next = pool->idle;
    pool->idle = lent;
    pthread_mutex_unlock(&context->cl->programs_lock);
}

static void destroy_pools(clq_cl_pool *pool)
{
    while (pool != NULL) {
        clq_cl_pool *next_pool = pool->next;
        while (pool->idle != NULL) {
            clq_cl_kernel *next = pool->idle->next;
            (void)clReleaseKernel(pool->idle->object);
            free(pool->idle);
            pool->idle = next;
        }
        free(pool);
        pool = next_pool;
    }
}

void clq_cl_programs_destroy(struct clq_cl_state *cl)
{
    while (cl->programs != NULL) {
        clq_cl_program *next = cl->programs->next;
        destroy_pools(cl->programs->pools);
        (void)clReleaseProgram(cl->programs->object);
        free(cl->programs);
        cl->programs = next;
    }
}
