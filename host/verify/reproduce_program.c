/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of a fault: what is recorded of it, behind texts that are the same for all (verify/program/, and plain.c
 * with plain.h), which are in the library as kernels are. Straight on, as somebody would write it who has one launch to
 * show: what a reader has no use for is left out.
 */
#include "verify/reproduce.h"

#include "verify/probe.h"
#include "verify/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- launches ---- */

static void put_buffer(clq_text *text, const char *name, size_t number, uint64_t bytes)
{
    clq_text_format(text, "    cl_mem %s", name);
    if (number > 0) {
        clq_text_format(text, "_%zu", number);
    }
    clq_text_format(text,
                    " = clCreateBuffer(context, CL_MEM_READ_WRITE, %" PRIu64 ", NULL, &code);\n"
                    "    check(code, \"clCreateBuffer\");\n",
                    bytes);
}

/* Memory number 0 is the arena, in which all operands lie. */
static void put_memories(clq_text *text, const clq_verify_fault *fault)
{
    put_buffer(text, "arena", 0, fault->work->arena.bytes);
    clq_text_put(text, "    load(\"arena.bin\", got, sizeof got);\n"
                       "    CHECK(clEnqueueWriteBuffer(queue, arena, CL_TRUE, 0, sizeof got, got, 0, NULL, NULL));\n");
    for (size_t i = 1; i < fault->record->memory_count; i++) {
        const clq_verify_memory *m = &fault->record->memories[i];
        put_buffer(text, "memory", i, m->bytes);
        if (m->before != NULL) {
            clq_text_format(text,
                            "    static unsigned char bytes_%zu[%zu];\n    load(\"memory-%zu.bin\", bytes_%zu, %zu);\n"
                            "    CHECK(clEnqueueWriteBuffer(queue, memory_%zu, CL_TRUE, 0, %zu, bytes_%zu, 0, NULL, "
                            "NULL));\n",
                            i, m->bytes, i, i, m->bytes, i, m->bytes, i);
        }
    }
}

/* A structure, as words: so many stand in a line. */
static void put_words(clq_text *text, size_t launch, size_t number, const clq_verify_argument *a)
{
    enum { IN_A_LINE = 12 };
    clq_text_format(text, "    const cl_uint value_%zu_%zu[] = {", launch, number);
    for (size_t i = 0; i < a->bytes / sizeof(cl_uint); i++) {
        cl_uint word;
        memcpy(&word, a->value + i * sizeof word, sizeof word);
        clq_text_format(text, word < 1u << 31 ? "%s%u," : "%s0x%x,", i % IN_A_LINE == 0 ? "\n        " : " ",
                        (unsigned)word);
    }
    clq_text_format(text, "\n    };\n    CHECK(clSetKernelArg(kernel, %zu, sizeof value_%zu_%zu, value_%zu_%zu));\n",
                    number, launch, number, launch, number);
}

static void put_value(clq_text *text, size_t launch, size_t number, const clq_verify_argument *a)
{
    if (a->bytes == sizeof(cl_int)) {
        cl_int value;
        memcpy(&value, a->value, sizeof value);
        clq_text_format(text, "    CHECK(clSetKernelArg(kernel, %zu, 4, (cl_int[]){%d}));\n", number, (int)value);
    } else if (a->bytes == sizeof(cl_ulong)) {
        cl_ulong value;
        memcpy(&value, a->value, sizeof value);
        clq_text_format(text, "    CHECK(clSetKernelArg(kernel, %zu, 8, (cl_ulong[]){%" PRIu64 "}));\n", number,
                        (uint64_t)value);
    } else if (a->bytes % sizeof(cl_uint) == 0) {
        put_words(text, launch, number, a);
    } else {
        clq_text_format(text, "    CHECK(clSetKernelArg(kernel, %zu, %zu, ", number, a->bytes);
        put_bytes(text, a->value, a->bytes);
        clq_text_put(text, "));\n");
    }
}

static void put_argument(clq_text *text, size_t launch, size_t number, const clq_verify_argument *a)
{
    if (a->memory == CLQ_VERIFY_VALUE) {
        put_value(text, launch, number, a);
    } else if (a->memory == CLQ_VERIFY_NO_MEMORY) {
        clq_text_format(text, "    CHECK(clSetKernelArg(kernel, %zu, sizeof(cl_mem), (cl_mem[]){NULL}));\n", number);
    } else if (a->memory == 0) {
        clq_text_format(text, "    CHECK(clSetKernelArg(kernel, %zu, sizeof arena, &arena));\n", number);
    } else {
        clq_text_format(text, "    CHECK(clSetKernelArg(kernel, %zu, sizeof memory_%d, &memory_%d));\n", number,
                        a->memory, a->memory);
    }
}

static void put_sizes(clq_text *text, cl_uint dimensions, const size_t *sizes)
{
    clq_text_put(text, "(size_t[]){");
    for (cl_uint i = 0; i < dimensions; i++) {
        clq_text_format(text, "%s%zu", i > 0 ? ", " : "", sizes[i]);
    }
    clq_text_put(text, "}");
}

static void put_launch(clq_text *text, size_t number, const clq_verify_launch *l)
{
    clq_text_format(text, "\n    %skernel = clCreateKernel(\n        build(\"%s\", \"", number == 0 ? "cl_kernel " : "",
                    l->file);
    clq_text_put(text, l->options);
    clq_text_format(text, "\"), \"%s\", &code);\n    check(code, \"clCreateKernel\");\n", l->kernel);
    for (size_t k = 0; k < l->argument_count; k++) {
        put_argument(text, number, k, &l->arguments[k]);
    }
    clq_text_format(text, "    CHECK(clEnqueueNDRangeKernel(queue, kernel, %u, NULL, ", (unsigned)l->dimensions);
    put_sizes(text, l->dimensions, l->global);
    clq_text_put(text, ", ");
    if (l->local[0] != 0) {
        put_sizes(text, l->dimensions, l->local);
    } else {
        clq_text_put(text, "NULL");
    }
    clq_text_put(text, ", 0, NULL, NULL));\n");
}

/* ---- the end of main ---- */

static void put_comparison(clq_text *text)
{
    clq_text_put(text, "    load(\"expected.bin\", want, sizeof want);\n"
                       "    for (size_t i = 0; i < sizeof want; i++) {\n"
                       "        if (got[i] != want[i]) {\n"
                       "            printf(\"byte %zu: got 0x%02x, want 0x%02x\\n\", i, got[i], want[i]);\n"
                       "            return 1;\n"
                       "        }\n"
                       "    }\n"
                       "    printf(\"the bytes are right: the fault is gone\\n\");\n"
                       "    return 0;\n}\n");
}

/* Where a buffer was refused there is nothing to launch. Of a call that failed the record ends there: what comes out
 * when it succeeds is not that of the whole case. */
static void put_run(clq_text *text, const clq_verify_fault *fault)
{
    const int compares = fault->what->verdict != CLQ_VERIFY_FAILED;
    clq_text_format(text, "\n    static unsigned char got[%" PRIu64 "]%s;\n", fault->work->arena.bytes,
                    compares ? ", want[sizeof got]" : "");
    put_memories(text, fault);
    if (fault->refused_bytes > 0) {
        put_buffer(text, "refused", 0, fault->refused_bytes);
        clq_text_put(text, "    clReleaseMemObject(refused);\n");
    }
    for (size_t i = 0; i < fault->record->launch_count && fault->refused_bytes == 0; i++) {
        put_launch(text, i, &fault->record->launches[i]);
    }
    clq_text_put(text, "\n    CHECK(clEnqueueReadBuffer(queue, arena, CL_TRUE, 0, sizeof got, got, 0, NULL, NULL));\n");
    if (compares) {
        put_comparison(text);
    } else {
        clq_text_put(text, "    printf(\"every call succeeds: the fault is gone\\n\");\n    return 0;\n}\n");
    }
}

static void put_run_of_plain(clq_text *text, const clq_verify_work *work)
{
    clq_text_format(text,
                    "\n    static unsigned char before[%" PRIu64 "], got[sizeof before], want[sizeof before];\n"
                    "    static char source[1 << 20];\n",
                    work->arena.bytes);
    clq_text_put(text, "    load(\"" CLQ_VERIFY_PLAIN_FILE "\", source, sizeof source - 1);\n"
                       "    load(\"arena.bin\", before, sizeof before);\n"
                       "    memcpy(got, before, sizeof got);\n"
                       "    clq_plain probe = {context, device, queue, NULL, source, sizeof before, before, got,\n"
                       "        .offsets = {");
    for (size_t i = 0; i < work->operand_count; i++) {
        clq_text_format(text, "%s%" PRIu64, i > 0 ? ", " : "", work->operands[i].offset_bytes);
    }
    clq_text_format(text, "},\n        .words = %" PRIu64 ", .local = %" PRIu32 ", .number = %" PRIu64 "};\n",
                    work->plain_words, work->plain_local, work->plain_number);
    clq_text_put(text, "    probe.kernel = clCreateKernel(build(\"" CLQ_VERIFY_PLAIN_FILE
                       "\", \"\"), \"probe_step\", &code);\n"
                       "    check(code, \"clCreateKernel\");\n");
    clq_text_format(text,
                    "    if (!%s(&probe)) {\n"
                    "        fprintf(stderr, \"%%s: %%d\\n\", probe.failed, (int)probe.code);\n"
                    "        return on_failure;\n"
                    "    }\n",
                    work->plain->name);
    put_comparison(text);
}

static void put_run_of_compiler(clq_text *text, const clq_verify_fault *fault)
{
    clq_text_format(text, "\n    build(\"%s\", \"", fault->built_file);
    clq_text_put(text, fault->built_options);
    clq_text_put(text, "\");\n    printf(\"it builds: the fault is gone\\n\");\n    return 0;\n}\n");
}

/* ---- its beginning ---- */

static void put_includes(clq_text *text, const clq_verify_fault *fault)
{
    if (fault->limit_seconds != 0) {
        clq_text_put(text, "#define _POSIX_C_SOURCE 200809L\n#include <signal.h>\n#include <unistd.h>\n");
    }
    clq_text_put(text, "#define CL_TARGET_OPENCL_VERSION 120\n"
                       "#include <CL/cl.h>\n"
                       "#include <stdio.h>\n"
                       "#include <stdlib.h>\n");
    clq_text_put(text, fault->built_file == NULL && fault->work->plain != NULL ? "#include <string.h>\n\n" : "\n");
}

/* Where operands lie in the arena, so that a byte tells which is wrong. */
static void put_operands(clq_text *text, const clq_verify_work *work)
{
    enum { IN_A_LINE = 4 };
    for (size_t i = 0; i < work->operand_count; i++) {
        const clq_verify_operand *o = &work->operands[i];
        clq_text_put(text, i == 0               ? " * In arena.bin, with other bytes between: "
                           : i % IN_A_LINE == 0 ? ",\n * "
                                                : ", ");
        clq_text_put(text, o->name);
        if (work->operands[work->operand_count - 1].item > 0) {
            clq_text_format(text, " of tensor %" PRIu32, o->item);
        }
        clq_text_format(text, " from %" PRIu64, o->offset_bytes);
    }
    clq_text_put(text, work->operand_count > 0 ? ".\n" : "");
}

static void put_heading(clq_text *text, const clq_verify_fault *fault)
{
    const clq_device_info *d = fault->device;
    const char *seconds = fault->limit_seconds != 0 ? " [SECONDS]" : "";
    clq_text_put(text, "/* SPDX-License-Identifier: Apache-2.0 */\n/*\n * ");
    put_comment(text, fault->what->name);
    clq_text_put(text, "\n * ");
    put_comment(text, d->name);
    clq_text_put(text, ", driver ");
    put_comment(text, d->driver);
    clq_text_format(text, "\n *\n * cc reproduce.c -o reproduce -lOpenCL && ./reproduce [PLATFORM:DEVICE%s]\n",
                    seconds);
    clq_text_put(
        text, " * Exit code 1: the fault is there, as fault.txt tells it; 0: it is gone; 2: it could not be tried.\n");
    if (fault->built_file == NULL) {
        put_operands(text, fault->work);
    }
    clq_text_put(text, " * Written by clquant verify " CLQ_VERSION_STRING ".\n */\n");
    put_includes(text, fault);
    clq_text_format(text, "enum { PLATFORM = %d, DEVICE = %d };\n", (int)(d->platform < 0 ? 0 : d->platform),
                    (int)(d->device < 0 ? 0 : d->device));
    if (fault->limit_seconds != 0) {
        clq_text_format(text, "#define LIMIT %" PRIu32 " /* seconds: no answer in these is the fault */\n",
                        fault->limit_seconds);
    }
}

/* A text that is the same for all, behind what there is. */
static clq_status put_part(clq_text *text, const char *name, clq_error *error)
{
    clq_text_put(text, "\n");
    return clq_verify_put_source(text, name, error);
}

clq_status clq_verify_program(clq_text *text, const clq_verify_fault *fault, clq_error *error)
{
    const clq_verify_plain *plain = fault->built_file == NULL ? fault->work->plain : NULL;
    put_heading(text, fault);
    if (plain != NULL) {
        CLQ_TRY(clq_verify_put_plain(text, plain->name, error));
    }
    CLQ_TRY(put_part(text, "program_common.c", error));
    if (fault->built_file != NULL || plain != NULL || (fault->refused_bytes == 0 && fault->record->launch_count > 0)) {
        CLQ_TRY(put_part(text, "program_build.c", error));
    }
    if (fault->limit_seconds != 0) {
        CLQ_TRY(put_part(text, "program_waits.c", error));
    }
    CLQ_TRY(put_part(text, "program_main.c", error));
    if (fault->what->verdict == CLQ_VERIFY_FAILED) {
        clq_text_put(text, "    on_failure = 1; /* from here on a call that fails is the fault */\n");
    }
    if (fault->limit_seconds != 0) {
        clq_text_put(text, "    signal(SIGALRM, too_late);\n"
                           "    alarm(argc > 2 ? (unsigned)atoi(argv[2]) : LIMIT);\n");
    }
    if (fault->built_file != NULL) {
        put_run_of_compiler(text, fault);
    } else if (plain != NULL) {
        put_run_of_plain(text, fault->work);
    } else {
        put_run(text, fault);
    }
    return CLQ_OK;
}
