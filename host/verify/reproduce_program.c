/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of a fault: tables made from the record, between texts that are the same for all (verify/program/, and
 * plain.c with plain.h), which are in the library as kernels are.
 */
#include "verify/reproduce.h"

#include "verify/probe.h"
#include "verify/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/source.h"

clq_status clq_verify_put_source(clq_text *text, const char *file, clq_error *error)
{
    static const char directive[] = "#line ";
    static const char license[] = "/* SPDX-"; /* of a part of a program: it stands on top of the whole */
    char *source = clq_cl_source(file);
    const char *at = source;
    if (source == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a copy of %s, or no such source", file);
    }
    while (*at != '\0') {
        const size_t length = strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n');
        const int is_left_out = strncmp(at, directive, sizeof directive - 1) == 0 ||
                                (strstr(file, ".cl") == NULL && strncmp(at, license, sizeof license - 1) == 0);
        if (!is_left_out) {
            clq_text_add(text, at, length);
        }
        at += length;
    }
    free(source);
    return CLQ_OK;
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

/* Memory number 0 is the arena, in which all operands lie. */
static void put_memories(clq_text *text, const clq_verify_fault *fault)
{
    clq_text_format(text, "    cl_mem arena = memory(\"arena.bin\", %" PRIu64 ");\n", fault->work->arena.bytes);
    for (size_t i = 1; i < fault->record->memory_count; i++) {
        const clq_verify_memory *m = &fault->record->memories[i];
        if (m->before != NULL) {
            clq_text_format(text, "    cl_mem memory_%zu = memory(\"memory-%zu.bin\", %zu);\n", i, i, m->bytes);
        } else {
            clq_text_format(text, "    cl_mem memory_%zu = memory(NULL, %zu);\n", i, m->bytes);
        }
    }
}

static void put_argument(clq_text *text, size_t number, const clq_verify_argument *a)
{
    if (a->memory < 0) {
        clq_text_format(text, "    call(clSetKernelArg(kernel, %zu, %zu, ", number, a->bytes);
        put_bytes(text, a->value, a->bytes);
        clq_text_put(text, "), \"clSetKernelArg\");\n");
    } else if (a->memory == 0) {
        clq_text_format(text, "    call(clSetKernelArg(kernel, %zu, sizeof arena, &arena), \"clSetKernelArg\");\n",
                        number);
    } else {
        clq_text_format(text,
                        "    call(clSetKernelArg(kernel, %zu, sizeof memory_%d, &memory_%d), \"clSetKernelArg\");\n",
                        number, a->memory, a->memory);
    }
}

static void put_launch(clq_text *text, const clq_verify_launch *l)
{
    clq_text_format(text, "    kernel = build(\"%s\", \"", l->file);
    clq_text_put(text, l->options);
    clq_text_format(text, "\", \"%s\");\n", l->kernel);
    for (size_t k = 0; k < l->argument_count; k++) {
        put_argument(text, k, &l->arguments[k]);
    }
    clq_text_format(text, "    launch(kernel, %u, (size_t[]){%zu, %zu, %zu}, ", (unsigned)l->dimensions, l->global[0],
                    l->global[1], l->global[2]);
    if (l->local[0] != 0) {
        clq_text_format(text, "(size_t[]){%zu, %zu, %zu});\n", l->local[0], l->local[1], l->local[2]);
    } else {
        clq_text_put(text, "NULL);\n");
    }
}

/* The operands, then all of the arena. */
static void put_comparison(clq_text *text, const clq_verify_work *work)
{
    for (size_t i = 0; i < work->operand_count; i++) {
        const clq_verify_operand *o = &work->operands[i];
        clq_text_format(text, "    %sdiffers(got, \"%s\", %" PRIu64 ", %" PRIu64 ")\n", i == 0 ? "if (" : "    || ",
                        o->name, o->offset_bytes, clq_verify_element_bytes(o->element, o->elements));
    }
    clq_text_format(text,
                    "    %sdiffers(got, \"beside operands\", 0, %" PRIu64 ")) {\n        return 1;\n    }\n"
                    "    printf(\"the bytes are right: the fault is gone\\n\");\n    return 0;\n}\n",
                    work->operand_count == 0 ? "if (" : "    || ", work->arena.bytes);
}

/* Straight on, as somebody would write it who has one launch to show. */
static void put_run(clq_text *text, const clq_verify_fault *fault)
{
    const uint64_t bytes = fault->work->arena.bytes;
    clq_text_format(text, "\nstatic int run(void)\n{\n    static char got[%" PRIu64 "];\n    cl_kernel kernel;\n",
                    bytes);
    put_memories(text, fault);
    for (size_t i = 0; i < fault->record->launch_count; i++) {
        put_launch(text, &fault->record->launches[i]);
    }
    clq_text_format(text,
                    "    call(clEnqueueReadBuffer(queue, arena, CL_TRUE, 0, %" PRIu64 ", got, 0, NULL, NULL),\n"
                    "         \"clEnqueueReadBuffer\");\n",
                    bytes);
    put_comparison(text, fault->work);
}

static void put_run_of_plain(clq_text *text, const clq_verify_work *work)
{
    clq_text_put(text, "\nstatic int run(void)\n{\n    static clq_plain p;\n    const char *got;\n");
    for (size_t i = 0; i < work->operand_count; i++) {
        clq_text_format(text, "    p.offsets[%zu] = %" PRIu64 ";\n", i, work->operands[i].offset_bytes);
    }
    clq_text_format(text,
                    "    p.words = %" PRIu64 ";\n    p.local = %" PRIu32 ";\n    p.number = %" PRIu64
                    ";\n    got = probe(&p);\n",
                    work->plain_words, work->plain_local, work->plain_number);
    put_comparison(text, work);
}

/* What a program is of one source and no launches. */
static void put_source_names(clq_text *text, const char *file, const char *options)
{
    clq_text_format(text, "#define SOURCE \"%s\"\n#define OPTIONS \"", file);
    clq_text_put(text, options);
    clq_text_put(text, "\"\n");
}

static void put_includes(clq_text *text, const clq_verify_fault *fault)
{
    if (fault->limit_seconds != 0) {
        clq_text_put(text, "#define _POSIX_C_SOURCE 200809L\n#include <signal.h>\n#include <unistd.h>\n");
    }
    clq_text_put(text, "#define CL_TARGET_OPENCL_VERSION 120\n"
                       "#include <CL/cl.h>\n"
                       "#include <errno.h>\n"
                       "#include <stdio.h>\n"
                       "#include <stdlib.h>\n"
                       "#include <string.h>\n\n");
}

static void put_heading(clq_text *text, const clq_verify_fault *fault)
{
    const clq_device_info *d = fault->device;
    clq_text_put(text, "/* SPDX-License-Identifier: Apache-2.0 */\n/*\n * ");
    put_comment(text, fault->what->name);
    clq_text_put(text, "\n * ");
    put_comment(text, d->name);
    clq_text_put(text, ", driver ");
    put_comment(text, d->driver);
    clq_text_put(text, "\n *\n * cc reproduce.c -o reproduce -lOpenCL && ./reproduce [PLATFORM:DEVICE [FOLDER");
    clq_text_put(text, fault->limit_seconds != 0 ? " [SECONDS]" : "");
    clq_text_put(
        text,
        "]]\n * Exit code 1: the fault is there, as fault.txt tells it; 0: it is gone; 2: it could not be tried.\n"
        " * Written by clquant verify " CLQ_VERSION_STRING ".\n */\n");
    put_includes(text, fault);
    clq_text_format(text, "enum { PLATFORM = %d, DEVICE = %d, IF_A_CALL_FAILS = %d };\n",
                    (int)(d->platform < 0 ? 0 : d->platform), (int)(d->device < 0 ? 0 : d->device),
                    fault->what->verdict == CLQ_VERIFY_FAILED ? 1 : 2);
    if (fault->limit_seconds != 0) {
        clq_text_format(text, "#define LIMIT %" PRIu32 " /* seconds: no answer in these is the fault */\n",
                        fault->limit_seconds);
    }
}

/* Texts that are the same for all, behind what there is. */
static clq_status put_parts(clq_text *text, const char *const names[], clq_error *error)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        clq_text_put(text, "\n");
        CLQ_TRY(clq_verify_put_source(text, names[i], error));
    }
    return CLQ_OK;
}

static clq_status put_built(clq_text *text, const clq_verify_fault *fault, clq_error *error)
{
    static const char *const names[] = {"program_common.c", "program_built.c", NULL};
    put_source_names(text, fault->built_file, fault->built_options);
    return put_parts(text, names, error);
}

static clq_status put_plain(clq_text *text, const clq_verify_fault *fault, clq_error *error)
{
    static const char *const names[] = {"plain.c", "program_common.c", "program_compare.c", "program_plain.c", NULL};
    put_source_names(text, CLQ_VERIFY_PLAIN_FILE, "");
    clq_text_format(text, "#define PROBE %s\n", fault->work->plain->name);
    CLQ_TRY(put_parts(text, names, error));
    put_run_of_plain(text, fault->work);
    return CLQ_OK;
}

static clq_status put_launched(clq_text *text, const clq_verify_fault *fault, clq_error *error)
{
    static const char *const names[] = {"program_common.c", "program_compare.c", "program_launches.c", NULL};
    CLQ_TRY(put_parts(text, names, error));
    put_run(text, fault);
    return CLQ_OK;
}

clq_status clq_verify_program(clq_text *text, const clq_verify_fault *fault, clq_error *error)
{
    const char *const names[] = {"program_open.c", fault->limit_seconds != 0 ? "program_waits.c" : "program_main.c",
                                 NULL};
    put_heading(text, fault);
    CLQ_TRY(fault->built_file != NULL    ? put_built(text, fault, error)
            : fault->work->plain != NULL ? put_plain(text, fault, error)
                                         : put_launched(text, fault, error));
    return put_parts(text, names, error);
}
