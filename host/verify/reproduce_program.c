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

static const char head[] = "#define _POSIX_C_SOURCE 200809L\n"
                           "#define CL_TARGET_OPENCL_VERSION 120\n"
                           "#include <CL/cl.h>\n"
                           "#include <signal.h>\n"
                           "#include <stdio.h>\n"
                           "#include <stdlib.h>\n"
                           "#include <string.h>\n"
                           "#include <unistd.h>\n\n";

clq_status clq_verify_put_source(clq_text *text, const char *file, clq_error *error)
{
    static const char directive[] = "#line ";
    char *source = clq_cl_source(file);
    const char *at = source;
    if (source == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a copy of %s, or no such source", file);
    }
    while (*at != '\0') {
        const size_t length = strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n');
        if (strncmp(at, directive, sizeof directive - 1) != 0) {
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
        clq_text_format(text, "    {\"%s\", \"%s\",\n     \"", l->file, l->kernel);
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

/* What a program is of one source and no launches. */
static void put_source_names(clq_text *text, const char *file, const char *options)
{
    clq_text_format(text, "#define SOURCE \"%s\"\n#define OPTIONS \"", file);
    clq_text_put(text, options);
    clq_text_put(text, "\"\n");
}

static void put_heading(clq_text *text, const clq_verify_fault *fault)
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
    clq_text_format(text, "static const int fails = %d; /* a call that fails is the fault */\n",
                    fault->what->verdict == CLQ_VERIFY_FAILED);
    clq_text_format(text,
                    "static const unsigned limit = %" PRIu32 "; /* so many seconds without an answer are the fault; 0: "
                    "it has always come */\n\n",
                    fault->limit_seconds);
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
    static const char *const names[] = {"program_common.c", "program_built.c", "program_main.c", NULL};
    put_source_names(text, fault->built_file, fault->built_options);
    return put_parts(text, names, error);
}

static clq_status put_plain(clq_text *text, const clq_verify_fault *fault, clq_error *error)
{
    static const char *const names[] = {"plain.c",         "program_common.c", "program_compare.c",
                                        "program_plain.c", "program_main.c",   NULL};
    const clq_verify_work *work = fault->work;
    put_source_names(text, CLQ_VERIFY_PLAIN_FILE, "");
    clq_text_format(
        text, "#define PROBE %s\n#define WORDS %" PRIu64 "\n#define LOCAL %" PRIu32 "\n#define NUMBER %" PRIu64 "\n",
        work->plain->name, work->plain_words, work->plain_local, work->plain_number);
    put_operands(text, work);
    return put_parts(text, names, error);
}

static clq_status put_launched(clq_text *text, const clq_verify_fault *fault, clq_error *error)
{
    static const char *const names[] = {"program_common.c", "program_compare.c", "program_launches.c", "program_main.c",
                                        NULL};
    put_memories(text, fault);
    put_arguments(text, fault->record);
    put_launches(text, fault->record);
    put_operands(text, fault->work);
    return put_parts(text, names, error);
}

clq_status clq_verify_program(clq_text *text, const clq_verify_fault *fault, clq_error *error)
{
    put_heading(text, fault);
    return fault->built_file != NULL    ? put_built(text, fault, error)
           : fault->work->plain != NULL ? put_plain(text, fault, error)
                                        : put_launched(text, fault, error);
}
