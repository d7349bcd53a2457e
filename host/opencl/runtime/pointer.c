/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers over pointers of shared virtual memory (OpenCL 2.0) and of unified shared memory
 * (cl_intel_unified_shared_memory).
 *
 * A kernel gets them as a cl_mem: clCreateBuffer with CL_MEM_USE_HOST_PTR and a pointer of clSVMAlloc gives a buffer
 * whose storage is that memory, by the letter of OpenCL 2.0 and later, and Intel's driver does the same with its own.
 * So nothing of a launch, a batch, a workspace or a trial differs, and no function beyond OpenCL 1.2 is needed to set
 * an argument. Whether a driver knows the pointer for what it is it tells by CL_MEM_USES_SVM_POINTER: one that does not
 * would copy.
 */
#include <inttypes.h>
#include <string.h>

#include "core/size.h"
#include "opencl/runtime/capability.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/memory.h"

/* Of OpenCL 2.0 and of the extension, for headers that do not know them. */
enum {
    SVM_CAPABILITIES = 0x1053,
    SVM_COARSE_GRAIN_BUFFER = 1 << 0,
    SVM_FINE_GRAIN_BUFFER = 1 << 1,
    USES_SVM_POINTER = 0x1109,
    ALLOCATION_TYPE = 0x419A,
    ALLOCATION_BASE = 0x419B,
    ALLOCATION_SIZE = 0x419C,
    TYPE_HOST = 0x4197,
    TYPE_SHARED = 0x4199
};

static const char function[] = "clq_buffer_from_pointer";
static const char usm[] = "cl_intel_unified_shared_memory";

/* Memory as its allocator knows it, and where the buffer begins in it. */
typedef struct allocation {
    void *base;
    uint64_t offset_bytes;
} allocation;

static clq_status check_svm(const clq_context *context, clq_pointer_kind kind, clq_error *error)
{
    const int is_fine = kind == CLQ_POINTER_SVM_FINE;
    cl_bitfield found = 0; /* what is older than 2.0 does not know the question */
    if (clGetDeviceInfo(context->cl->device, SVM_CAPABILITIES, sizeof found, &found, NULL) != CL_SUCCESS ||
        (found & (is_fine ? SVM_FINE_GRAIN_BUFFER : SVM_COARSE_GRAIN_BUFFER)) == 0) {
        return clq_fail(error, CLQ_UNSUPPORTED,
                        "%s: %s has no %s-grained shared virtual memory (CL_DEVICE_SVM_CAPABILITIES without "
                        "CL_DEVICE_SVM_%s_GRAIN_BUFFER)",
                        function, context->device.name, is_fine ? "fine" : "coarse", is_fine ? "FINE" : "COARSE");
    }
    return CLQ_OK;
}

typedef cl_int(CL_API_CALL *allocation_info)(cl_context context, const void *pointer, cl_uint what, size_t capacity,
                                             void *value, size_t *bytes);

/* The driver knows where the memory begins, whatever part of it is pointed at. */
static clq_status find_usm(const clq_context *context, void *pointer, uint64_t bytes, allocation *a, clq_error *error)
{
    const struct clq_cl_state *cl = context->cl;
    allocation_info clGetMemAllocInfoINTEL = NULL;
    cl_uint type = 0;
    size_t size = 0;
    void *base = NULL;
    const int is_there = clq_cl_has_extension(cl->device, usm);
    if (is_there < 0) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "%s: no memory to ask %s for its extensions", function,
                        context->device.name);
    }
    if (is_there) {
        void *found = clGetExtensionFunctionAddressForPlatform(cl->platform, "clGetMemAllocInfoINTEL");
        memcpy(&clGetMemAllocInfoINTEL, &found, sizeof found);
    }
    if (clGetMemAllocInfoINTEL == NULL) {
        return clq_fail(error, CLQ_UNSUPPORTED, "%s: %s has no unified shared memory (%s)", function,
                        context->device.name, usm);
    }
    CLQ_CL(clGetMemAllocInfoINTEL, cl->context, pointer, ALLOCATION_TYPE, sizeof type, &type, NULL);
    CLQ_REQUIRE(type >= TYPE_HOST && type <= TYPE_SHARED,
                "%s: the pointer is none of %s in this cl_context (CL_MEM_ALLOC_TYPE_INTEL is 0x%x)", function, usm,
                (unsigned)type);
    CLQ_CL(clGetMemAllocInfoINTEL, cl->context, pointer, ALLOCATION_BASE, sizeof base, &base, NULL);
    CLQ_CL(clGetMemAllocInfoINTEL, cl->context, pointer, ALLOCATION_SIZE, sizeof size, &size, NULL);
    a->base = base;
    a->offset_bytes += (uint64_t)((uintptr_t)pointer - (uintptr_t)base);
    CLQ_REQUIRE(a->offset_bytes <= size && bytes <= size - a->offset_bytes,
                "%s: %" PRIu64 " bytes at %" PRIu64 " do not lie in an allocation of %zu bytes", function, bytes,
                a->offset_bytes, size);
    return CLQ_OK;
}

/* A buffer of all up to the last byte that is used. */
static clq_status make_memory(const clq_context *context, clq_pointer_kind kind, const allocation *a, uint64_t bytes,
                              cl_mem *made, clq_error *error)
{
    cl_bool is_known = CL_FALSE;
    cl_mem memory = NULL;
    clq_error story = {0};
    const clq_status status =
        clq_cl_memory_create(context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, a->offset_bytes + bytes, a->base,
                             "a buffer over a pointer", &memory, &story);
    CLQ_REQUIRE(status == CLQ_OK || story.opencl_code != CL_INVALID_BUFFER_SIZE,
                "%s: %" PRIu64 " bytes at %" PRIu64
                " do not lie in what the pointer was allocated for (CL_INVALID_BUFFER_SIZE)",
                function, bytes, a->offset_bytes);
    if (status != CLQ_OK) {
        if (error != NULL) {
            *error = story;
        }
        return status;
    }
    if (clGetMemObjectInfo(memory, USES_SVM_POINTER, sizeof is_known, &is_known, NULL) != CL_SUCCESS ||
        is_known == CL_FALSE) {
        (void)clReleaseMemObject(memory);
        return kind == CLQ_POINTER_USM
                   ? clq_fail(
                         error, CLQ_UNSUPPORTED,
                         "%s: the driver of %s makes no cl_mem over memory of %s (CL_MEM_USES_SVM_POINTER is false)",
                         function, context->device.name, usm)
                   : clq_fail(error, CLQ_INVALID_ARGUMENT,
                              "%s: the pointer is not what clSVMAlloc returned for this cl_context "
                              "(CL_MEM_USES_SVM_POINTER is false)",
                              function);
    }
    *made = memory;
    return CLQ_OK;
}

clq_status clq_buffer_from_pointer(clq_context *context, clq_pointer_kind kind, void *pointer, uint64_t offset_bytes,
                                   uint64_t bytes, clq_buffer **buffer, clq_error *error)
{
    allocation a = {pointer, offset_bytes};
    uint64_t end = 0;
    cl_mem memory = NULL;
    clq_status status;
    CLQ_REQUIRE(context != NULL && buffer != NULL && pointer != NULL,
                "%s: context, pointer and buffer must not be NULL", function);
    *buffer = NULL;
    CLQ_REQUIRE(context->cl != NULL, "%s: %s has no OpenCL; clq_buffer_wrap takes host memory", function,
                context->device.name);
    CLQ_REQUIRE((unsigned)kind <= CLQ_POINTER_USM, "%s: %d is no kind of pointer", function, (int)kind);
    CLQ_REQUIRE(bytes > 0 && clq_size_add(offset_bytes, bytes, &end) && end <= SIZE_MAX,
                "%s: %" PRIu64 " bytes at %" PRIu64 " are none, or lie in no memory", function, bytes, offset_bytes);
    CLQ_TRY(kind == CLQ_POINTER_USM ? find_usm(context, pointer, bytes, &a, error) : check_svm(context, kind, error));
    CLQ_REQUIRE((uintptr_t)a.base % 16 == 0 && a.offset_bytes % 16 == 0,
                "%s: the buffer begins %" PRIu64 " bytes behind an address that is %u more than a multiple of 16; both "
                "must be multiples of 16",
                function, a.offset_bytes, (unsigned)((uintptr_t)a.base % 16));
    CLQ_TRY(make_memory(context, kind, &a, bytes, &memory, error));
    status = clq_buffer_new(context, bytes, buffer, error);
    if (status != CLQ_OK) {
        (void)clReleaseMemObject(memory);
        return status;
    }
    (*buffer)->object = memory; /* which does not own the memory: as clq_buffer_wrap has it */
    (*buffer)->base_offset_bytes = a.offset_bytes;
    (*buffer)->first = (uintptr_t)a.base + a.offset_bytes;
    return CLQ_OK;
}
