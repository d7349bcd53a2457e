/* SPDX-License-Identifier: Apache-2.0 */
/* --help, made from the option table. */
#include <string.h>

#include "command/frame/options.h"

enum { WIDTH = 80, OPTION_COLUMN = 26, VERB_COLUMN = 14 };

/* Print `text` broken between words, each line starting at `indent`; the cursor is at `column` now. */
static void print_wrapped(FILE *out, const char *text, int column, int indent)
{
    int words = 0; /* on this line */
    while (*text != '\0') {
        const int length = (int)strcspn(text, " ");
        if (words > 0 && column + 1 + length > WIDTH) {
            fputc('\n', out);
            column = 0;
            words = 0;
        }
        if (words == 0) {
            fprintf(out, "%*s", indent > column ? indent - column : 0, "");
            column = indent;
        } else {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", length, text);
        column += length;
        words++;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* Two columns; a left text too long for its column has a line of its own. */
static void print_pair(FILE *out, const char *left, const char *right, int column)
{
    const int used = fprintf(out, "  %s", left);
    if (used + 2 > column) {
        fputc('\n', out);
        print_wrapped(out, right, 0, column);
    } else {
        print_wrapped(out, right, used, column);
    }
}

static void print_option(FILE *out, const cli_option *row)
{
    char left[128];
    char right[1024];
    char names[CLI_NAMES_BYTES] = "";
    char letter[8] = "    ";
    if (row->letter != '\0') {
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    }
    snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->argument != NULL ? " " : "",
             row->argument != NULL ? row->argument : "");
    if (row->name_of != NULL) {
        cli_alternatives(row, ", ", names);
    }
    snprintf(right, sizeof right, "%s%s%s", row->help, names[0] != '\0' ? ": " : "", names);
    if (row->initial != NULL) {
        const size_t used = strlen(right);
        snprintf(right + used, sizeof right - used, " (default: %s)", row->initial);
    }
    print_pair(out, left, right, OPTION_COLUMN);
}

/* Options that all verbs have, or those of one verb that not all have. */
static void print_options(FILE *out, uint32_t verbs, int common)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *row = &cli_option_table[i];
        if ((row->verbs & verbs) != 0 && (row->verbs == CLI_ALL_VERBS) == common) {
            print_option(out, row);
        }
    }
}

void cli_print_usage(FILE *out)
{
    fprintf(out, "usage: clquant VERB [OPTION]... ARGUMENT...\nverbs:");
    for (int i = 0; i < CLI_VERB_COUNT; i++) {
        fprintf(out, " %s", cli_verb_table[i].name);
    }
    fprintf(out, "\ntry 'clquant --help' or 'clquant VERB --help'\n");
}

void cli_print_help(FILE *out)
{
    fprintf(out, "clquant %s: int8 quantization on any OpenCL device\n\n", clq_version());
    fprintf(out, "usage: clquant VERB [OPTION]... ARGUMENT...\n\nverbs:\n");
    for (int i = 0; i < CLI_VERB_COUNT; i++) {
        print_pair(out, cli_verb_table[i].name, cli_verb_table[i].summary, VERB_COLUMN);
    }
    print_pair(out, "help", "print this help, or that of a verb: clquant help VERB", VERB_COLUMN);
    print_pair(out, "man", "print the manual page in roff", VERB_COLUMN);
    print_pair(out, "completion", "print a completion script: clquant completion bash|zsh|fish", VERB_COLUMN);
    fprintf(out, "\noptions of every verb:\n");
    print_options(out, CLI_ALL_VERBS, 1);
    fprintf(out, "\nexit codes:\n");
    for (const cli_exit_text *row = cli_exit_table; row->text != NULL; row++) {
        print_pair(out, row->code, row->text, VERB_COLUMN);
    }
    fprintf(out, "\nenvironment:\n");
    for (const cli_exit_text *row = cli_environment_table; row->text != NULL; row++) {
        print_pair(out, row->code, row->text, OPTION_COLUMN);
    }
    fprintf(out, "\nFiles are .safetensors, .safetensors.index.json, .gguf or .npy, told apart by\n"
                 "content, or a folder with a model.\n"
                 "The options of a verb: clquant VERB --help\n");
}

void cli_print_verb_help(FILE *out, cli_verb verb)
{
    const cli_verb_info *info = &cli_verb_table[verb];
    fprintf(out, "usage: clquant %s [OPTION]...%s%s\n\n", info->name, info->arguments[0] != '\0' ? " " : "",
            info->arguments);
    print_wrapped(out, info->description, 0, 0);
    fprintf(out, "\noptions:\n");
    print_options(out, UINT32_C(1) << verb, 0);
    print_options(out, UINT32_C(1) << verb, 1);
}
