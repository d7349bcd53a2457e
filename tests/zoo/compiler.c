/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler takes, what it makes of it, and when it goes on. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* SIGXFSZ */
#endif
#include "zoo.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static cl_icd_dispatch before;

/* ---- what the device says ---- */

/* The first word of that name is blanked out. */
static void remove_word(char *list, const char *word)
{
    char *at = strstr(list, word);
    if (at != NULL) {
        memset(at, ' ', strlen(word));
    }
}

static cl_int answer_text(cl_device_id device, cl_device_info what, const char *without, const char *with,
                          size_t capacity, void *value, size_t *bytes)
{
    char text[8192] = "";
    const cl_int code = zoo_below->clGetDeviceInfo(device, what, sizeof text - 64, text, NULL);
    remove_word(text, without);
    strcat(text, with);
    return code != CL_SUCCESS ? code : zoo_answer(text, strlen(text) + 1, capacity, value, bytes);
}

/* Programs that are built in another way are another driver's, so that no cache takes one for the other. */
int zoo_compiler_device_info(cl_device_id device, cl_device_info what, size_t capacity, void *value, size_t *bytes,
                             cl_int *code)
{
    const cl_device_fp_config none = 0;
    const cl_device_fp_config least = CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN;
    const cl_uint bits = (cl_uint)zoo.bits;
    char driver[64];
    if (what == CL_DEVICE_ADDRESS_BITS && zoo.bits != 0) {
        *code = zoo_answer(&bits, sizeof bits, capacity, value, bytes);
    } else if (what == CL_DEVICE_DOUBLE_FP_CONFIG && zoo.no_double) {
        *code = zoo_answer(&none, sizeof none, capacity, value, bytes);
    } else if (what == CL_DEVICE_EXTENSIONS && zoo.no_double) {
        *code = answer_text(device, what, "cl_khr_fp64", "", capacity, value, bytes);
    } else if (what == CL_DEVICE_SINGLE_FP_CONFIG && zoo.plain_float) {
        *code = zoo_answer(&least, sizeof least, capacity, value, bytes);
    } else if (what == CL_DRIVER_VERSION && (zoo.bits != 0 || zoo.no_double || zoo.plain_float)) {
        snprintf(driver, sizeof driver, " zoo %zu/%d/%d", zoo.bits, zoo.no_double, zoo.plain_float);
        *code = answer_text(device, what, "?", driver, capacity, value, bytes);
    } else {
        return 0;
    }
    return 1;
}

/* ---- building ---- */

static void write_prefix(char *text, size_t capacity)
{
    static const char narrow[] = "#define size_t uint\n"
                                 "#define get_global_id(d) ((uint)get_global_id(d))\n"
                                 "#define get_global_size(d) ((uint)get_global_size(d))\n"
                                 "#define get_local_id(d) ((uint)get_local_id(d))\n"
                                 "#define get_local_size(d) ((uint)get_local_size(d))\n"
                                 "#define get_group_id(d) ((uint)get_group_id(d))\n"
                                 "#define get_num_groups(d) ((uint)get_num_groups(d))\n";
    static const char no_double[] = "#undef cl_khr_fp64\n#define double this_device_has_no_double\n";
    snprintf(text, capacity, "%s%s#line 1\n", zoo.bits == 32 ? narrow : "", zoo.no_double ? no_double : "");
}

static cl_program CL_API_CALL create_program(cl_context context, cl_uint count, const char **sources,
                                             const size_t *lengths, cl_int *code)
{
    cl_program made;
    char prefix[1024];
    const char **all;
    size_t *sizes;
    if (zoo.bits != 32 && !zoo.no_double) {
        return before.clCreateProgramWithSource(context, count, sources, lengths, code);
    }
    all = calloc((size_t)count + 1, sizeof *all);
    sizes = calloc((size_t)count + 1, sizeof *sizes);
    if (all == NULL || sizes == NULL) {
        abort();
    }
    write_prefix(prefix, sizeof prefix);
    all[0] = prefix;
    for (cl_uint i = 0; i < count; i++) {
        all[i + 1] = sources[i];
        sizes[i + 1] = lengths != NULL ? lengths[i] : 0; /* 0: to its end */
    }
    made = before.clCreateProgramWithSource(context, count + 1, all, sizes, code);
    free(all);
    free(sizes);
    return made;
}

static char hold[512]; /* empty: nothing holds a build */

int zoo_compiler_hold(const char *path)
{
    return snprintf(hold, sizeof hold, "%s", path) < (int)sizeof hold && hold[0] != '\0';
}

/* The test that removes the file waits for the line: neither goes by the clock. */
static void wait_until_let_go(void)
{
    const struct timespec moment = {0, 5000000};
    const int file = hold[0] != '\0' ? open(hold, O_WRONLY | O_APPEND) : -1;
    if (file >= 0) {
        dprintf(file, "%ld\n", (long)getpid());
        (void)close(file);
    }
    while (hold[0] != '\0' && access(hold, F_OK) == 0) {
        (void)nanosleep(&moment, NULL);
    }
}

static cl_int CL_API_CALL build_program(cl_program program, cl_uint count, const cl_device_id *devices,
                                        const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                                        void *cookie)
{
    static const int taken[] = {SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    char all[4096];
    char more[4200];
    cl_int code;
    options = zoo_programs_options(options, all, sizeof all);
    snprintf(more, sizeof more, "%s%s", options != NULL ? options : "", zoo.plain_float ? " -cl-denorms-are-zero" : "");
    wait_until_let_go();
    code = before.clBuildProgram(program, count, devices, more, notify, cookie);
    for (size_t i = 0; zoo.handlers && i < sizeof taken / sizeof taken[0]; i++) {
        (void)signal(taken[i], SIG_DFL);
    }
    if (code == CL_SUCCESS && count > 0 && zoo_groups_refuse(program, devices[0])) {
        return CL_BUILD_PROGRAM_FAILURE;
    }
    return code;
}

void zoo_compiler_init(cl_icd_dispatch *layer)
{
    before = *layer;
    layer->clCreateProgramWithSource = create_program;
    layer->clBuildProgram = build_program;
}
