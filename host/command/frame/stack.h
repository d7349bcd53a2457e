/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_COMMAND_FRAME_STACK_H
#define CLQ_HOST_COMMAND_FRAME_STACK_H

/*
 * Run the command on a stack that is large enough for it and for the compiler of an OpenCL runtime, however small the
 * limit is that the process was started with (ulimit -s), and (with glibc) have all threads that are made from then on,
 * by libraries too, begin with one as large. Returns what `run` returns; where no such stack is to be had, CLI_FAILURE
 * after a line that says so. Call it in the first thread, before there are others.
 */
int cli_with_stack(int (*run)(int argc, char **argv), int argc, char **argv);

#endif
