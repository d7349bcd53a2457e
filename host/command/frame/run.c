/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the command: parse, run one verb, make sure that its output arrived. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "command/frame/options.h"
#include "command/frame/stack.h"

/*
 * A process may be started with stdin, stdout or stderr closed; the next file it opens would then take that number and
 * receive what is printed. Such numbers are taken by /dev/null, opened so that using them fails.
 */
static int reserve_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            return 0;
        }
    }
    return 1;
}

/* A model of many shards is read from as many open files, and written to as many; the usual soft limit is 1024. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int cli_run(int argc, char **argv)
{
    cli_options options;
    int code = CLI_OK;
    if (!reserve_standard_streams()) {
        return CLI_FAILURE;
    }
    cli_standard_output_begin();
    raise_file_limit();
    if (cli_options_parse(argc, argv, &options, &code)) {
        code = cli_verb_table[options.verb].run(&options);
    }
    cli_json_close(&options, code);
    cli_options_release(&options);
    return cli_finish_output(code);
}

/* A driver that compiles or computes cannot be stopped; all else ends soon. */
static int tell_what_is_waited_for(void)
{
    if (!cli_device_was_opened()) {
        return 0;
    }
    cli_message("interrupted; waiting for the device, or its compiler, to finish what it is at (once more ends the "
                "command at once)");
    return 1;
}

int cli_main(int argc, char **argv)
{
    int code;
    cli_signals_begin(tell_what_is_waited_for);
    code = cli_with_stack(cli_run, argc, argv);
    /* After a failure, or where a compiler was left at it, a driver's threads may still be at work, which its own exit
     * handlers take from under them. */
    if ((code != CLI_OK && cli_device_was_opened()) || cli_device_is_left()) {
        _exit(code);
    }
    return code;
}
