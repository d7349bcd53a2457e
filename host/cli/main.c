/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <unistd.h>

#include "cli.h"

int main(int argc, char **argv)
{
    int code;
    cli_signals_begin();
    code = cli_run(argc, argv);
    /* After a failure a driver's threads may still be at work, which its own exit handlers take from under them. */
    if (code != CLI_OK) {
        _exit(code);
    }
    return code;
}
