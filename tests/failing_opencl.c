/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "failing_opencl.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

/* One function that stands before that of the OpenCL library; in the list after its first call. */
typedef struct function {
    const char *name;
    void *real;
    int calls;
    struct function *next;
} function;

static function *functions;

static struct {
    int number;
    const char *function;
    cl_int code;
    int calls;
    char failed[64];
} failure;

static int corrupt_reads;
static int break_builds;
static const char *broken_file; /* NULL: any */
static const char *extensions;  /* NULL: the device's own */
static const char *device_name; /* the same */
static const char *own_name;    /* of a function of an extension, NULL: none */
static void (*own_function)(void);
static const char *changed_kernel;
static const char *whole_binary;
static cl_device_id neighbour; /* NULL: none */
static int references;

/* ---- what the functions below share ---- */

static void enter(function *f)
{
    if (f->real == NULL) {
        f->real = dlsym(RTLD_NEXT, f->name);
        if (f->real == NULL) {
            fprintf(stderr, "no %s: %s\n", f->name, dlerror());
            abort();
        }
        f->next = functions;
        functions = f;
    }
    f->calls++;
}

/* ---- places ---- */

enum { MOST_NOTED = 8192, MOST_FRAMES = 48 };

static struct {
    int is_on, count;
    uint64_t places[MOST_NOTED]; /* a hash of the addresses that the functions above return to */
} noted;

typedef struct place {
    uint64_t hash;
    int frames;
} place;

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *frame, void *cookie)
{
    place *p = cookie;
    p->hash = (p->hash ^ (uint64_t)_Unwind_GetIP(frame)) * UINT64_C(0x9E3779B97F4A7C15);
    p->hash ^= p->hash >> 29;
    return ++p->frames < MOST_FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void note_place(void)
{
    place p = {0, 0};
    if (noted.is_on && noted.count < MOST_NOTED) {
        (void)_Unwind_Backtrace(add_frame, &p);
        noted.places[noted.count++] = p.hash;
    }
}

/* Whether this call is the one that fails. `by_number`: it is counted even when it is not asked for by name. */
static int must_fail(const function *f, int by_number)
{
    if (failure.function == NULL ? !by_number : strcmp(failure.function, f->name) != 0) {
        return 0;
    }
    failure.calls++;
    note_place();
    if (failure.calls != failure.number) {
        return 0;
    }
    snprintf(failure.failed, sizeof failure.failed, "%s", f->name);
    return 1;
}

static int is_due(int *count)
{
    if (*count <= 0) {
        return 0;
    }
    --*count;
    return 1;
}

/*
 * Declares `self` and `real`, and counts the call. ISO C has no cast from void * to a function; POSIX promises that the
 * bits are the same.
 */
#define ENTER(type, name, parameters)                                                                                  \
    static function self = {#name, NULL, 0, NULL};                                                                     \
    type(CL_API_CALL *real) parameters;                                                                                \
    enter(&self);                                                                                                      \
    memcpy(&real, &self.real, sizeof(real))

/* A function that returns a code; by_number as for must_fail. */
#define CODE_FUNCTION(by_number, name, parameters, arguments)                                                          \
    cl_int CL_API_CALL name parameters                                                                                 \
    {                                                                                                                  \
        ENTER(cl_int, name, parameters);                                                                               \
        return must_fail(&self, by_number) ? failure.code : real arguments;                                            \
    }

/* The same with one object, of which it takes or gives back a reference. */
#define REFERENCE_FUNCTION(by_number, name, type, change)                                                              \
    cl_int CL_API_CALL name(type object)                                                                               \
    {                                                                                                                  \
        cl_int code;                                                                                                   \
        ENTER(cl_int, name, (type));                                                                                   \
        code = must_fail(&self, by_number) ? failure.code : real(object);                                              \
        references += code == CL_SUCCESS ? (change) : 0;                                                               \
        return code;                                                                                                   \
    }

/* A command: returns a code and hands out an event when `event` is not NULL. */
#define COMMAND_FUNCTION(name, parameters, arguments)                                                                  \
    cl_int CL_API_CALL name parameters                                                                                 \
    {                                                                                                                  \
        cl_int code;                                                                                                   \
        ENTER(cl_int, name, parameters);                                                                               \
        code = must_fail(&self, 1) ? failure.code : real arguments;                                                    \
        references += code == CL_SUCCESS && event != NULL;                                                             \
        return code;                                                                                                   \
    }

/* A function that returns a handle, `made` references in it, and stores a code. */
#define HANDLE_FUNCTION(by_number, made, type, name, parameters, arguments)                                            \
    type CL_API_CALL name parameters                                                                                   \
    {                                                                                                                  \
        type handle;                                                                                                   \
        ENTER(type, name, parameters);                                                                                 \
        if (must_fail(&self, by_number)) {                                                                             \
            *code = failure.code;                                                                                      \
            return NULL;                                                                                               \
        }                                                                                                              \
        handle = real arguments;                                                                                       \
        references += handle != NULL ? (made) : 0;                                                                     \
        return handle;                                                                                                 \
    }

/* What verify alone calls, and the table of functions therefore has (host/opencl/runtime/functions.h). */
HANDLE_FUNCTION(1, 1, cl_mem, clCreateSubBuffer,
                (cl_mem memory, cl_mem_flags flags, cl_buffer_create_type type, const void *region, cl_int *code),
                (memory, flags, type, region, code))
HANDLE_FUNCTION(1, 1, cl_event, clCreateUserEvent, (cl_context context, cl_int *code), (context, code))
CODE_FUNCTION(1, clSetUserEventStatus, (cl_event event, cl_int status), (event, status))

/* Fails by its name alone; what a test puts in its place comes first. */
void *CL_API_CALL clGetExtensionFunctionAddressForPlatform(cl_platform_id platform, const char *name)
{
    ENTER(void *, clGetExtensionFunctionAddressForPlatform, (cl_platform_id, const char *));
    if (must_fail(&self, 0)) {
        return NULL;
    }
    if (own_name != NULL && strcmp(name, own_name) == 0) {
        void *address;
        memcpy(&address, &own_function, sizeof address);
        return address;
    }
    return real(platform, name);
}

#define CLQ_OWN_FUNCTIONS
#include "opencl_functions.inc"

/* ---- objects ---- */

REFERENCE_FUNCTION(1, clRetainContext, cl_context, 1)
REFERENCE_FUNCTION(1, clRetainMemObject, cl_mem, 1)
REFERENCE_FUNCTION(1, clRetainCommandQueue, cl_command_queue, 1)
REFERENCE_FUNCTION(1, clRetainEvent, cl_event, 1)
REFERENCE_FUNCTION(0, clReleaseContext, cl_context, -1)
REFERENCE_FUNCTION(0, clReleaseCommandQueue, cl_command_queue, -1)
REFERENCE_FUNCTION(0, clReleaseMemObject, cl_mem, -1)
REFERENCE_FUNCTION(0, clReleaseProgram, cl_program, -1)
REFERENCE_FUNCTION(0, clReleaseKernel, cl_kernel, -1)
REFERENCE_FUNCTION(0, clReleaseEvent, cl_event, -1)

/* ---- questions ---- */

cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t capacity, void *value,
                                   size_t *bytes)
{
    const char *told;
    ENTER(cl_int, clGetDeviceInfo, (cl_device_id, cl_device_info, size_t, void *, size_t *));
    if (must_fail(&self, 0)) {
        return failure.code;
    }
    told = what == CL_DEVICE_EXTENSIONS ? extensions : what == CL_DEVICE_NAME ? device_name : NULL;
    if (told == NULL) {
        return real(device, what, capacity, value, bytes);
    }
    if (bytes != NULL) {
        *bytes = strlen(told) + 1;
    }
    if (value != NULL) {
        snprintf(value, capacity, "%s", told);
    }
    return CL_SUCCESS;
}

/* Whether the program has the kernel whose binaries are to be others. */
static int is_changed(cl_int(CL_API_CALL *real)(cl_program, cl_program_info, size_t, void *, size_t *),
                      cl_program program)
{
    char names[4096] = "";
    return changed_kernel != NULL && real(program, CL_PROGRAM_KERNEL_NAMES, sizeof names, names, NULL) == CL_SUCCESS &&
           strstr(names, changed_kernel) != NULL;
}

/* By the letter of OpenCL: an answer for each device, the neighbour's first, for which nothing was built. */
static cl_int answer_for_both(cl_int(CL_API_CALL *real)(cl_program, cl_program_info, size_t, void *, size_t *),
                              cl_program program, cl_program_info what, size_t capacity, void *value, size_t *bytes)
{
    const size_t one = what == CL_PROGRAM_BINARY_SIZES ? sizeof(size_t) : sizeof(void *);
    if (bytes != NULL) {
        *bytes = 2 * one;
    }
    if (value == NULL || capacity < 2 * one) {
        return value == NULL ? CL_SUCCESS : CL_INVALID_VALUE;
    }
    if (what == CL_PROGRAM_BINARY_SIZES) {
        *(size_t *)value = 0;
    } else if (what == CL_PROGRAM_DEVICES) {
        *(cl_device_id *)value = neighbour;
    }
    return real(program, what, one, (char *)value + one, NULL);
}

cl_int CL_API_CALL clGetProgramInfo(cl_program program, cl_program_info what, size_t capacity, void *value,
                                    size_t *bytes)
{
    cl_int code;
    size_t length = 0;
    ENTER(cl_int, clGetProgramInfo, (cl_program, cl_program_info, size_t, void *, size_t *));
    if (must_fail(&self, 0)) {
        return failure.code;
    }
    if (whole_binary != NULL && what == CL_PROGRAM_BINARY_SIZES) {
        *(size_t *)value = strlen(whole_binary);
        if (bytes != NULL) {
            *bytes = sizeof(size_t);
        }
        return CL_SUCCESS;
    }
    if (whole_binary != NULL && what == CL_PROGRAM_BINARIES) {
        memcpy(*(unsigned char **)value, whole_binary, strlen(whole_binary));
        return CL_SUCCESS;
    }
    if (neighbour != NULL &&
        (what == CL_PROGRAM_DEVICES || what == CL_PROGRAM_BINARY_SIZES || what == CL_PROGRAM_BINARIES)) {
        return answer_for_both(real, program, what, capacity, value, bytes);
    }
    code = real(program, what, capacity, value, bytes);
    if (code == CL_SUCCESS && what == CL_PROGRAM_BINARIES && is_changed(real, program) &&
        real(program, CL_PROGRAM_BINARY_SIZES, sizeof length, &length, NULL) == CL_SUCCESS && length > 0) {
        (*(unsigned char **)value)[length / 2] ^= 1;
    }
    return code;
}

/* ---- programs and commands ---- */

/* Every source that the library puts together begins with the place of its first line; a layer may put its own before.
 */
static int is_broken(cl_program program)
{
    char first_line[128];
    size_t bytes = 0;
    char *source;
    int is_it = broken_file == NULL;
    if (broken_file != NULL && break_builds > 0 &&
        clGetProgramInfo(program, CL_PROGRAM_SOURCE, 0, NULL, &bytes) == CL_SUCCESS && bytes > 0 &&
        (source = calloc(1, bytes)) != NULL) {
        snprintf(first_line, sizeof first_line, "#line 1 \"kernels/%s\"\n", broken_file);
        if (clGetProgramInfo(program, CL_PROGRAM_SOURCE, bytes, source, NULL) == CL_SUCCESS) {
            const char *first = strstr(source, "#line 1 \"kernels/");
            is_it = first != NULL && strncmp(first, first_line, strlen(first_line)) == 0;
        }
        free(source);
    }
    return is_it && is_due(&break_builds);
}

cl_int CL_API_CALL clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                                  void(CL_CALLBACK *notify)(cl_program, void *), void *cookie)
{
    ENTER(cl_int, clBuildProgram,
          (cl_program, cl_uint, const cl_device_id *, const char *, void(CL_CALLBACK *)(cl_program, void *), void *));
    if (must_fail(&self, 1)) {
        return failure.code;
    }
    return real(program, count, devices, is_broken(program) ? "-DVECTOR_WIDTH=3" : options, notify, cookie);
}

cl_int CL_API_CALL clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                       size_t bytes, void *target, cl_uint count, const cl_event *events,
                                       cl_event *event)
{
    cl_int code;
    ENTER(cl_int, clEnqueueReadBuffer,
          (cl_command_queue, cl_mem, cl_bool, size_t, size_t, void *, cl_uint, const cl_event *, cl_event *));
    if (must_fail(&self, 1)) {
        return failure.code;
    }
    code = real(queue, memory, blocking, offset, bytes, target, count, events, event);
    references += code == CL_SUCCESS && event != NULL;
    if (bytes > 0 && is_due(&corrupt_reads)) {
        ((unsigned char *)target)[bytes / 2] ^= 1;
    }
    return code;
}

/* ---- what a test tells and asks ---- */

void failing_opencl_note_places(const char *function_name)
{
    failing_opencl_fail(0, function_name, CL_SUCCESS);
    noted.is_on = 1;
    noted.count = 0;
}

int failing_opencl_noted(void)
{
    return noted.count;
}

int failing_opencl_next(int number, int stride, int offset)
{
    for (int i = number; i < noted.count; i++) {
        int first = 0;
        while (noted.places[first] != noted.places[i]) {
            first++;
        }
        if (first == i || i % stride == offset) {
            return i + 1;
        }
    }
    return 0;
}

void failing_opencl_fail(int number, const char *function_name, cl_int code)
{
    noted.is_on = 0;
    memset(&failure, 0, sizeof failure);
    failure.number = number;
    failure.function = function_name;
    failure.code = code;
}

const char *failing_opencl_failed(void)
{
    return failure.failed;
}

void failing_opencl_corrupt_reads(int count)
{
    corrupt_reads = count;
}

void failing_opencl_break_builds(int count, const char *file)
{
    break_builds = count;
    broken_file = file;
}

void failing_opencl_change_binaries(const char *kernel)
{
    changed_kernel = kernel;
}

void failing_opencl_neighbour(cl_device_id device)
{
    neighbour = device;
}

void failing_opencl_replace_binaries(const char *text)
{
    whole_binary = text;
}

void failing_opencl_extensions(const char *list)
{
    extensions = list;
}

void failing_opencl_device_name(const char *name)
{
    device_name = name;
}

void failing_opencl_extension_function(const char *name, void (*own)(void))
{
    own_name = name;
    own_function = own;
}

int failing_opencl_calls(const char *name)
{
    int calls = 0;
    for (const function *f = functions; f != NULL; f = f->next) {
        calls += name == NULL || strcmp(name, f->name) == 0 ? f->calls : 0;
    }
    return calls;
}

void failing_opencl_forget_calls(void)
{
    for (function *f = functions; f != NULL; f = f->next) {
        f->calls = 0;
    }
}

const char *failing_opencl_called_beside(const char *const *names)
{
    for (const function *f = functions; f != NULL; f = f->next) {
        const char *const *name = names;
        while (*name != NULL && strcmp(*name, f->name) != 0) {
            name++;
        }
        if (f->calls > 0 && *name == NULL) {
            return f->name;
        }
    }
    return NULL;
}

int failing_opencl_references(void)
{
    return references;
}
