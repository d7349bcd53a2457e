/* SPDX-License-Identifier: Apache-2.0 */
/* What a device has beyond OpenCL 1.2, as far as it can be told without compiling anything. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tiles.h"
#include "opencl/runtime/capability.h"

/*
 * PoCL 3.1 names the processor after what LLVM 15 knows, which may lack instructions that are there; those are used
 * through inline assembly. A kernel still refuses to build where the compiler's target lacks the registers (#error on
 * __AVX512F__, __AVX2__). https://github.com/pocl/pocl
 */
static void find_instructions(const clq_device_info *info, clq_cl_capabilities *found)
{
    char *no_tiles = found->lacks[CLQ_CL_CPU_AMX];
    if (info->type != CLQ_DEVICE_CPU || !info->in_process) {
        const char *why =
            info->type != CLQ_DEVICE_CPU ? "not a CPU device" : "not known to compute in this process (PoCL does)";
        snprintf(found->no_vnni, sizeof found->no_vnni, "%s", why);
        snprintf(no_tiles, sizeof found->lacks[0], "%s", why);
        return;
    }
    clq_tiles_find(no_tiles, sizeof found->lacks[0]);
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

int clq_cl_has_extension(cl_device_id device, const char *name)
{
    size_t bytes = 0;
    char *text;
    int found = 0;
    if (clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, 0, NULL, &bytes) != CL_SUCCESS) {
        return 0;
    }
    text = calloc(1, bytes + 1);
    if (text == NULL) {
        return -1;
    }
    if (clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, bytes, text, NULL) == CL_SUCCESS) {
        found = clq_cl_has_word(text, name);
    }
    free(text);
    return found;
}

/* Of cl_khr_integer_dot_product, cl_nv_device_attribute_query and cl_intel_required_subgroup_size, for headers that do
 * not know them. */
enum {
    DOT_PRODUCT_CAPABILITIES = 0x1073,
    DOT_PRODUCT_PACKED = 1 << 0,
    COMPUTE_CAPABILITY_MAJOR = 0x4000,
    COMPUTE_CAPABILITY_MINOR = 0x4001,
    SUB_GROUP_SIZES = 0x4108
};

static int takes_packed(cl_device_id device, cl_uint unused)
{
    cl_bitfield found = 0;
    (void)unused;
    return clGetDeviceInfo(device, DOT_PRODUCT_CAPABILITIES, sizeof found, &found, NULL) == CL_SUCCESS &&
           (found & DOT_PRODUCT_PACKED) != 0;
}

/* `least` 61: sm_61. */
static int is_of_compute_capability(cl_device_id device, cl_uint least)
{
    cl_uint major = 0;
    cl_uint minor = 0;
    return clGetDeviceInfo(device, COMPUTE_CAPABILITY_MAJOR, sizeof major, &major, NULL) == CL_SUCCESS &&
           clGetDeviceInfo(device, COMPUTE_CAPABILITY_MINOR, sizeof minor, &minor, NULL) == CL_SUCCESS &&
           10 * major + minor >= least;
}

/* `least`: that of its sizes of sub-groups is this one. */
static int has_sub_groups_of(cl_device_id device, cl_uint least)
{
    size_t sizes[16];
    size_t bytes = 0;
    size_t found = SIZE_MAX;
    if (clGetDeviceInfo(device, SUB_GROUP_SIZES, sizeof sizes, sizes, &bytes) != CL_SUCCESS) {
        return 0;
    }
    for (size_t i = 0; i < bytes / sizeof sizes[0]; i++) {
        found = sizes[i] < found ? sizes[i] : found;
    }
    return found == least;
}

/* Whether the device's name begins with one of these words; AMD's have such as "gfx90a:sramecc+:xnack-". */
static int is_named(cl_device_id device, const char *words)
{
    char name[256] = "";
    if (clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL) != CL_SUCCESS) {
        return 0;
    }
    while (*words != '\0') {
        const size_t length = strcspn(words, " ");
        if (strncmp(name, words, length) == 0) {
            return 1;
        }
        words += length + strspn(words + length, " ");
    }
    return 0;
}

/*
 * How a device is asked for an instruction: by an extension, and by a question or the beginnings of its name where that
 * does not tell. Where there is neither, the compiler has the last word: a variant whose program is not built is set
 * aside.
 */
static const struct {
    const char *extension;
    int (*has)(cl_device_id device, cl_uint least);
    cl_uint least;
    const char *lacks; /* what to say where `has`, or the name, does not find it */
    const char *names; /* words with blanks between; NULL: any */
} questions[CLQ_CL_INSTRUCTIONS] = {
    [CLQ_CL_KHR_DOT] = {"cl_khr_integer_dot_product", takes_packed, 0,
                        "cl_khr_integer_dot_product of this device takes no packed operands", NULL},
    [CLQ_CL_NVIDIA_MMA] = {"cl_nv_device_attribute_query", is_of_compute_capability, 80,
                           "its tensor cores need compute capability 8.0", NULL},
    [CLQ_CL_NVIDIA_DP4A] = {"cl_nv_device_attribute_query", is_of_compute_capability, 61,
                            "dp4a needs compute capability 6.1", NULL},
    [CLQ_CL_INTEL_DPAS] = {"cl_intel_subgroup_matrix_multiply_accumulate", has_sub_groups_of, 8,
                           "its least sub-groups are not of 8", NULL},
    [CLQ_CL_INTEL_DPAS16] = {"cl_intel_subgroup_matrix_multiply_accumulate", has_sub_groups_of, 16,
                             "its least sub-groups are not of 16", NULL},
    [CLQ_CL_AMD_MFMA] = {"cl_amd_device_attribute_query", NULL, 0, "the device is no gfx908 or gfx90a",
                         "gfx908 gfx90a"},
    [CLQ_CL_AMD_MFMA32] = {"cl_amd_device_attribute_query", NULL, 0, "the device is no gfx940 to gfx950",
                           "gfx94 gfx950"},
    [CLQ_CL_AMD_WMMA] = {"cl_amd_device_attribute_query", NULL, 0, "the device is no gfx11", "gfx11"},
    [CLQ_CL_AMD_DOT] = {"cl_amd_device_attribute_query", NULL, 0, NULL, NULL},
    [CLQ_CL_ARM_DOT] = {"cl_arm_integer_dot_product_accumulate_int8", NULL, 0, NULL, NULL},
};

static void ask_for_instructions(cl_device_id device, clq_cl_capabilities *found)
{
    for (int i = 0; i < CLQ_CL_INSTRUCTIONS; i++) {
        const char *extension = questions[i].extension;
        int has = 0;
        if (extension == NULL) {
            continue; /* it is the processor's */
        }
        has = clq_cl_has_extension(device, extension);
        if (has != 1) {
            snprintf(found->lacks[i], sizeof found->lacks[i],
                     has == 0 ? "the device lacks %s" : "there was no memory to ask the device for %s", extension);
        } else if ((questions[i].has != NULL && !questions[i].has(device, questions[i].least)) ||
                   (questions[i].names != NULL && !is_named(device, questions[i].names))) {
            snprintf(found->lacks[i], sizeof found->lacks[i], "%s", questions[i].lacks);
        }
    }
}

void clq_cl_find_capabilities(cl_device_id device, const clq_device_info *info, clq_cl_capabilities *found)
{
    memset(found, 0, sizeof *found);
    find_instructions(info, found);
    ask_for_instructions(device, found);
}
