/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for people, the only way to a terminal for text from files and drivers; the exit code of a failure. */
#include <stdarg.h>
#include <string.h>

#include "command/frame/ranks.h"

enum { LINE_BYTES = 1400 };

static struct {
    const char *verb_name; /* NULL before it is known */
    int verbose;
    char device[160]; /* empty: none is in use */
} state;

void cli_messages_begin(const char *verb_name, int verbose)
{
    state.verb_name = verb_name;
    state.verbose = verbose;
}

void cli_messages_device(const char *device)
{
    snprintf(state.device, sizeof state.device, "%s", device);
}

/* Whatever a file name, a type or a driver's text holds, it is one line and steers no terminal. */
static void put_line(FILE *out, const char *before, const char *text)
{
    char line[LINE_BYTES];
    clq_printable(line, sizeof line, text, strlen(text));
    if (out == stderr) { /* behind what was printed before it, where both go to one place */
        cli_flush_output();
        cli_progress_hide();
    }
    fprintf(out, "%s%s\n", before, line);
}

static void print_line(const char *text)
{
    const cli_ranks *ranks = cli_ranks_in_use();
    char before[40] = "clquant: ";
    if (ranks != NULL) {
        snprintf(before, sizeof before, "clquant-mpi: rank %u: ", ranks->rank);
    }
    if (cli_speaks()) {
        put_line(stderr, before, text);
    }
}

void cli_line(FILE *out, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_line(out, "", text);
}

static void print_formatted(const char *format, va_list arguments) CLQ_PRINTF(1, 0);

static void print_formatted(const char *format, va_list arguments)
{
    char text[LINE_BYTES];
    vsnprintf(text, sizeof text, format, arguments);
    print_line(text);
}

void cli_message(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_formatted(format, arguments);
    va_end(arguments);
}

void cli_warning(const cli_options *options, const char *format, ...)
{
    va_list arguments;
    if (options->quiet) {
        return;
    }
    va_start(arguments, format);
    print_formatted(format, arguments);
    va_end(arguments);
}

void cli_note(const cli_options *options, const char *format, ...)
{
    va_list arguments;
    if (!options->verbose) {
        return;
    }
    va_start(arguments, format);
    print_formatted(format, arguments);
    va_end(arguments);
}

int cli_usage_error(const char *format, ...)
{
    char text[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_note_failure(text);
    print_line(text);
    if (!cli_speaks()) {
        return CLI_USAGE;
    }
    if (state.verb_name != NULL) {
        cli_line(stderr, "try 'clquant %s --help'", state.verb_name);
    } else {
        cli_line(stderr, "try 'clquant --help'");
    }
    return CLI_USAGE;
}

static int exit_code_of(const clq_error *error)
{
    switch (error->status) {
    case CLQ_OK:
        return CLI_OK;
    case CLQ_INVALID_ARGUMENT:
        return CLI_USAGE;
    case CLQ_OUT_OF_MEMORY: /* the device's, where an OpenCL call says so */
        return error->opencl_code != 0 ? CLI_NO_DEVICE : CLI_FAILURE;
    case CLQ_UNSUPPORTED:
    case CLQ_IO_ERROR:
        return CLI_FAILURE;
    case CLQ_NO_DEVICE:
    case CLQ_DEVICE_ERROR:
    case CLQ_BUILD_FAILED:
        return CLI_NO_DEVICE;
    case CLQ_MISMATCH:
        return CLI_MISMATCH;
    case CLQ_BAD_FILE:
        return CLI_BAD_FILE;
    case CLQ_NONFINITE:
        return CLI_NONFINITE;
    case CLQ_CANCELLED:
        return cli_interrupt_code();
    case CLQ_REFUSED:
        return CLI_QUALITY;
    }
    return CLI_FAILURE;
}

/* A compiler's log keeps its lines. */
static void print_log(const char *log)
{
    while (*log != '\0') {
        const size_t length = strcspn(log, "\n");
        cli_line(stderr, "%.*s", (int)length, log);
        log += length + (log[length] == '\n');
    }
}

/* Of these verbs native does the work too. */
static int can_do_without_device(void)
{
    static const char *const NAMES[] = {"minmax", "quantize", "dequantize", "compare", "calibrate", "gemm"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (state.verb_name != NULL && strcmp(state.verb_name, NAMES[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A device that was there and failed: which one, its compiler's word, and what to try next. */
static void print_device_failure(const clq_error *error)
{
    size_t length = 0;
    const char *log = clq_log_line(error->build_log, &length);
    if (state.device[0] != '\0') {
        cli_line(stderr, "on device %s%s%.*s", state.device, log[0] != '\0' && !state.verbose ? ": " : "",
                 state.verbose ? 0 : (int)length, log);
    }
    if (strstr(error->message, "(--device ") != NULL) {
        return; /* which says what to try */
    }
    if (can_do_without_device() || (log[0] != '\0' && !state.verbose)) {
        cli_line(stderr, "try %s%s%s", state.verbose ? "" : "-v, which tells more",
                 can_do_without_device() && !state.verbose ? ", or " : "",
                 can_do_without_device() ? "--device native or --device reference, which need no driver" : "");
    }
}

int cli_report(const clq_error *error)
{
    const char *message = error->message[0] != '\0' ? error->message : clq_status_name(error->status);
    const int code = exit_code_of(error);
    if (error->status == CLQ_CANCELLED && !cli_interrupted() && cli_is_unread()) {
        return CLI_OK;
    }
    cli_note_failure(message);
    print_line(message);
    if (code == CLI_NO_DEVICE && error->status != CLQ_NO_DEVICE) {
        print_device_failure(error);
    }
    if (state.verbose) {
        print_log(error->build_log);
    }
    return code;
}
