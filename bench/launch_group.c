/* SPDX-License-Identifier: Apache-2.0 */
#include "launch_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/executor.h"
#include "gemm_device.h"
#include "memory_case.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/record.h"

enum { CALLS = 100, ELEMENTS = 1024, OPERATIONS = 3, WAYS = 3, JOBS = OPERATIONS + 1 };

/* An operation, or the product. */
typedef struct launch_job {
    struct launch_group *group;
    clq_operation operation;
    memory_space space;
    memory_case memory;
    clq_operands operands;
    gemm_row *product; /* NULL: a tensor */
    clq_launch launch;
    clq_record *record;
    double spent; /* on the last run's calls, in seconds */
    clq_error error;
} launch_job;

struct launch_group {
    bench_group rows;
    clq_context *context;
    cl_command_queue queue;
    launch_job jobs[JOBS];
    gemm_product product;
    gemm_device device;
    gemm_row row;
};

/* ---- ways ---- */

static clq_status by_call(launch_job *job, clq_error *error)
{
    const launch_group *g = job->group;
    return job->product != NULL
               ? clq_enqueue_gemm(g->context, &job->product->problem, &job->product->operands, &job->launch, error)
               : clq_enqueue(g->context, job->operation, &job->memory.q, &job->operands, &job->launch, error);
}

static clq_status by_record(launch_job *job, clq_error *error)
{
    return clq_record_enqueue(job->record, 0, NULL, NULL, NULL, error);
}

/* The record's kernels, whose arguments are set, by nothing but OpenCL. */
static clq_status by_opencl(launch_job *job, clq_error *error)
{
    for (size_t i = 0; i < job->record->count; i++) {
        const clq_cl_recorded *l = &job->record->launches[i];
        CLQ_CL(clEnqueueNDRangeKernel, job->group->queue, l->kernel, l->dimensions, NULL, l->global,
               l->local[0] != 0 ? l->local : NULL, 0, NULL, NULL);
    }
    return CLQ_OK;
}

/* All calls behind an event that comes when they are enqueued: the device's work is no part of their time. */
static clq_status enqueue_gated(launch_job *job, clq_status (*enqueue)(launch_job *job, clq_error *error),
                                clq_error *error)
{
    clq_status status = CLQ_OK;
    cl_int code = CL_SUCCESS;
    double begun;
    const cl_command_queue queue = job->group->queue;
    const cl_event gate = clCreateUserEvent(job->group->context->cl->context, &code);
    if (gate == NULL) {
        return clq_cl_fail(error, code, "clCreateUserEvent");
    }
    code = clEnqueueMarkerWithWaitList(queue, 1, &gate, NULL);
    if (code != CL_SUCCESS) {
        status = clq_cl_fail(error, code, "clEnqueueMarkerWithWaitList");
    }
    begun = bench_now();
    for (int i = 0; i < CALLS && status == CLQ_OK; i++) {
        status = enqueue(job, error);
    }
    job->spent = bench_now() - begun;
    (void)clSetUserEventStatus(gate, CL_COMPLETE);
    (void)clReleaseEvent(gate);
    return status == CLQ_OK ? clq_cl_queue_finish(queue, error) : status;
}

static int run(void *cookie, clq_status (*enqueue)(launch_job *job, clq_error *error))
{
    launch_job *job = cookie;
    job->error.status = CLQ_OK;
    return enqueue_gated(job, enqueue, &job->error) != CLQ_OK;
}

static int run_call(void *cookie)
{
    return run(cookie, by_call);
}

static int run_record(void *cookie)
{
    return run(cookie, by_record);
}

static int run_opencl(void *cookie)
{
    return run(cookie, by_opencl);
}

static int spoil(void *cookie)
{
    launch_job *job = cookie;
    return job->product != NULL ? gemm_row_spoil(job->product) : memory_spoil(&job->memory);
}

static int check(void *cookie)
{
    launch_job *job = cookie;
    return job->product != NULL ? gemm_row_check(job->product) : memory_check(&job->memory);
}

/* ---- rows ---- */

static void add_rows(launch_job *job, const char *name, const char *shape, uint64_t elements, const char *variant)
{
    static const struct {
        const char *way;
        int (*run)(void *cookie);
    } ways[WAYS] = {{"OpenCL alone", run_opencl}, {"recorded", run_record}, {"call", run_call}};
    bench_group *rows = &job->group->rows;
    const size_t first = rows->count;
    for (int i = 0; i < WAYS; i++) {
        bench_row *row = bench_add(rows, "launch", name, shape); /* twelve: there is room */
        snprintf(row->who, sizeof row->who, "clquant");
        snprintf(row->way, sizeof row->way, "%s", ways[i].way);
        snprintf(row->variant, sizeof row->variant, "%s", variant);
        row->elements = elements;
        row->calls = CALLS;
        row->spent = &job->spent;
        row->spoil = spoil;
        row->run = ways[i].run;
        row->check = check;
        row->cookie = job;
        row->error = &job->error;
        if (i > 0) {
            row->beside[0] = first;
            row->beside_count = 1;
            snprintf(row->beside_name, sizeof row->beside_name, "OpenCL alone");
        }
    }
}

/* On the group's queue, with the scratch memory that it needs. */
static clq_status give_launch(launch_job *job, uint64_t workspace_bytes, clq_error *error)
{
    job->launch.struct_size = sizeof job->launch;
    job->launch.queue = job->group->queue;
    job->launch.workspace_bytes = workspace_bytes;
    if (workspace_bytes > 0) {
        cl_int code = CL_SUCCESS;
        job->launch.workspace =
            clCreateBuffer(job->group->context->cl->context, CL_MEM_READ_WRITE, (size_t)workspace_bytes, NULL, &code);
        if (job->launch.workspace == NULL) {
            return clq_cl_fail(error, code, "clCreateBuffer");
        }
    }
    return CLQ_OK;
}

static clq_status add_tensor(launch_group *g, launch_job *job, clq_operation operation, clq_error *error)
{
    const bench_shape shape = bench_shape_plain(ELEMENTS);
    const memory_need need = memory_space_need(g->context, operation, CLQ_F32, ELEMENTS);
    char text[BENCH_SHAPE_TEXT];
    clq_plan plan;
    job->operation = operation;
    CLQ_TRY(memory_space_create(&job->space, g->context, operation, CLQ_F32, ELEMENTS, error));
    CLQ_TRY(memory_case_create(&job->memory, &job->space, operation, &shape, CLQ_DIVIDE, NULL, error));
    job->operands = memory_operands(operation, &job->space.device, &job->memory.device);
    CLQ_TRY(clq_prepare(g->context, operation, &job->memory.q, error));
    CLQ_TRY(clq_plan_operation(g->context, operation, &job->memory.q, &plan, error));
    CLQ_TRY(give_launch(job, plan.workspace_bytes, error));
    CLQ_TRY(
        clq_record_create(g->context, operation, &job->memory.q, &job->operands, &job->launch, &job->record, error));
    bench_shape_print(&shape, text, sizeof text);
    add_rows(job, clq_operation_name(operation), text, ELEMENTS, plan.variant);
    g->rows.memory_bytes += need.host_bytes;
    return CLQ_OK;
}

/* Packed weights, codes: a layer of an engine. */
static clq_status add_product(launch_group *g, launch_job *job, clq_error *error)
{
    static const gemm_shape shape = {8, 64, 64};
    static const gemm_way way = {.output = CLQ_S8, .packed = 1, .calls = 1};
    clq_plan plan;
    CLQ_TRY(gemm_product_create(&g->product, &shape, 0, error));
    CLQ_TRY(gemm_device_create(&g->device, g->context, &g->product, error));
    gemm_row_create(&g->row, &g->device, &way);
    if (g->row.status != CLQ_OK) {
        return clq_fail(error, g->row.status, "%s", g->row.error.message);
    }
    job->product = &g->row;
    CLQ_TRY(clq_gemm_prepare(g->context, &g->row.problem, shape.m, shape.m, error));
    CLQ_TRY(clq_gemm_plan(g->context, &g->row.problem, 1, &plan, error));
    CLQ_TRY(give_launch(job, plan.workspace_bytes, error));
    CLQ_TRY(clq_record_create_gemm(g->context, &g->row.problem, &g->row.operands, &job->launch, &job->record, error));
    add_rows(job, "gemm", "8x64x64", shape.m * shape.n, plan.variant);
    return CLQ_OK;
}

static clq_status fill(launch_group *g, clq_error *error)
{
    static const clq_operation operations[OPERATIONS] = {CLQ_OP_QUANTIZE, CLQ_OP_MINMAX, CLQ_OP_DYNAMIC_QUANTIZE};
    const struct clq_cl_state *cl = g->context->cl;
    cl_int code = CL_SUCCESS;
    g->queue = clCreateCommandQueue(cl->context, cl->device, 0, &code);
    if (g->queue == NULL) {
        return clq_cl_fail(error, code, "clCreateCommandQueue");
    }
    for (int i = 0; i < JOBS; i++) {
        g->jobs[i].group = g;
    }
    for (int i = 0; i < OPERATIONS; i++) {
        CLQ_TRY(add_tensor(g, &g->jobs[i], operations[i], error));
    }
    return add_product(g, &g->jobs[OPERATIONS], error);
}

clq_status launch_group_create(launch_group **out, clq_context *context, clq_error *error)
{
    launch_group *g;
    clq_status status;
    *out = NULL;
    if (context->cl == NULL) {
        return clq_fail(error, CLQ_UNSUPPORTED, "%s has no queue", context->device.name);
    }
    g = calloc(1, sizeof *g);
    if (g == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of rows");
    }
    g->context = context;
    status = fill(g, error);
    if (status != CLQ_OK) {
        launch_group_destroy(g);
        g = NULL;
    }
    *out = g;
    return status;
}

bench_group *launch_group_rows(launch_group *g)
{
    return &g->rows;
}

void launch_group_destroy(launch_group *g)
{
    if (g == NULL) {
        return;
    }
    for (int i = 0; i < JOBS; i++) {
        launch_job *job = &g->jobs[i];
        clq_record_destroy(&job->record);
        if (job->launch.workspace != NULL) {
            (void)clReleaseMemObject(job->launch.workspace);
        }
        if (i < OPERATIONS) {
            memory_case_destroy(&job->memory);
            memory_space_destroy(&job->space);
        }
    }
    gemm_row_destroy(&g->row);
    gemm_device_destroy(&g->device);
    gemm_product_destroy(&g->product);
    if (g->queue != NULL) {
        (void)clReleaseCommandQueue(g->queue);
    }
    free(g);
}
