/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands in shared virtual memory, coarse- and fine-grained, and in unified shared memory, whose extension is played
 * over the former where the device has none: the bytes of the reference on first use and after, on the context's queue
 * and the caller's; what is no such memory, or lies outside of it, is refused.
 */
#define CL_TARGET_OPENCL_VERSION 200
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <stdlib.h>
#include <string.h>

#include "counted_memory.h"
#include "failing_opencl.h"
#include "own_opencl.h"
#include "refusal.h"

enum { ROWS = 37, DEPTH = 64, COLUMNS = 29, X_BYTES = 4 * ROWS * DEPTH, ALL = 1 << 19 };

static const char usm[] = "cl_khr_fp64 cl_intel_unified_shared_memory cl_khr_byte_addressable_store";

static cl_bitfield svm_of(cl_device_id device)
{
    cl_bitfield found = 0;
    return clGetDeviceInfo(device, CL_DEVICE_SVM_CAPABILITIES, sizeof found, &found, NULL) == CL_SUCCESS ? found : 0;
}

/* ---- the extension, over shared virtual memory ---- */

static struct {
    unsigned char *base;
    size_t bytes;
    cl_uint type; /* CL_MEM_TYPE_HOST_INTEL is 0x4197, _DEVICE_ and _SHARED_ follow */
    cl_int code;  /* what is answered, CL_SUCCESS but for a test of it */
    cl_uint failing;
} played;

static cl_int CL_API_CALL allocation_info(cl_context context, const void *pointer, cl_uint what, size_t capacity,
                                          void *value, size_t *bytes)
{
    const unsigned char *at = pointer;
    const int is_inside = played.base != NULL && at >= played.base && at < played.base + played.bytes;
    const cl_uint type = is_inside ? played.type : 0x4196;
    void *base = is_inside ? played.base : NULL;
    const size_t size = is_inside ? played.bytes : 0;
    (void)context;
    (void)capacity;
    (void)bytes;
    if (what == played.failing) {
        return played.code;
    }
    memcpy(value,
           what == 0x419A   ? (const void *)&type
           : what == 0x419B ? (const void *)&base
                            : (const void *)&size,
           what == 0x419A ? sizeof type : sizeof size);
    return CL_SUCCESS;
}

static void play_usm(unsigned char *base, size_t bytes, cl_uint type)
{
    played.base = base;
    played.bytes = bytes;
    played.type = type;
    played.failing = 0;
    failing_opencl_extensions(base != NULL ? usm : NULL);
    failing_opencl_extension_function(base != NULL ? "clGetMemAllocInfoINTEL" : NULL, (void (*)(void))allocation_info);
}

/* ---- a scene: memory, and a context whose kernels are unknown ---- */

typedef struct scene {
    own_opencl own;
    clq_pointer_kind kind;
    unsigned char *memory;
    uint64_t used;
} scene;

/* 0: the device has no such memory. */
static int scene_begin(scene *s, clq_pointer_kind kind, cl_command_queue_properties properties)
{
    const cl_bitfield needs =
        kind == CLQ_POINTER_SVM_FINE ? CL_DEVICE_SVM_FINE_GRAIN_BUFFER : CL_DEVICE_SVM_COARSE_GRAIN_BUFFER;
    memset(s, 0, sizeof *s);
    own_opencl_begin(&s->own, properties, ALL);
    s->kind = kind;
    if ((svm_of(s->own.device) & needs) == 0) {
        own_opencl_end(&s->own);
        return 0;
    }
    s->memory = clSVMAlloc(
        s->own.context, CL_MEM_READ_WRITE | (kind == CLQ_POINTER_SVM_FINE ? CL_MEM_SVM_FINE_GRAIN_BUFFER : 0), ALL, 0);
    assert_non_null(s->memory);
    if (kind == CLQ_POINTER_USM) {
        play_usm(s->memory, ALL, 0x4199);
    }
    return 1;
}

static void scene_end(scene *s)
{
    play_usm(NULL, 0, 0);
    clSVMFree(s->own.context, s->memory);
    own_opencl_end(&s->own);
}

/* The next bytes of the memory: of SVM by its beginning and an offset, of USM half by half. */
static clq_operand carve(scene *s, uint64_t bytes)
{
    const uint64_t inside = s->kind == CLQ_POINTER_USM ? s->used / 2 : 0;
    clq_operand o = {NULL, 0};
    ACCEPTED(
        clq_buffer_from_pointer(s->own.clquant, s->kind, s->memory + inside, s->used - inside, bytes, &o.buffer, e));
    s->used += (bytes + 31) / 16 * 16; /* a gap between two, and most are no multiples of 32 */
    s->used += s->kind == CLQ_POINTER_USM ? s->used % 32 : 0;
    return o;
}

static clq_operand plain(clq_context *context, uint64_t bytes)
{
    return own_opencl_zeros(context, bytes);
}

/* ---- work ---- */

enum { X, CODES, SCALE, ZERO_POINT, RANGE, NONFINITE, B, C, BIAS, OPERANDS };

static const uint64_t bytes_of[OPERANDS] = {X_BYTES, ROWS *DEPTH,    4 * ROWS,          4 * ROWS,   8 * ROWS,
                                            16,      DEPTH *COLUMNS, 4 * ROWS *COLUMNS, 4 * COLUMNS};

typedef struct work {
    clq_operand on[OPERANDS];
    clq_quantization q;
    clq_gemm_problem p;
} work;

static void write_x(const work *w, int is_empty)
{
    float x[ROWS * DEPTH];
    for (int i = 0; i < ROWS * DEPTH; i++) {
        x[i] = is_empty ? 0.0f : (float)(i * 37 % 1001 - 300) * 0.125f;
    }
    ACCEPTED(clq_buffer_write(w->on[X].buffer, 0, x, sizeof x, e));
}

static void work_begin(work *w, scene *s, clq_context *context)
{
    int8_t b[DEPTH * COLUMNS];
    int32_t bias[COLUMNS];
    for (int i = 0; i < DEPTH * COLUMNS; i++) {
        b[i] = (int8_t)(i * 29 % 255 - 127);
    }
    for (int i = 0; i < COLUMNS; i++) {
        bias[i] = 1000 * i;
    }
    for (int i = 0; i < OPERANDS; i++) {
        w->on[i] = s != NULL ? carve(s, bytes_of[i]) : plain(context, bytes_of[i]);
    }
    write_x(w, 0);
    ACCEPTED(clq_buffer_write(w->on[B].buffer, 0, b, sizeof b, e));
    ACCEPTED(clq_buffer_write(w->on[BIAS].buffer, 0, bias, sizeof bias, e));
    clq_quantization_init(&w->q);
    w->q.layout.rank = 2;
    w->q.layout.shape[0] = ROWS;
    w->q.layout.shape[1] = DEPTH;
    w->q.layout.granularity = CLQ_PER_CHANNEL;
    ACCEPTED(clq_scheme_from_preset(CLQ_PRESET_TFLITE, CLQ_S8, &w->q.scheme, e));
    clq_gemm_init(&w->p);
    w->p.m = ROWS;
    w->p.n = COLUMNS;
    w->p.k = DEPTH;
    w->p.a_zero_point = CLQ_GEMM_PER_ROW;
    w->p.bias = CLQ_GEMM_PER_COLUMN;
}

static clq_status work_run(const work *w, clq_context *context, clq_error *error)
{
    const clq_gemm_operands o = {.struct_size = sizeof o,
                                 .a = w->on[CODES],
                                 .b = w->on[B],
                                 .c = w->on[C],
                                 .a_zero_point = w->on[ZERO_POINT],
                                 .bias = w->on[BIAS]};
    const clq_status status = clq_dynamic_quantize(context, &w->q, w->on[X], w->on[CODES], w->on[SCALE],
                                                   w->on[ZERO_POINT], w->on[RANGE], w->on[NONFINITE], error);
    return status == CLQ_OK ? clq_gemm(context, &w->p, &o, error) : status;
}

static void work_end(work *w)
{
    for (int i = 0; i < OPERANDS; i++) {
        clq_buffer_destroy(&w->on[i].buffer);
    }
}

/* All operands, inputs too, are those of the reference. */
static void work_check(const work *w, const char *where)
{
    work want;
    work_begin(&want, NULL, check_reference());
    ACCEPTED(work_run(&want, check_reference(), e));
    for (int i = 0; i < OPERANDS; i++) {
        unsigned char *bytes = check_allocate(2 * bytes_of[i]);
        ACCEPTED(clq_buffer_read(want.on[i].buffer, 0, bytes, bytes_of[i], e));
        ACCEPTED(clq_buffer_read(w->on[i].buffer, 0, bytes + bytes_of[i], bytes_of[i], e));
        if (memcmp(bytes, bytes + bytes_of[i], (size_t)bytes_of[i]) != 0) {
            fail_msg("%s: operand %d differs", where, i);
        }
        free(bytes);
    }
    work_end(&want);
}

static const char *const kind_names[] = {"coarse", "fine", "usm"};

/* ---- tests ---- */

/* The check in a scene of each kind from the first to the last that the device has memory of. */
static void in_scenes(clq_pointer_kind first, clq_pointer_kind last, cl_command_queue_properties properties,
                      void (*check)(scene *s))
{
    for (int kind = (int)first; kind <= (int)last && check_device() != NULL; kind++) {
        scene s;
        if (scene_begin(&s, (clq_pointer_kind)kind, properties)) {
            check(&s);
            scene_end(&s);
        } else {
            print_message("no %s memory on this device\n", kind_names[kind]);
        }
    }
    check_needs_device();
}

static void check_in_place(scene *s)
{
    work w;
    void *mapped = NULL;
    float value[2];
    work_begin(&w, s, s->own.clquant);
    for (int run = 0; run < 2; run++) { /* the first one tries the kernels */
        ACCEPTED(work_run(&w, s->own.clquant, e));
        work_check(&w, kind_names[s->kind]);
    }
    /* The bytes are in the memory itself, not in a copy. */
    ACCEPTED(clq_buffer_map(w.on[X].buffer, &mapped, e));
    assert_ptr_equal(mapped, s->memory);
    assert_true(((const float *)mapped)[1] == -263 * 0.125f);
    ((float *)mapped)[1] = 12345.0f;
    ACCEPTED(clq_buffer_unmap(w.on[X].buffer, e));
    ACCEPTED(clq_buffer_read(w.on[X].buffer, 0, value, sizeof value, e));
    assert_true(value[1] == 12345.0f);
    work_end(&w);
}

static void operands_are_used_in_place(void **state)
{
    (void)state;
    in_scenes(CLQ_POINTER_SVM_COARSE, CLQ_POINTER_USM, 0, check_in_place);
}

static void check_fine_memory(scene *s)
{
    work w;
    int8_t codes[ROWS * DEPTH];
    work_begin(&w, s, s->own.clquant);
    ACCEPTED(clq_finish(s->own.clquant, e));
    ((float *)(void *)s->memory)[0] = 1000.0f;
    ACCEPTED(work_run(&w, s->own.clquant, e));
    ACCEPTED(clq_finish(s->own.clquant, e));
    ACCEPTED(clq_buffer_read(w.on[CODES].buffer, 0, codes, sizeof codes, e));
    assert_int_equal(codes[0], 127);
    assert_memory_equal(codes, s->memory + (X_BYTES + 31) / 16 * 16, sizeof codes);
    work_end(&w);
}

/* Fine-grained memory needs no call between the host and the device. */
static void host_reads_fine_memory_directly(void **state)
{
    (void)state;
    in_scenes(CLQ_POINTER_SVM_FINE, CLQ_POINTER_SVM_FINE, 0, check_fine_memory);
}

/* Packed B in memory of the scene. */
static clq_operand put_weights(scene *s, const work *w, clq_gemm_weights **weights)
{
    clq_gemm_weights *packed = NULL;
    clq_operand exported;
    unsigned char *bytes;
    uint64_t count;
    ACCEPTED(clq_gemm_weights_create(s->own.clquant, &w->p, w->on[B], (clq_operand){NULL, 0}, &packed, e));
    count = clq_gemm_weights_export_bytes(packed);
    bytes = check_allocate(count);
    ACCEPTED(clq_gemm_weights_export(packed, bytes, count, e));
    clq_gemm_weights_destroy(&packed);
    s->used = (s->used + 63) / 64 * 64;
    exported = carve(s, count);
    ACCEPTED(clq_buffer_write(exported.buffer, 0, bytes, count, e));
    free(bytes);
    ACCEPTED(clq_gemm_weights_import(s->own.clquant, &w->p, exported, weights, e));
    return exported;
}

enum { WORKSPACE_BYTES = 1 << 18 };

/* Both operations behind the gate, the second behind the first, whose events come out. */
static void enqueue(const scene *s, const work *w, const clq_gemm_weights *weights, const clq_buffer *workspace,
                    const cl_event *gate, cl_event *events)
{
    const clq_operands o = {.struct_size = sizeof o,
                            .x = w->on[X],
                            .codes = w->on[CODES],
                            .scale = w->on[SCALE],
                            .zero_point = w->on[ZERO_POINT],
                            .range = w->on[RANGE],
                            .nonfinite = w->on[NONFINITE]};
    const clq_gemm_operands product = {.struct_size = sizeof product,
                                       .a = w->on[CODES],
                                       .c = w->on[C],
                                       .a_zero_point = w->on[ZERO_POINT],
                                       .bias = w->on[BIAS],
                                       .weights = weights};
    clq_launch launch = {.struct_size = sizeof launch,
                         .queue = s->own.queue,
                         .wait_count = 1,
                         .wait_list = gate,
                         .event = &events[0],
                         .workspace_bytes = WORKSPACE_BYTES};
    ACCEPTED(clq_buffer_memory(workspace, &launch.workspace, &launch.workspace_offset_bytes, e));
    ACCEPTED(clq_enqueue(s->own.clquant, CLQ_OP_DYNAMIC_QUANTIZE, &w->q, &o, &launch, e));
    launch.event = &events[1];
    launch.wait_list = &events[0];
    ACCEPTED(clq_enqueue_gemm(s->own.clquant, &w->p, &product, &launch, e));
}

static void check_callers_queue(scene *s)
{
    work w;
    clq_plan plan;
    clq_gemm_weights *weights = NULL;
    clq_operand exported, workspace;
    cl_event gate;
    cl_event events[2] = {NULL, NULL};
    cl_int code = CL_SUCCESS;
    work_begin(&w, s, s->own.clquant);
    exported = put_weights(s, &w, &weights);
    ACCEPTED(clq_prepare(s->own.clquant, CLQ_OP_DYNAMIC_QUANTIZE, &w.q, e));
    ACCEPTED(clq_gemm_prepare(s->own.clquant, &w.p, ROWS, ROWS, e));
    ACCEPTED(clq_plan_operation(s->own.clquant, CLQ_OP_DYNAMIC_QUANTIZE, &w.q, &plan, e));
    assert_true(plan.workspace_bytes <= WORKSPACE_BYTES);
    workspace = carve(s, WORKSPACE_BYTES);
    write_x(&w, 1);
    gate = clCreateUserEvent(s->own.context, &code);
    assert_int_equal(code, CL_SUCCESS);
    enqueue(s, &w, weights, workspace.buffer, &gate, events);
    assert_int_equal(clFlush(s->own.queue), CL_SUCCESS);
    write_x(&w, 0);
    ACCEPTED(clq_finish(s->own.clquant, e));
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &events[1]), CL_SUCCESS);
    work_check(&w, kind_names[s->kind]);
    clReleaseEvent(gate);
    clReleaseEvent(events[0]);
    clReleaseEvent(events[1]);
    clq_gemm_weights_destroy(&weights);
    clq_buffer_destroy(&exported.buffer);
    clq_buffer_destroy(&workspace.buffer);
    work_end(&w);
}

/* Out of order, with scratch memory and packed weights in it too; x is there when all is enqueued, behind an event. */
static void callers_queue_and_workspace(void **state)
{
    (void)state;
    in_scenes(CLQ_POINTER_SVM_COARSE, CLQ_POINTER_USM, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, check_callers_queue);
}

static void check_overlaps(scene *s)
{
    work w;
    clq_buffer *whole = NULL;
    clq_buffer *wrapped = NULL;
    clq_operand codes;
    work_begin(&w, s, s->own.clquant);
    codes = w.on[CODES];
    ACCEPTED(clq_buffer_from_pointer(s->own.clquant, s->kind, s->memory, 0, ALL, &whole, e));
    ACCEPTED(clq_buffer_wrap(s->own.clquant, s->memory, ALL, &wrapped, e));
    for (int i = 0; i < 2; i++) {
        w.on[CODES] = (clq_operand){i == 0 ? whole : wrapped, X_BYTES - 1};
        REFUSED(CLQ_INVALID_ARGUMENT, "overlap", work_run(&w, s->own.clquant, e));
    }
    w.on[CODES] = codes;
    clq_buffer_destroy(&whole);
    clq_buffer_destroy(&wrapped);
    work_end(&w);
}

/* By whatever handles they come. */
static void operands_that_overlap_are_refused(void **state)
{
    (void)state;
    in_scenes(CLQ_POINTER_SVM_COARSE, CLQ_POINTER_SVM_COARSE, 0, check_overlaps);
}

static void refuse(scene *s, clq_status status, const char *part, clq_pointer_kind kind, void *pointer,
                   uint64_t offset_bytes, uint64_t bytes)
{
    clq_buffer *buffer = NULL;
    REFUSED(status, part, clq_buffer_from_pointer(s->own.clquant, kind, pointer, offset_bytes, bytes, &buffer, e));
    assert_null(buffer);
}

enum { PLAIN_BYTES = 8192 };

/* Memory of the C library's, for free(). */
static unsigned char *plain_pages(void)
{
    unsigned char *pages = aligned_alloc(4096, PLAIN_BYTES);
    assert_non_null(pages);
    return pages;
}

static void check_arguments(scene *s)
{
    const clq_pointer_kind k = s->kind;
    clq_buffer *buffer = NULL;
    unsigned char *pages = plain_pages();
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_from_pointer(s->own.clquant, k, s->memory, 0, 16, NULL, e));
    refuse(s, CLQ_INVALID_ARGUMENT, "NULL", k, NULL, 0, 16);
    refuse(s, CLQ_INVALID_ARGUMENT, "3 is no kind", (clq_pointer_kind)3, s->memory, 0, 16);
    refuse(s, CLQ_INVALID_ARGUMENT, "-1 is no kind", (clq_pointer_kind)-1, s->memory, 0, 16);
    refuse(s, CLQ_INVALID_ARGUMENT, "0 bytes", k, s->memory, 0, 0);
    refuse(s, CLQ_INVALID_ARGUMENT, "lie in no memory", k, s->memory, UINT64_MAX - 7, 16);
    refuse(s, CLQ_INVALID_ARGUMENT, "multiples of 16", k, s->memory, 8, 16);
    refuse(s, CLQ_INVALID_ARGUMENT, "8 more than", k, s->memory + 8, 0, 16);
    refuse(s, CLQ_INVALID_ARGUMENT, "clSVMAlloc", k, pages, 0, 4096);
    refuse(s, CLQ_INVALID_ARGUMENT, "CL_INVALID_BUFFER_SIZE", k, s->memory, 16, ALL - 15);
    ACCEPTED(clq_buffer_from_pointer(s->own.clquant, k, s->memory, 16, ALL - 16, &buffer, e));
    clq_buffer_destroy(&buffer);
    refuse(s, CLQ_UNSUPPORTED, "cl_intel_unified_shared_memory", CLQ_POINTER_USM, s->memory, 0, 16);
    free(pages);
}

static void arguments_are_checked(void **state)
{
    static unsigned char memory[64];
    clq_buffer *buffer = NULL;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL",
            clq_buffer_from_pointer(NULL, CLQ_POINTER_SVM_FINE, memory, 0, 16, &buffer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "has no OpenCL",
            clq_buffer_from_pointer(check_reference(), CLQ_POINTER_SVM_FINE, memory, 0, 16, &buffer, e));
    in_scenes(CLQ_POINTER_SVM_COARSE, CLQ_POINTER_SVM_FINE, 0, check_arguments);
}

static void check_old_device(scene *s)
{
    clq_buffer *buffer = NULL;
    clq_error error;
    for (int kind = 0; kind < 2; kind++) {
        failing_opencl_fail(1, "clGetDeviceInfo", CL_INVALID_VALUE);
        assert_int_equal(
            clq_buffer_from_pointer(s->own.clquant, (clq_pointer_kind)kind, s->memory, 0, 16, &buffer, &error),
            CLQ_UNSUPPORTED);
        assert_non_null(
            strstr(error.message, kind == 0 ? "CL_DEVICE_SVM_COARSE_GRAIN_BUFFER" : "CL_DEVICE_SVM_FINE_GRAIN_BUFFER"));
        assert_null(buffer);
    }
    failing_opencl_fail(0, NULL, 0);
}

/* A device of OpenCL 1.2 does not know the question. */
static void device_without_it_is_named(void **state)
{
    (void)state;
    in_scenes(CLQ_POINTER_SVM_COARSE, CLQ_POINTER_SVM_COARSE, 0, check_old_device);
}

static void check_usm(scene *s)
{
    clq_buffer *buffer = NULL;
    unsigned char *pages = plain_pages();
    for (cl_uint type = 0x4196; type <= 0x419A; type++) {
        play_usm(s->memory, ALL, type);
        if (type == 0x4196 || type == 0x419A) {
            refuse(s, CLQ_INVALID_ARGUMENT, "CL_MEM_ALLOC_TYPE_INTEL", CLQ_POINTER_USM, s->memory, 0, 16);
        } else {
            ACCEPTED(
                clq_buffer_from_pointer(s->own.clquant, CLQ_POINTER_USM, s->memory + 4096, 32, ALL - 4128, &buffer, e));
            clq_buffer_destroy(&buffer);
        }
    }
    play_usm(s->memory, ALL, 0x4198);
    refuse(s, CLQ_INVALID_ARGUMENT, "do not lie", CLQ_POINTER_USM, s->memory + 4096, 32, ALL - 4127);
    refuse(s, CLQ_INVALID_ARGUMENT, "do not lie", CLQ_POINTER_USM, s->memory + 16, ALL, 16);
    refuse(s, CLQ_INVALID_ARGUMENT, "multiples of 16", CLQ_POINTER_USM, s->memory + 8, 0, 16);
    refuse(s, CLQ_INVALID_ARGUMENT, "CL_MEM_ALLOC_TYPE_INTEL", CLQ_POINTER_USM, pages, 0, 16);
    for (cl_uint what = 0x419A; what <= 0x419C; what++) {
        played.failing = what;
        played.code = CL_INVALID_VALUE;
        refuse(s, CLQ_DEVICE_ERROR, "clGetMemAllocInfoINTEL", CLQ_POINTER_USM, s->memory, 0, 16);
    }
    play_usm(pages, PLAIN_BYTES, 0x4197); /* a driver that would copy */
    refuse(s, CLQ_UNSUPPORTED, "makes no cl_mem", CLQ_POINTER_USM, pages, 0, 16);
    failing_opencl_extension_function("clGetMemAllocInfoINTEL", NULL); /* one that does not give the function */
    refuse(s, CLQ_UNSUPPORTED, "has no unified shared memory", CLQ_POINTER_USM, s->memory, 0, 16);
    free(pages);
}

static void usm_is_found_by_the_driver(void **state)
{
    (void)state;
    in_scenes(CLQ_POINTER_USM, CLQ_POINTER_USM, 0, check_usm);
}

/* With each allocation failing once. Returns how many there are. */
static long fail_allocations(scene *s, clq_buffer **buffer, int references)
{
    long number = 0;
    while (*buffer == NULL) { /* ends: one more allocation succeeds each time */
        const long pieces = counted_memory_pieces();
        clq_status status;
        int failed;
        counted_memory_fail(++number);
        status = clq_buffer_from_pointer(s->own.clquant, s->kind, s->memory, 0, 16, buffer, NULL);
        failed = counted_memory_failed();
        counted_memory_fail(0);
        assert_int_equal(status, failed ? CLQ_OUT_OF_MEMORY : CLQ_OK);
        assert_int_equal(*buffer == NULL, failed);
        assert_true(!failed || (counted_memory_pieces() == pieces && failing_opencl_references() == references));
    }
    return number;
}

static void check_failing_buffers(scene *s)
{
    static const char *const calls[] = {"clCreateBuffer", "clGetMemObjectInfo"};
    const int references = failing_opencl_references();
    clq_buffer *buffer = NULL;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        failing_opencl_fail(1, calls[i], CL_OUT_OF_HOST_MEMORY);
        assert_int_not_equal(clq_buffer_from_pointer(s->own.clquant, s->kind, s->memory, 0, 16, &buffer, NULL), CLQ_OK);
        assert_string_equal(failing_opencl_failed(), calls[i]);
        assert_null(buffer);
        assert_int_equal(failing_opencl_references(), references);
    }
    failing_opencl_fail(0, NULL, 0);
    assert_true(fail_allocations(s, &buffer, references) > 1);
    clq_buffer_destroy(&buffer);
    assert_int_equal(failing_opencl_references(), references);
}

/* A buffer over a pointer of each kind: each call of OpenCL and each allocation fails once. */
static void buffers_fail(void **state)
{
    (void)state;
    in_scenes(CLQ_POINTER_SVM_COARSE, CLQ_POINTER_USM, 0, check_failing_buffers);
}

static void check_failures(scene *s)
{
    work w;
    int number = 0;
    int warm;
    clq_status status = CLQ_DEVICE_ERROR;
    work_begin(&w, s, s->own.clquant);
    ACCEPTED(work_run(&w, s->own.clquant, e));
    ACCEPTED(clq_finish(s->own.clquant, e)); /* which lets go of the commands' events */
    warm = failing_opencl_references();
    while (status != CLQ_OK) { /* ends: one more call succeeds each time */
        clq_error error;
        failing_opencl_fail(++number, NULL, CL_INVALID_ARG_VALUE);
        status = work_run(&w, s->own.clquant, &error);
        assert_true(status == CLQ_OK || strcmp(error.opencl_call, failing_opencl_failed()) == 0);
        failing_opencl_fail(0, NULL, 0);
        ACCEPTED(work_run(&w, s->own.clquant, e));
        work_check(&w, "after a failure");
    }
    assert_true(number > 10);
    assert_int_equal(failing_opencl_references(), warm);
    work_end(&w);
}

/* Each call of OpenCL fails once: it is told, nothing is kept, and the same operands serve the next call. */
static void failures_are_told(void **state)
{
    (void)state;
    in_scenes(CLQ_POINTER_SVM_COARSE, CLQ_POINTER_SVM_COARSE, 0, check_failures);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(operands_are_used_in_place),  cmocka_unit_test(host_reads_fine_memory_directly),
    cmocka_unit_test(callers_queue_and_workspace), cmocka_unit_test(operands_that_overlap_are_refused),
    cmocka_unit_test(arguments_are_checked),       cmocka_unit_test(device_without_it_is_named),
    cmocka_unit_test(usm_is_found_by_the_driver),  cmocka_unit_test(buffers_fail),
    cmocka_unit_test(failures_are_told),
};

CHECK_MAIN("pointers", tests)
