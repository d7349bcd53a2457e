/* SPDX-License-Identifier: Apache-2.0 */
#include "mutant_compiler.h"

#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/opencl.h"

mutant_compiler_state mutant_compiler;

static int record_number;
static cl_program recorded[64];

char *__real_clq_cl_source(const char *name);
char *__wrap_clq_cl_source(const char *name);

char *__wrap_clq_cl_source(const char *name)
{
    char *source = __real_clq_cl_source(name);
    return source == NULL || mutant_compiler.now.name[0] == '\0' ? source : mutant_source(&mutant_compiler.now, source);
}

cl_int __real_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *cookie);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *cookie);

static void note_program(cl_program program, const char *options)
{
    char path[512];
    size_t bytes = 0;
    char *source;
    FILE *file;
    snprintf(path, sizeof path, "%s/%d.cl", mutant_compiler.record_folder, record_number);
    file = fopen(path, "w");
    if (file != NULL && clGetProgramInfo(program, CL_PROGRAM_SOURCE, 0, NULL, &bytes) == CL_SUCCESS &&
        (source = calloc(1, bytes + 1)) != NULL) {
        (void)clGetProgramInfo(program, CL_PROGRAM_SOURCE, bytes, source, NULL);
        fprintf(file, "%s", source);
        fprintf(mutant_compiler.record, "program %d %s\n", record_number, options);
        recorded[record_number % 64] = program;
        record_number++;
        free(source);
    }
    if (file != NULL) {
        fclose(file);
    }
}

cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *cookie)
{
    char all[MUTANT_TEXT_BYTES + 1024];
    const int is_quick = strcmp(mutant_compiler.now.kind, "line") == 0 ||
                         strcmp(mutant_compiler.now.kind, "changes") == 0 ||
                         mutant_compiler.record != NULL; /* builds in half the time */
    const char *unoptimized = is_quick ? "-cl-opt-disable" : "";
    snprintf(all, sizeof all, "%.900s %s %s", options, unoptimized,
             strcmp(mutant_compiler.now.kind, "option") == 0 ? mutant_compiler.now.text : "");
    if (mutant_compiler.record != NULL) {
        note_program(program, options);
    }
    return __real_clBuildProgram(program, count, devices, all, notify, cookie);
}

cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *events,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *events,
                                     cl_event *event);
cl_int __real_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                   const void *source, cl_uint count, const cl_event *events, cl_event *event);
cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                   const void *source, cl_uint count, const cl_event *events, cl_event *event);
cl_int __real_clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                  void *target, cl_uint count, const cl_event *events, cl_event *event);
cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                  void *target, cl_uint count, const cl_event *events, cl_event *event);

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *events,
                                     cl_event *event)
{
    mutant_compiler.launches++;
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                   const void *source, cl_uint count, const cl_event *events, cl_event *event)
{
    mutant_compiler.transfers++;
    return __real_clEnqueueWriteBuffer(queue, memory, blocking, offset, bytes, source, count, events, event);
}

cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                  void *target, cl_uint count, const cl_event *events, cl_event *event)
{
    mutant_compiler.transfers++;
    return __real_clEnqueueReadBuffer(queue, memory, blocking, offset, bytes, target, count, events, event);
}

cl_kernel __real_clCreateKernel(cl_program program, const char *name, cl_int *code);
cl_kernel __wrap_clCreateKernel(cl_program program, const char *name, cl_int *code);

cl_kernel __wrap_clCreateKernel(cl_program program, const char *name, cl_int *code)
{
    for (int i = record_number - 1; mutant_compiler.record != NULL && i >= 0 && i > record_number - 64; i--) {
        if (recorded[i % 64] == program) {
            fprintf(mutant_compiler.record, "kernel %d %s\n", i, name);
            break;
        }
    }
    return __real_clCreateKernel(program, name, code);
}
