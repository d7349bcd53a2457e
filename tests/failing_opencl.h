/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL that fails when it is told to. A program that links failing_opencl.c and a static clquant has these functions
 * between the two: they count the library's calls, make one of them fail, spoil what is read or built, and otherwise
 * pass everything on. For programs of one thread.
 */
#ifndef CLQ_TESTS_FAILING_OPENCL_H
#define CLQ_TESTS_FAILING_OPENCL_H

#include <clquant/opencl.h>

/*
 * Let one call fail with `code`, and count anew: call `number` from now on, the first is 1 (0: none), of `function`, or
 * when that is NULL of all functions whose failure the library must report. That leaves out questions about objects,
 * releases, clFlush and clCreateProgramWithBinary, which fail only by their name.
 */
void failing_opencl_fail(int number, const char *function, cl_int code);

/* The function that was made to fail since then; empty while none was. */
const char *failing_opencl_failed(void);

/*
 * Let none fail and note where each call is made that failing_opencl_fail(.., function, ..) would count. Two calls are
 * made at one place when the same functions lead to them.
 */
void failing_opencl_note_places(const char *function);

/*
 * Of these calls the next after `number` (0: from the beginning) that is to fail: the first at each place, and besides
 * every so manyth, from `offset` on. 0: there are no more.
 */
int failing_opencl_next(int number, int stride, int offset);

/* How many calls were noted. */
int failing_opencl_noted(void);

/* So many reads get a wrong bit in the middle, as from a kernel that was miscompiled. 0: no more. */
void failing_opencl_corrupt_reads(int count);

/* So many builds of kernels/`file`, or of any when it is NULL, get options that no kernel accepts. 0: no more. */
void failing_opencl_break_builds(int count, const char *file);

/* Binaries of programs that have `kernel` (part of its name) are others than before, by a bit; NULL: the truth. */
void failing_opencl_change_binaries(const char *kernel);

/* All binaries are this text, which the driver refuses when it is given back; NULL: the truth. */
void failing_opencl_replace_binaries(const char *text);

/* Programs are of a cl_context that has this device as well; NULL: the truth. */
void failing_opencl_neighbour(cl_device_id device);

/* What devices answer when they are asked for their extensions; NULL: the truth. */
void failing_opencl_extensions(const char *list);

/* And for their name. */
void failing_opencl_device_name(const char *name);

/* The function of an extension that platforms give by this name; NULL: the truth. */
void failing_opencl_extension_function(const char *name, void (*own)(void));

/* Calls of `function`, or of all when it is NULL, since failing_opencl_forget_calls; the failed ones count as well. */
int failing_opencl_calls(const char *function);
void failing_opencl_forget_calls(void);

/* A function that was called since then and is not among `names`, which a NULL ends; NULL when there is none. */
const char *failing_opencl_called_beside(const char *const *names);

/* References to OpenCL objects that were taken (made, retained, events handed out) and not given back. */
int failing_opencl_references(void);

#endif
