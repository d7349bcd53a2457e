/* SPDX-License-Identifier: Apache-2.0 */
/* The program of a fault: tables made from the record, and a main that is the same for all. */
#include "verify/reproduce.h"

#include <inttypes.h>
#include <string.h>

static const char head[] = "#define CL_TARGET_OPENCL_VERSION 120\n"
                           "#include <CL/cl.h>\n"
                           "#include <stdio.h>\n"
                           "#include <stdlib.h>\n"
                           "#include <string.h>\n\n";

/* What follows the tables. */
static const char body[] =
    "static const char *folder = \".\";\n"
    "\n"
    "static int give_up(const char *what, int code, int status)\n"
    "{\n"
    "    fprintf(stderr, \"%s: %d\\n\", what, code);\n"
    "    exit(status);\n"
    "}\n"
    "#define NEED(what, condition, code) ((condition) ? 0 : give_up(what, (int)(code), 2))\n"
    "#define RUN(what, code) ((code) == CL_SUCCESS ? 0 : give_up(what, (int)(code), fails ? 1 : 2))\n"
    "\n"
    "/* All of a file, with a NUL behind it. */\n"
    "static char *load(const char *name, size_t *bytes)\n"
    "{\n"
    "    char path[4096], *text;\n"
    "    FILE *file;\n"
    "    snprintf(path, sizeof path, \"%s/%s\", folder, name);\n"
    "    NEED(path, (file = fopen(path, \"rb\")) != NULL, 0);\n"
    "    fseek(file, 0, SEEK_END);\n"
    "    *bytes = (size_t)ftell(file);\n"
    "    rewind(file);\n"
    "    NEED(path, (text = calloc(1, *bytes + 1)) != NULL && fread(text, 1, *bytes, file) == *bytes, 0);\n"
    "    fclose(file);\n"
    "    return text;\n"
    "}\n"
    "\n"
    "static void show_log(cl_program program, cl_device_id device)\n"
    "{\n"
    "    static char log[65536];\n"
    "    clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);\n"
    "    fprintf(stderr, \"%s\\n\", log);\n"
    "}\n"
    "\n";
static const char main_function[] =
    "/* reproduce [PLATFORM:DEVICE [FOLDER]]: 1: the fault is there; 0: it is gone; 2: it could not be tried. */\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "    cl_platform_id platforms[64];\n"
    "    cl_device_id devices[64], device;\n"
    "    cl_uint platform_count = 0, device_count = 0;\n"
    "    cl_mem objects[sizeof memories / sizeof memories[0]];\n"
    "    unsigned p = PLATFORM, d = DEVICE;\n"
    "    size_t bytes, at = 0;\n"
    "    cl_int code;\n"
    "    char *got, *want;\n"
    "    cl_context context;\n"
    "    cl_command_queue queue;\n"
    "    NEED(\"P:D\", argc < 2 || sscanf(argv[1], \"%u:%u\", &p, &d) == 2, 0);\n"
    "    folder = argc > 2 ? argv[2] : folder;\n"
    "    NEED(\"platforms\", clGetPlatformIDs(64, platforms, &platform_count) == CL_SUCCESS && p < platform_count, "
    "p);\n"
    "    NEED(\"devices\", clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 64, devices, &device_count) == CL_SUCCESS "
    "&&\n"
    "                        d < device_count, d);\n"
    "    device = devices[d];\n"
    "    context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);\n"
    "    NEED(\"clCreateContext\", context != NULL, code);\n"
    "    queue = clCreateCommandQueue(context, device, 0, &code);\n"
    "    NEED(\"clCreateCommandQueue\", queue != NULL, code);\n"
    "    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {\n"
    "        objects[i] = clCreateBuffer(context, CL_MEM_READ_WRITE, memories[i].bytes, NULL, &code);\n"
    "        NEED(\"clCreateBuffer\", objects[i] != NULL, code);\n"
    "        if (memories[i].file != NULL) {\n"
    "            char *data = load(memories[i].file, &bytes);\n"
    "            code = clEnqueueWriteBuffer(queue, objects[i], CL_TRUE, 0, bytes, data, 0, NULL, NULL);\n"
    "            NEED(\"clEnqueueWriteBuffer\", code == CL_SUCCESS, code);\n"
    "            free(data);\n"
    "        }\n"
    "    }\n"
    "    for (size_t i = 0; i < sizeof launches / sizeof launches[0]; i++) {\n"
    "        const char *source = load(launches[i].source, &bytes);\n"
    "        cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, &code);\n"
    "        cl_kernel kernel;\n"
    "        RUN(\"clCreateProgramWithSource\", code);\n"
    "        code = clBuildProgram(program, 1, &device, launches[i].options, NULL, NULL);\n"
    "        if (code != CL_SUCCESS) {\n"
    "            show_log(program, device);\n"
    "        }\n"
    "        RUN(\"clBuildProgram\", code);\n"
    "        kernel = clCreateKernel(program, launches[i].kernel, &code);\n"
    "        RUN(launches[i].kernel, code);\n"
    "        for (int k = 0; k < launches[i].count; k++) {\n"
    "            const int a = launches[i].first + k, m = arguments[a].memory;\n"
    "            RUN(\"clSetKernelArg\", clSetKernelArg(kernel, (cl_uint)k, arguments[a].bytes,\n"
    "                                                 m >= 0 ? (const void *)&objects[m] : arguments[a].value));\n"
    "        }\n"
    "        RUN(\"clEnqueueNDRangeKernel\",\n"
    "            clEnqueueNDRangeKernel(queue, kernel, launches[i].dimensions, NULL, launches[i].global,\n"
    "                                   launches[i].local[0] != 0 ? launches[i].local : NULL, 0, NULL, NULL));\n"
    "        RUN(\"clFinish\", clFinish(queue));\n"
    "    }\n"
    "    want = load(\"expected.bin\", &bytes);\n"
    "    NEED(\"memory\", (got = malloc(bytes)) != NULL, 0);\n"
    "    code = clEnqueueReadBuffer(queue, objects[0], CL_TRUE, 0, bytes, got, 0, NULL, NULL);\n"
    "    RUN(\"clEnqueueReadBuffer\", code);\n"
    "    while (at < bytes && got[at] == want[at]) {\n"
    "        at++;\n"
    "    }\n"
    "    if (at == bytes) {\n"
    "        printf(\"the bytes are right: the fault is gone\\n\");\n"
    "        return 0;\n"
    "    }\n"
    "    for (size_t i = 0; i < sizeof operands / sizeof operands[0]; i++) {\n"
    "        if (at >= operands[i].offset && at - operands[i].offset < operands[i].bytes) {\n"
    "            printf(\"%s, byte %zu: \", operands[i].name, at - operands[i].offset);\n"
    "        }\n"
    "    }\n"
    "    printf(\"got 0x%02x, want 0x%02x\\n\", (unsigned char)got[at], (unsigned char)want[at]);\n"
    "    return 1;\n"
    "}\n";

void clq_verify_source_name(const clq_verify_launch *launch, char name[64])
{
    snprintf(name, 64, "%s", launch->file);
}

/* Octal, three digits each, so that none runs into the next character. */
static void put_bytes(clq_text *text, const unsigned char *bytes, size_t count)
{
    clq_text_put(text, "\"");
    for (size_t i = 0; i < count; i++) {
        clq_text_format(text, "\\%03o", (unsigned)bytes[i]);
    }
    clq_text_put(text, "\"");
}

/* A comment ends where somebody else's text says so: no such text. */
static void put_comment(clq_text *text, const char *string)
{
    for (; *string != '\0'; string++) {
        clq_text_add(text, *string == '*' || (unsigned char)*string < 0x20 ? "?" : string, 1);
    }
}

static void put_memories(clq_text *text, const clq_verify_fault *fault)
{
    clq_text_put(text, "/* The arena, in which all operands lie, and what else kernels use. */\n"
                       "static const struct {\n    const char *file;\n    size_t bytes;\n} memories[] = {\n");
    clq_text_format(text, "    {\"arena.bin\", %" PRIu64 "},\n", fault->work->arena.bytes);
    for (size_t i = 1; i < fault->record->memory_count; i++) {
        const clq_verify_memory *m = &fault->record->memories[i];
        if (m->before != NULL) {
            clq_text_format(text, "    {\"memory-%zu.bin\", %zu},\n", i, m->bytes);
        } else {
            clq_text_format(text, "    {NULL, %zu},\n", m->bytes);
        }
    }
    clq_text_put(text, "};\n");
}

static void put_arguments(clq_text *text, const clq_verify_record *record)
{
    clq_text_put(text, "static const struct {\n    int memory; /* number of one of these, or -1 */\n    size_t bytes;\n"
                       "    const char *value;\n} arguments[] = {\n");
    for (size_t i = 0; i < record->launch_count; i++) {
        for (size_t k = 0; k < record->launches[i].argument_count; k++) {
            const clq_verify_argument *a = &record->launches[i].arguments[k];
            if (a->memory >= 0) {
                clq_text_format(text, "    {%d, sizeof(cl_mem), NULL},\n", a->memory);
            } else {
                clq_text_format(text, "    {-1, %zu, ", a->bytes);
                put_bytes(text, a->value, a->bytes);
                clq_text_put(text, "},\n");
            }
        }
    }
    clq_text_put(text, "    {-1, 0, NULL},\n};\n");
}

static void put_launches(clq_text *text, const clq_verify_record *record)
{
    size_t first = 0;
    clq_text_put(text, "static const struct {\n    const char *source, *kernel, *options;\n    cl_uint dimensions;\n"
                       "    size_t global[3], local[3];\n    int first, count; /* arguments */\n} launches[] = {\n");
    for (size_t i = 0; i < record->launch_count; i++) {
        const clq_verify_launch *l = &record->launches[i];
        char name[64];
        clq_verify_source_name(l, name);
        clq_text_format(text, "    {\"%s\", \"%s\",\n     \"", name, l->kernel);
        clq_text_put(text, l->options);
        clq_text_format(text, "\", %u,\n     {%zu, %zu, %zu}, {%zu, %zu, %zu}, %zu, %zu},\n", (unsigned)l->dimensions,
                        l->global[0], l->global[1], l->global[2], l->local[0], l->local[1], l->local[2], first,
                        l->argument_count);
        first += l->argument_count;
    }
    clq_text_put(text, "};\n");
}

static void put_operands(clq_text *text, const clq_verify_work *work)
{
    clq_text_put(text, "static const struct {\n    const char *name;\n    size_t offset, bytes;\n} operands[] = {\n");
    for (size_t i = 0; i < work->operand_count; i++) {
        const clq_verify_operand *o = &work->operands[i];
        clq_text_format(text, "    {\"%s\", %" PRIu64 ", %" PRIu64 "},\n", o->name, o->offset_bytes,
                        clq_verify_element_bytes(o->element, o->elements));
    }
    clq_text_put(text, "    {\"beside operands\", 0, 0},\n};\n");
}

void clq_verify_program(clq_text *text, const clq_verify_fault *fault)
{
    const clq_device_info *d = fault->device;
    clq_text_put(text, "/*\n * ");
    put_comment(text, fault->what->name);
    clq_text_put(text, "\n * ");
    put_comment(text, d->name);
    clq_text_put(text, ", driver ");
    put_comment(text, d->driver);
    clq_text_put(text, "\n *\n * cc reproduce.c -o reproduce -lOpenCL && ./reproduce; fault.txt tells what is wrong.\n"
                       " * Written by clquant verify " CLQ_VERSION_STRING ".\n */\n");
    clq_text_put(text, head);
    clq_text_format(text, "enum { PLATFORM = %d, DEVICE = %d };\n", (int)(d->platform < 0 ? 0 : d->platform),
                    (int)(d->device < 0 ? 0 : d->device));
    clq_text_format(text, "static const int fails = %d; /* a call that fails is the fault */\n\n",
                    fault->what->verdict == CLQ_VERIFY_FAILED);
    put_memories(text, fault);
    put_arguments(text, fault->record);
    put_launches(text, fault->record);
    put_operands(text, fault->work);
    clq_text_put(text, "\n");
    clq_text_put(text, body);
    clq_text_put(text, main_function);
}
