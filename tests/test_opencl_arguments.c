/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL objects of a caller's that are refused: queues on another device, memory that is no buffer or of another
 * cl_context, flags that forbid what an operation does, several cl_mem over the same bytes, and scratch memory that is
 * an operand's as well. What is refused has enqueued nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "own_opencl.h"
#include "refusal.h"

enum { ELEMENTS = 4096, ARENA = 1 << 18 };

static clq_buffer *over(own_opencl *own, cl_mem memory, uint64_t offset, uint64_t bytes)
{
    clq_buffer *buffer = NULL;
    ACCEPTED(clq_buffer_from_opencl(own->clquant, memory, offset, bytes, &buffer, e));
    return buffer;
}

static cl_mem make(cl_context context, cl_mem_flags flags, size_t bytes, void *host)
{
    cl_int code = CL_SUCCESS;
    cl_mem made = clCreateBuffer(context, flags, bytes, host, &code);
    assert_int_equal(code, CL_SUCCESS);
    return made;
}

static cl_context another_context(const own_opencl *own)
{
    cl_int code = CL_SUCCESS;
    cl_context made = clCreateContext(NULL, 1, &own->device, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    return made;
}

/* An image of 8 x 8, or NULL where the device has none. */
static cl_mem make_image(const own_opencl *own)
{
    const cl_image_format format = {CL_RGBA, CL_UNORM_INT8};
    cl_image_desc description;
    cl_bool has_images = CL_FALSE;
    cl_int code = CL_SUCCESS;
    memset(&description, 0, sizeof description);
    description.image_type = CL_MEM_OBJECT_IMAGE2D;
    description.image_width = description.image_height = 8;
    assert_int_equal(clGetDeviceInfo(own->device, CL_DEVICE_IMAGE_SUPPORT, sizeof has_images, &has_images, NULL),
                     CL_SUCCESS);
    return has_images ? clCreateImage(own->context, CL_MEM_READ_WRITE, &format, &description, NULL, &code) : NULL;
}

/* ---- one operation ---- */

/* All operands of an operation over one cl_mem, each in a slot of its own. */
typedef struct host_program {
    own_opencl own;
    clq_operation operation;
    clq_quantization q;
    cl_mem memory;
    clq_buffer *buffers[CHECK_OPERANDS];
    uint64_t at[CHECK_OPERANDS];
    clq_operands operands;
    clq_launch launch; /* with a workspace of its own where one is needed */
    uint64_t workspace_bytes;
} host_program;

static clq_operand *operand_of(clq_operands *o, int operand)
{
    clq_operand *const list[CHECK_OPERANDS] = {&o->x,     &o->y,         &o->codes,     &o->scale, &o->zero_point,
                                               &o->range, &o->nonfinite, &o->averaging, &o->state, &o->counts};
    return list[operand];
}

static uint64_t bytes_of(const host_program *p, int operand)
{
    check_case c;
    check_case_init(&c, "a program", p->operation);
    c.q = p->q;
    return check_operand_bytes(&c, (check_operand)operand);
}

static clq_status enqueue(const host_program *p, const clq_launch *launch, clq_error *error)
{
    return clq_enqueue(p->own.clquant, p->operation, &p->q, &p->operands, launch, error);
}

static void begin(host_program *p, clq_operation operation)
{
    unsigned char *image = check_allocate(ARENA);
    clq_plan plan;
    uint64_t used = 0;
    memset(p, 0, sizeof *p);
    own_opencl_begin(&p->own, 0, 64);
    p->operation = operation;
    clq_quantization_init(&p->q);
    p->q.layout = inputs_layout_flat(ELEMENTS);
    p->memory = make(p->own.context, CL_MEM_READ_WRITE, ARENA, NULL);
    memset(image, 0x3E, ARENA); /* ordinary floats */
    assert_int_equal(clEnqueueWriteBuffer(p->own.queue, p->memory, CL_TRUE, 0, ARENA, image, 0, NULL, NULL),
                     CL_SUCCESS);
    p->operands.struct_size = sizeof p->operands;
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        const uint64_t bytes = bytes_of(p, o);
        if (bytes > 0) {
            p->at[o] = used;
            p->buffers[o] = over(&p->own, p->memory, used, bytes);
            operand_of(&p->operands, o)->buffer = p->buffers[o];
            used += (bytes + 1023) / 1024 * 1024;
        }
    }
    ACCEPTED(clq_plan_operation(p->own.clquant, operation, &p->q, &plan, e));
    p->workspace_bytes = plan.workspace_bytes;
    p->launch.struct_size = sizeof p->launch;
    p->launch.queue = p->own.queue;
    p->launch.workspace_bytes = plan.workspace_bytes;
    p->launch.workspace = make(p->own.context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes + 64, NULL);
    ACCEPTED(enqueue(p, &p->launch, e)); /* the first run */
    assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
    free(image);
}

static void end(host_program *p)
{
    assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        clq_buffer_destroy(&p->buffers[o]);
    }
    clReleaseMemObject(p->launch.workspace);
    clReleaseMemObject(p->memory);
    own_opencl_end(&p->own);
}

static unsigned char *contents_of(const host_program *p)
{
    unsigned char *image = check_allocate(ARENA);
    assert_int_equal(clEnqueueReadBuffer(p->own.queue, p->memory, CL_TRUE, 0, ARENA, image, 0, NULL, NULL), CL_SUCCESS);
    return image;
}

/* No event comes out, and the memory is left alone. */
static void refused_launch(const host_program *p, const char *part, clq_launch launch)
{
    unsigned char *before = contents_of(p);
    unsigned char *after;
    cl_event event = NULL;
    launch.event = &event;
    REFUSED(CLQ_INVALID_ARGUMENT, part, enqueue(p, &launch, e));
    assert_null(event);
    assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
    after = contents_of(p);
    assert_memory_equal(before, after, ARENA);
    free(before);
    free(after);
}

/* ---- queues ---- */

/* Parts of a device are devices of their own; returns how many there are, 0 where it has none. */
static cl_uint part_device(cl_device_id device, cl_device_id parts[4])
{
    cl_uint units = 0;
    cl_uint count = 0;
    assert_int_equal(clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL), CL_SUCCESS);
    if (units >= 2) {
        const cl_device_partition_property equally[] = {CL_DEVICE_PARTITION_EQUALLY, (intptr_t)(units / 2), 0};
        count = clCreateSubDevices(device, equally, 4, parts, &count) == CL_SUCCESS ? count : 0;
    }
    return count;
}

/* One context, two devices, and a queue on the one that the library was not given: all three entries. */
static void refuse_queue(clq_context *context, cl_command_queue queue)
{
    static const char part[] = "the queue is on another device than the context";
    clq_quantization q;
    clq_gemm_problem problem;
    clq_gemm_operands product;
    clq_batch_item item;
    clq_launch launch;
    clq_batch *batch = NULL;
    clq_buffer *buffer = NULL;
    memset(&launch, 0, sizeof launch);
    memset(&item, 0, sizeof item);
    memset(&product, 0, sizeof product);
    product.struct_size = sizeof product;
    launch.struct_size = sizeof launch;
    launch.queue = queue;
    ACCEPTED(clq_buffer_create(context, 4096, &buffer, e));
    clq_quantization_init(&q);
    q.layout = inputs_layout_flat(64);
    item.q = &q;
    item.operands.struct_size = sizeof item.operands;
    item.operands.x = (clq_operand){buffer, 0};
    item.operands.scale = (clq_operand){buffer, 128};
    item.operands.zero_point = (clq_operand){buffer, 129};
    item.operands.codes = (clq_operand){buffer, 1024};
    REFUSED(CLQ_INVALID_ARGUMENT, part, clq_enqueue(context, CLQ_OP_QUANTIZE, &q, &item.operands, &launch, e));
    ACCEPTED(clq_batch_create(context, CLQ_OP_QUANTIZE, &item, 1, &batch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, part, clq_enqueue_batch(batch, &launch, e));
    clq_gemm_init(&problem);
    problem.m = problem.n = problem.k = 4;
    product.a = (clq_operand){buffer, 0};
    product.b = (clq_operand){buffer, 16};
    product.c = (clq_operand){buffer, 8};
    REFUSED(CLQ_INVALID_ARGUMENT, part, clq_enqueue_gemm(context, &problem, &product, &launch, e));
    clq_batch_destroy(&batch);
    clq_buffer_destroy(&buffer);
}

/* As in the specification "P:D", whoever made the cl_context. */
static void assert_numbers(clq_context *context, int32_t platform, int32_t device)
{
    clq_device_info info;
    clq_context_device(context, &info);
    assert_int_equal(info.platform, platform);
    assert_int_equal(info.device, device);
}

static void numbers_of_device(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_device_info info;
        own_opencl own;
        clq_context_device(check_device(), &info);
        own_opencl_begin(&own, 0, 64);
        assert_numbers(own.clquant, info.platform, info.device);
        own_opencl_end(&own);
    }
    check_needs_device();
}

static void queue_on_another_device(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        cl_device_id parts[4];
        cl_uint count;
        own_opencl_begin(&own, 0, 64);
        count = part_device(own.device, parts);
        if (count > 0) {
            const cl_device_id devices[2] = {own.device, parts[0]};
            cl_int code = CL_SUCCESS;
            clq_context *context = NULL;
            cl_context both = clCreateContext(NULL, 2, devices, NULL, NULL, &code);
            cl_command_queue queue = clCreateCommandQueue(both, parts[0], 0, &code);
            assert_int_equal(code, CL_SUCCESS);
            ACCEPTED(clq_context_from_opencl(both, own.device, &context, e));
            refuse_queue(context, queue);
            clq_context_destroy(&context);
            ACCEPTED(clq_context_from_opencl(both, parts[0], &context, e));
            assert_numbers(context, -1, -1);
            clq_context_destroy(&context);
            clReleaseCommandQueue(queue);
            clReleaseContext(both);
        }
        for (cl_uint i = 0; i < count; i++) {
            clReleaseDevice(parts[i]);
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* ---- memory ---- */

static void no_buffer(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        clq_buffer *buffer = NULL;
        cl_context other;
        cl_mem image, foreign;
        own_opencl_begin(&own, 0, 4096);
        image = make_image(&own);
        other = another_context(&own);
        foreign = make(other, CL_MEM_READ_WRITE, 64, NULL);
        if (image != NULL) {
            REFUSED(CLQ_INVALID_ARGUMENT, "the memory is no buffer",
                    clq_buffer_from_opencl(own.clquant, image, 0, 16, &buffer, e));
            clReleaseMemObject(image);
        }
        REFUSED(CLQ_INVALID_ARGUMENT, "the memory belongs to another cl_context",
                clq_buffer_from_opencl(own.clquant, foreign, 0, 16, &buffer, e));
        assert_null(buffer);
        clReleaseMemObject(foreign);
        clReleaseContext(other);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* Of the library's own and over the caller's: commands of the caller's reach the bytes that the buffer has. */
static void memory_of_buffers(void **state)
{
    clq_buffer *on_host = NULL;
    cl_mem memory = NULL;
    uint64_t offset = 1;
    (void)state;
    ACCEPTED(clq_buffer_create(check_reference(), 16, &on_host, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "has no cl_mem", clq_buffer_memory(on_host, &memory, &offset, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_buffer_memory(NULL, &memory, &offset, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_buffer_memory(on_host, NULL, &offset, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_buffer_memory(on_host, &memory, NULL, e));
    assert_null(memory);
    assert_int_equal(offset, 1);
    clq_buffer_destroy(&on_host);
    if (check_device() != NULL) {
        const unsigned char values[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
        unsigned char got[16];
        own_opencl own;
        clq_buffer *buffers[2] = {NULL};
        cl_event written;
        own_opencl_begin(&own, 0, 4096);
        ACCEPTED(clq_buffer_create(own.clquant, sizeof values, &buffers[0], e));
        buffers[1] = over(&own, own.memory, 64, sizeof values);
        for (int i = 0; i < 2; i++) {
            ACCEPTED(clq_buffer_memory(buffers[i], &memory, &offset, e));
            assert_int_equal(offset, i == 0 ? 0 : 64);
            assert_int_equal(clEnqueueWriteBuffer(own.queue, memory, CL_FALSE, (size_t)offset, sizeof values, values, 0,
                                                  NULL, &written),
                             CL_SUCCESS);
            assert_int_equal(clWaitForEvents(1, &written), CL_SUCCESS);
            clReleaseEvent(written);
            ACCEPTED(clq_buffer_read(buffers[i], 0, got, sizeof got, e));
            assert_memory_equal(got, values, sizeof values);
            clq_buffer_destroy(&buffers[i]);
        }
        assert_ptr_equal(memory, own.memory);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* What one step of dynamic quantization leaves for the next is read as well. */
static int is_read(clq_operation operation, int operand)
{
    return !check_operand_is_output(operation, (check_operand)operand) || operation == CLQ_OP_MERGE_RANGE ||
           operation == CLQ_OP_HISTOGRAM ||
           (operation == CLQ_OP_DYNAMIC_QUANTIZE &&
            (operand == CHECK_RANGE || operand == CHECK_SCALE || operand == CHECK_ZERO_POINT));
}

/* Each operand of each operation over memory of its own with each flag, and over a part of that. */
static void flags_of(host_program *p, int operand, cl_mem_flags flags, int is_part)
{
    const uint64_t bytes = bytes_of(p, operand);
    const int is_output = check_operand_is_output(p->operation, (check_operand)operand);
    const cl_buffer_region region = {4096, (size_t)bytes};
    cl_int code = CL_SUCCESS;
    cl_mem whole = make(p->own.context, flags, 4096 + (size_t)bytes, NULL);
    cl_mem memory = is_part ? clCreateSubBuffer(whole, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code) : whole;
    clq_operand *o = operand_of(&p->operands, operand);
    const clq_operand good = *o;
    assert_int_equal(code, CL_SUCCESS);
    o->buffer = over(&p->own, memory, 0, bytes);
    if (flags == CL_MEM_READ_ONLY && is_output) {
        refused_launch(p, "is written, its memory was made with CL_MEM_READ_ONLY", p->launch);
    } else if (flags == CL_MEM_WRITE_ONLY && is_read(p->operation, operand)) {
        refused_launch(p, "is read, its memory was made with CL_MEM_WRITE_ONLY", p->launch);
    } else {
        ACCEPTED(enqueue(p, &p->launch, e));
        assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
    }
    clq_buffer_destroy(&o->buffer);
    *o = good;
    if (is_part) {
        clReleaseMemObject(memory);
    }
    clReleaseMemObject(whole);
}

static void flags(void **state)
{
    static const cl_mem_flags all[] = {0, CL_MEM_READ_WRITE, CL_MEM_READ_ONLY, CL_MEM_WRITE_ONLY};
    (void)state;
    for (int operation = 0; operation < CLQ_OP_COUNT && check_device() != NULL; operation++) {
        host_program p;
        begin(&p, (clq_operation)operation);
        for (int k = 0; k < CHECK_OPERANDS * 8; k++) {
            if (p.buffers[k / 8] != NULL) {
                flags_of(&p, k / 8, all[k % 4], k / 4 % 2);
            }
        }
        end(&p);
    }
    check_needs_device();
}

static void flags_of_product(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        clq_gemm_problem p;
        clq_gemm_operands o;
        cl_mem read_only, write_only;
        own_opencl_begin(&own, 0, 4096);
        read_only = make(own.context, CL_MEM_READ_ONLY, 4096, NULL);
        write_only = make(own.context, CL_MEM_WRITE_ONLY, 4096, NULL);
        memset(&o, 0, sizeof o);
        o.struct_size = sizeof o;
        clq_gemm_init(&p);
        p.m = p.n = p.k = 4;
        o.a.buffer = over(&own, read_only, 0, 64);
        o.b.buffer = over(&own, read_only, 64, 64);
        o.c.buffer = over(&own, write_only, 0, 64);
        ACCEPTED(clq_gemm(own.clquant, &p, &o, e));
        ACCEPTED(clq_finish(own.clquant, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: a_sums is written, its memory was made with CL_MEM_READ_ONLY",
                clq_gemm_row_sums(own.clquant, &p, o.a, o.b, e));
        ACCEPTED(clq_gemm_row_sums(own.clquant, &p, o.a, o.c, e));
        ACCEPTED(clq_finish(own.clquant, e));
        clq_buffer_destroy(&o.a.buffer);
        o.a.buffer = over(&own, write_only, 64, 64);
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: a is read, its memory was made with CL_MEM_WRITE_ONLY",
                clq_gemm(own.clquant, &p, &o, e));
        clq_buffer_destroy(&o.a.buffer);
        clq_buffer_destroy(&o.c.buffer);
        o.a.buffer = over(&own, read_only, 128, 64);
        o.c.buffer = over(&own, read_only, 256, 64);
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: c is written, its memory was made with CL_MEM_READ_ONLY",
                clq_gemm(own.clquant, &p, &o, e));
        clq_buffer_destroy(&o.a.buffer);
        clq_buffer_destroy(&o.b.buffer);
        clq_buffer_destroy(&o.c.buffer);
        clReleaseMemObject(read_only);
        clReleaseMemObject(write_only);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* ---- the same bytes by other names ---- */

/* Codes at `offset` of another cl_mem that shares its bytes with that of x. */
static void check_alias(host_program *p, cl_mem memory, uint64_t offset, int is_accepted)
{
    const clq_operand good = p->operands.codes;
    p->operands.codes.buffer = over(&p->own, memory, offset, ELEMENTS);
    if (is_accepted) {
        ACCEPTED(enqueue(p, &p->launch, e));
        assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
    } else {
        refused_launch(p, "x and codes overlap", p->launch);
    }
    clq_buffer_destroy(&p->operands.codes.buffer);
    p->operands.codes = good;
}

static void aliases(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        enum { PAGE = 4096, X_BYTES = 4 * ELEMENTS };
        const cl_buffer_region regions[2] = {{8192, X_BYTES + ELEMENTS}, {8192 + X_BYTES, ELEMENTS}};
        host_program p;
        clq_operand x;
        void *host = NULL;
        cl_mem whole, parts[2], over_host[2];
        cl_int code = CL_SUCCESS;
        begin(&p, CLQ_OP_QUANTIZE);
        x = p.operands.x;
        check_alias(&p, p.memory, p.at[CHECK_X] + X_BYTES - 16, 0); /* two buffers over one cl_mem */
        check_alias(&p, p.memory, ARENA - ELEMENTS, 1);
        whole = make(p.own.context, CL_MEM_READ_WRITE, ARENA, NULL);
        for (int i = 0; i < 2; i++) {
            parts[i] = clCreateSubBuffer(whole, 0, CL_BUFFER_CREATE_TYPE_REGION, &regions[i], &code);
            assert_int_equal(code, CL_SUCCESS);
        }
        p.operands.x.buffer = over(&p.own, parts[0], 0, X_BYTES);
        check_alias(&p, whole, 8192 + X_BYTES - 16, 0);
        check_alias(&p, whole, 8192 + X_BYTES, 1);
        check_alias(&p, whole, 8192 - ELEMENTS + 16, 0);
        check_alias(&p, whole, 8192 - ELEMENTS, 1);
        check_alias(&p, parts[1], 0, 1);
        clq_buffer_destroy(&p.operands.x.buffer);
        p.operands.x.buffer = over(&p.own, whole, 8192 + 16, X_BYTES);
        check_alias(&p, parts[1], 0, 0);
        clq_buffer_destroy(&p.operands.x.buffer);
        assert_int_equal(posix_memalign(&host, PAGE, 2 * X_BYTES), 0);
        over_host[0] = make(p.own.context, CL_MEM_USE_HOST_PTR, X_BYTES, host);
        over_host[1] = make(p.own.context, CL_MEM_USE_HOST_PTR, 2 * X_BYTES, host);
        p.operands.x.buffer = over(&p.own, over_host[0], 0, X_BYTES);
        check_alias(&p, over_host[1], X_BYTES - 16, 0);
        check_alias(&p, over_host[1], X_BYTES, 1);
        clq_buffer_destroy(&p.operands.x.buffer);
        p.operands.x = x;
        for (int i = 0; i < 2; i++) {
            clReleaseMemObject(parts[i]);
            clReleaseMemObject(over_host[i]);
        }
        clReleaseMemObject(whole);
        end(&p);
        free(host);
    }
    check_needs_device();
}

/* ---- scratch memory ---- */

static clq_launch with_workspace(const host_program *p, cl_mem memory, uint64_t offset)
{
    clq_launch launch = p->launch;
    launch.workspace = memory;
    launch.workspace_offset_bytes = offset;
    return launch;
}

static void workspace_objects(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        host_program p;
        cl_context other;
        cl_mem image, foreign, read_only, write_only, plain;
        clq_launch launch;
        begin(&p, CLQ_OP_MINMAX);
        assert_true(p.workspace_bytes > 0 && p.workspace_bytes <= 256);
        other = another_context(&p.own);
        image = make_image(&p.own);
        foreign = make(other, CL_MEM_READ_WRITE, 256, NULL);
        read_only = make(p.own.context, CL_MEM_READ_ONLY, 256, NULL);
        write_only = make(p.own.context, CL_MEM_WRITE_ONLY, 256, NULL);
        plain = make(p.own.context, 0, 256, NULL);
        if (image != NULL) {
            refused_launch(&p, "the workspace is no buffer", with_workspace(&p, image, 0));
        }
        refused_launch(&p, "the workspace belongs to another cl_context", with_workspace(&p, foreign, 0));
        refused_launch(&p, "CL_MEM_READ_ONLY, it must be CL_MEM_READ_WRITE", with_workspace(&p, read_only, 0));
        refused_launch(&p, "CL_MEM_WRITE_ONLY, it must be CL_MEM_READ_WRITE", with_workspace(&p, write_only, 0));
        launch = with_workspace(&p, plain, 0);
        ACCEPTED(enqueue(&p, &launch, e));
        p.operation = CLQ_OP_CHOOSE_PARAMETERS; /* needs none, and looks at none */
        p.operands.scale = p.operands.x;
        p.operands.zero_point = (clq_operand){p.operands.x.buffer, 1};
        launch = with_workspace(&p, foreign, 0);
        ACCEPTED(enqueue(&p, &launch, e));
        assert_int_equal(clFinish(p.own.queue), CL_SUCCESS);
        p.operation = CLQ_OP_MINMAX;
        if (image != NULL) {
            clReleaseMemObject(image);
        }
        clReleaseMemObject(foreign);
        clReleaseMemObject(read_only);
        clReleaseMemObject(write_only);
        clReleaseMemObject(plain);
        clReleaseContext(other);
        end(&p);
    }
    check_needs_device();
}

/* In the memory of the operands, beside them and over each of them; where none is needed it is nowhere. */
static void workspace_over_operands(void **state)
{
    static const clq_operation operations[] = {CLQ_OP_MINMAX, CLQ_OP_DYNAMIC_QUANTIZE};
    (void)state;
    for (size_t i = 0; i < 2 && check_device() != NULL; i++) {
        host_program p;
        clq_launch launch;
        begin(&p, operations[i]);
        for (int o = 0; o < CHECK_OPERANDS; o++) {
            const uint64_t bytes = bytes_of(&p, o);
            if (bytes > 0 && p.workspace_bytes > 0) {
                refused_launch(&p, "the workspace and ", with_workspace(&p, p.memory, p.at[o]));
                refused_launch(&p, "the workspace and ", with_workspace(&p, p.memory, p.at[o] + (bytes - 1) / 16 * 16));
                launch = with_workspace(&p, p.memory, p.at[o] + (bytes + 15) / 16 * 16);
                if (p.workspace_bytes + (bytes + 15) / 16 * 16 <= (bytes + 1023) / 1024 * 1024) {
                    ACCEPTED(enqueue(&p, &launch, e));
                }
            }
        }
        launch = with_workspace(&p, p.memory, ARENA / 2);
        ACCEPTED(enqueue(&p, &launch, e));
        end(&p);
    }
    check_needs_device();
}

/* A batch of which some operands lie in the memory of the workspace, at every place that may matter. */
static void workspace_of_batch(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        enum { ITEMS = 30, LARGE = 400000, BYTES = 1 << 22 };
        own_opencl own;
        clq_batch_item items[ITEMS];
        clq_quantization q[ITEMS];
        clq_batch *batch = NULL;
        clq_plan plan;
        clq_buffer *all;
        uint64_t edges[6 * ITEMS];
        size_t count = 0;
        uint64_t used = 64;
        clq_launch launch;
        own_opencl_begin(&own, 0, BYTES);
        all = over(&own, own.memory, 0, BYTES);
        memset(items, 0, sizeof items);
        for (int i = 0; i < ITEMS; i++) {
            const uint64_t elements = i == 3 ? LARGE : i % 5 == 4 ? 0 : 1 + (uint64_t)i;
            clq_quantization_init(&q[i]);
            q[i].layout = inputs_layout_flat(elements);
            items[i].q = &q[i];
            items[i].operands.struct_size = sizeof items[i].operands;
            items[i].operands.x = (clq_operand){all, used / 4};
            edges[count++] = used;
            edges[count++] = used + 4 * elements;
            used = (used + 4 * elements + 15) / 16 * 16 + (uint64_t)(i % 3) * 4096;
            items[i].operands.range = (clq_operand){all, used / 4};
            edges[count++] = used;
            edges[count++] = used + 8;
            used += 16;
            items[i].operands.nonfinite = (clq_operand){all, used / 16};
            edges[count++] = used;
            edges[count++] = used + 16;
            used += 16;
        }
        assert_true(used + 65536 < BYTES);
        ACCEPTED(clq_batch_create(own.clquant, CLQ_OP_MINMAX, items, ITEMS, &batch, e));
        ACCEPTED(clq_batch_plan(batch, &plan, e));
        memset(&launch, 0, sizeof launch);
        launch.struct_size = sizeof launch;
        launch.queue = own.queue;
        launch.workspace = own.memory;
        launch.workspace_bytes = plan.workspace_bytes;
        assert_true(plan.workspace_bytes > 0);
        for (size_t k = 0; k < 2 * count; k++) {
            const uint64_t back = k < count ? 0 : plan.workspace_bytes;
            const uint64_t at = edges[k % count] > back ? (edges[k % count] - back) / 16 * 16 : 0;
            int is_apart = 1;
            for (size_t i = 0; i < count; i += 2) {
                const uint64_t first = edges[i] > at ? edges[i] : at;
                const uint64_t end =
                    edges[i + 1] < at + plan.workspace_bytes ? edges[i + 1] : at + plan.workspace_bytes;
                is_apart = is_apart && first >= end;
            }
            launch.workspace_offset_bytes = at;
            if (is_apart) {
                ACCEPTED(clq_enqueue_batch(batch, &launch, e));
            } else {
                REFUSED(CLQ_INVALID_ARGUMENT, "minmax: the workspace and ", clq_enqueue_batch(batch, &launch, e));
            }
        }
        launch.workspace_offset_bytes = (used + 15) / 16 * 16;
        ACCEPTED(clq_enqueue_batch(batch, &launch, e));
        launch.workspace_offset_bytes -= 16; /* the last operand of all */
        REFUSED(CLQ_INVALID_ARGUMENT, "minmax: the workspace and nonfinite of item 29 overlap",
                clq_enqueue_batch(batch, &launch, e));
        assert_int_equal(clFinish(own.queue), CL_SUCCESS);
        clq_batch_destroy(&batch);
        clq_buffer_destroy(&all);
        own_opencl_end(&own);
    }
    check_needs_device();
}

static void workspace_of_product(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        enum { ROWS = 8, STRIDE = 65536, BYTES = 4 * STRIDE };
        own_opencl own;
        clq_gemm_problem p;
        clq_gemm_operands o;
        clq_plan plan;
        clq_launch launch;
        clq_buffer *all;
        own_opencl_begin(&own, 0, BYTES);
        all = over(&own, own.memory, 0, BYTES);
        memset(&o, 0, sizeof o);
        o.struct_size = sizeof o;
        clq_gemm_init(&p);
        p.m = p.n = p.k = ROWS;
        p.batch = 2;
        p.a.batch_stride = STRIDE; /* scratch memory may lie between the batches */
        p.c.batch_stride = ROWS * ROWS;
        o.a = (clq_operand){all, 0};
        o.b = (clq_operand){all, 2 * STRIDE};
        o.c = (clq_operand){all, 3 * STRIDE / 4};
        ACCEPTED(clq_gemm_plan(own.clquant, &p, 0, &plan, e));
        assert_true(plan.workspace_bytes > 0 && plan.workspace_bytes < STRIDE / 2);
        memset(&launch, 0, sizeof launch);
        launch.struct_size = sizeof launch;
        launch.queue = own.queue;
        launch.workspace = own.memory;
        launch.workspace_bytes = plan.workspace_bytes;
        launch.workspace_offset_bytes = 64;
        ACCEPTED(clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
        launch.workspace_offset_bytes = 48;
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: the workspace and a overlap",
                clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
        launch.workspace_offset_bytes = STRIDE + 48;
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: the workspace and a overlap",
                clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
        launch.workspace_offset_bytes = 2 * STRIDE + 48;
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: the workspace and b overlap",
                clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
        launch.workspace_offset_bytes = 3 * STRIDE + 2 * 4 * ROWS * ROWS - 16;
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: the workspace and c overlap",
                clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
        launch.workspace_offset_bytes += 16;
        ACCEPTED(clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
        assert_int_equal(clFinish(own.queue), CL_SUCCESS);
        clq_buffer_destroy(&all);
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_of_device),
    cmocka_unit_test(queue_on_another_device),
    cmocka_unit_test(no_buffer),
    cmocka_unit_test(memory_of_buffers),
    cmocka_unit_test(flags),
    cmocka_unit_test(flags_of_product),
    cmocka_unit_test(aliases),
    cmocka_unit_test(workspace_objects),
    cmocka_unit_test(workspace_over_operands),
    cmocka_unit_test(workspace_of_batch),
    cmocka_unit_test(workspace_of_product),
};

CHECK_MAIN("opencl_arguments", tests)
