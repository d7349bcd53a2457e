/* SPDX-License-Identifier: Apache-2.0 */
/* What a device has beyond OpenCL 1.2, as far as it can be told without compiling anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/capability.h"

/*
 * PoCL 3.1 names the processor after what LLVM 15 knows, which may lack instructions that are there; those are used
 * through inline assembly. A kernel still refuses to build where the compiler's target lacks the registers (#error on
 * __AVX512F__, __AVX2__). https://github.com/pocl/pocl
 */
static void find_instructions(const clq_device_info *info, clq_cl_capabilities *found)
{
    if (info->type != CLQ_DEVICE_CPU) {
        snprintf(found->no_vnni, sizeof found->no_vnni, "not a CPU device");
        return;
    }
    if (!info->in_process) {
        snprintf(found->no_vnni, sizeof found->no_vnni, "not known to compute in this process (PoCL does)");
        return;
    }
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    found->avx512 = __builtin_cpu_supports("avx512f") != 0;
    found->avx2 = __builtin_cpu_supports("avx2") != 0;
    found->vnni = __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                  __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
    if (!found->vnni) {
        snprintf(found->no_vnni, sizeof found->no_vnni, "the processor has no AVX512-VNNI");
    }
#else
    snprintf(found->no_vnni, sizeof found->no_vnni, "not an x86-64 processor");
#endif
}

/* The values of cl_khr_integer_dot_product, for headers that do not know it. */
enum { DOT_PRODUCT_CAPABILITIES = 0x1073, DOT_PRODUCT_PACKED = 1 << 0 };

/* The name of one extension may begin or end with that of another. */
int clq_cl_has_word(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + length, word)) {
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return 1;
        }
    }
    return 0;
}

static int has_extension(cl_device_id device, const char *name)
{
    size_t bytes = 0;
    char *text;
    int found = 0;
    if (clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, 0, NULL, &bytes) != CL_SUCCESS ||
        (text = calloc(1, bytes + 1)) == NULL) {
        return 0;
    }
    if (clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, bytes, text, NULL) == CL_SUCCESS) {
        found = clq_cl_has_word(text, name);
    }
    free(text);
    return found;
}

static void find_dot_product(cl_device_id device, clq_cl_capabilities *found)
{
    cl_bitfield capabilities = 0;
    if (!has_extension(device, "cl_khr_integer_dot_product")) {
        snprintf(found->no_khr_dot, sizeof found->no_khr_dot, "the device lacks cl_khr_integer_dot_product");
        return;
    }
    found->khr_dot =
        clGetDeviceInfo(device, DOT_PRODUCT_CAPABILITIES, sizeof capabilities, &capabilities, NULL) == CL_SUCCESS &&
        (capabilities & DOT_PRODUCT_PACKED) != 0;
    if (!found->khr_dot) {
        snprintf(found->no_khr_dot, sizeof found->no_khr_dot,
                 "cl_khr_integer_dot_product of this device takes no packed operands");
    }
}

void clq_cl_find_capabilities(cl_device_id device, const clq_device_info *info, clq_cl_capabilities *found)
{
    memset(found, 0, sizeof *found);
    find_instructions(info, found);
    find_dot_product(device, found);
}
