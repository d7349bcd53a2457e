/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page clquant(1) in roff, made from the option table. */
#include "command/frame/options.h"

/* Text with what roff would take for its own escaped. */
static void put_roff(FILE *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (c == text && (*c == '.' || *c == '\'')) {
            fputs("\\&", out);
        }
        if (*c == '\\') {
            fputs("\\e", out);
        } else if (*c == '-') {
            fputs("\\-", out);
        } else {
            fputc(*c, out);
        }
    }
}

static void put_option(FILE *out, const cli_option *row)
{
    fputs(".TP\n", out);
    if (row->letter != '\0') {
        fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
    }
    fputs("\\fB\\-\\-", out);
    put_roff(out, row->name);
    fputs("\\fR", out);
    if (row->argument != NULL) {
        fputs(" \\fI", out);
        put_roff(out, row->argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put_roff(out, row->help);
    if (row->values != NULL || row->name_of != NULL) {
        char names[CLI_NAMES_BYTES];
        cli_alternatives(row, ", ", names);
        fputs("; known names: ", out);
        put_roff(out, names);
    }
    if (row->initial != NULL) {
        fputs(" (default: ", out);
        put_roff(out, row->initial);
        fputc(')', out);
    }
    fputs(".\n", out);
}

static void put_options(FILE *out, uint32_t verbs, int common)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *row = &cli_option_table[i];
        if ((row->verbs & verbs) != 0 && (row->verbs == CLI_ALL_VERBS) == common) {
            put_option(out, row);
        }
    }
}

static void put_verb(FILE *out, cli_verb verb)
{
    const cli_verb_info *info = &cli_verb_table[verb];
    fprintf(out, ".SS \"clquant %s %s\"\n", info->name, info->arguments);
    put_roff(out, info->description);
    fputc('\n', out);
    put_options(out, UINT32_C(1) << verb, 0);
}

static void put_texts(FILE *out, const cli_exit_text *row)
{
    for (; row->text != NULL; row++) {
        fputs(".TP\n\\fB", out);
        put_roff(out, row->code);
        fputs("\\fR\n", out);
        put_roff(out, row->text);
        fputs(".\n", out);
    }
}

void cli_print_man_page(FILE *out)
{
    fprintf(out, ".TH CLQUANT 1 \"\" \"clquant %s\" \"User Commands\"\n", clq_version());
    fputs(".SH NAME\nclquant \\- int8 quantization on any OpenCL device\n", out);
    fputs(".SH SYNOPSIS\n.B clquant\n.I VERB\n[\\fIOPTION\\fR]... \\fIARGUMENT\\fR...\n", out);
    fputs(".SH DESCRIPTION\n", out);
    put_roff(
        out,
        "clquant quantizes model files and arrays to 8 and 4 bits on an OpenCL device or, where there is none, "
        "with the threads and vectors of this processor; the bytes are the same. Results go to standard output, "
        "everything else "
        "to standard error. Files are .safetensors, .safetensors.index.json (a sharded checkpoint), .gguf or .npy, "
        "told apart by content, or a folder with a model. A file is written beside its final place and renamed once it "
        "is on disk, so "
        "that after a crash it is the old file or the whole new one.");
    fputs("\n.SH VERBS\n", out);
    for (int i = 0; i < CLI_VERB_COUNT; i++) {
        put_verb(out, (cli_verb)i);
    }
    fputs(".SH OPTIONS OF EVERY VERB\n", out);
    put_roff(out,
             "Of an option that is given again the last value counts, which is told, unless it says that it may be "
             "repeated; so it is with --quiet and --verbose.");
    fputs("\n", out);
    put_options(out, CLI_ALL_VERBS, 1);
    fputs(".SH EXIT STATUS\n", out);
    put_texts(out, cli_exit_table);
    fputs(".SH ENVIRONMENT\n", out);
    put_texts(out, cli_environment_table);
    fputs(".SH FILES\n", out);
    put_texts(out, cli_place_table);
    fputs(".SH EXAMPLES\n", out);
    put_texts(out, cli_example_table);
    fputs(".SH SEE ALSO\n.BR clinfo (1)\n.PP\nIn the sources of clquant: docs/serving.md (models for engines), "
          "docs/bringup.md (devices), docs/files.md (formats, durability), docs/calibration.md, docs/numerics.md "
          "(every bit).\n",
          out);
}
