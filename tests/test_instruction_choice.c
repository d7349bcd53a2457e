/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices a variant that is written for an instruction is taken on: what a device lacks is told, what its
 * compiler does not take is set aside, and no emulation is chosen.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "counted_memory.h"
#include "failing_opencl.h"
#include "opencl/runtime/context.h"

/* The device under test by its numbers, so that a failure cannot end in another device being taken. */
static void specify(char *spec, size_t capacity)
{
    clq_device_info info;
    clq_context_device(check_device(), &info);
    snprintf(spec, capacity, "%d:%d", (int)info.platform, (int)info.device);
}

static int has_opencl(void)
{
    return check_device() != NULL && !check_device_is_native();
}

/* What is said of each variant that is written for an instruction, of a device that has the extension it is asked by,
 * and nothing else of it: none runs, and none gives wrong bytes. */
static void instructions(void **state)
{
    static const struct {
        clq_cl_instruction instruction;
        const char *variant, *extension, *story;
    } rows[] = {
        {CLQ_CL_KHR_DOT, "khr-dot", "cl_khr_fp64", "the device lacks cl_khr_integer_dot_product"},
        {CLQ_CL_KHR_DOT, "khr-dot", "cl_khr_integer_dot_product", "takes no packed operands"},
        {CLQ_CL_NVIDIA_MMA, "nvidia-mma", "cl_khr_fp64", "the device lacks cl_nv_device_attribute_query"},
        {CLQ_CL_NVIDIA_MMA, "nvidia-mma", "cl_nv_device_attribute_query",
         "its tensor cores need compute capability 8.0"},
        {CLQ_CL_NVIDIA_DP4A, "nvidia-dp4a", "cl_khr_fp64", "the device lacks cl_nv_device_attribute_query"},
        {CLQ_CL_NVIDIA_DP4A, "nvidia-dp4a", "cl_nv_device_attribute_query", "dp4a needs compute capability 6.1"},
        {CLQ_CL_INTEL_DPAS, "intel-dpas", "cl_intel_subgroup_matrix_multiply_accumulate_tf32",
         "the device lacks cl_intel_subgroup_matrix_multiply_accumulate"},
        {CLQ_CL_INTEL_DPAS, "intel-dpas", "cl_intel_subgroup_matrix_multiply_accumulate",
         "its least sub-groups are not of 8"},
        {CLQ_CL_INTEL_DPAS16, "intel-dpas16", "cl_intel_subgroup_matrix_multiply_accumulate",
         "its least sub-groups are not of 16"},
        {CLQ_CL_AMD_MFMA, "amd-mfma", "cl_khr_fp64", "the device lacks cl_amd_device_attribute_query"},
        {CLQ_CL_AMD_MFMA, "amd-mfma", "cl_amd_device_attribute_query", "the device is no gfx908 or gfx90a"},
        {CLQ_CL_AMD_MFMA32, "amd-mfma32", "cl_amd_device_attribute_query", "the device is no gfx940 to gfx950"},
        {CLQ_CL_AMD_WMMA, "amd-wmma", "cl_amd_device_attribute_query", "the device is no gfx11"},
        {CLQ_CL_AMD_DOT, "amd-dot", "cl_khr_fp64", "the device lacks cl_amd_device_attribute_query"},
        {CLQ_CL_AMD_DOT, "amd-dot", "cl_amd_device_attribute_query", "the device has no dot product of bytes"},
        {CLQ_CL_ARM_DOT, "arm-dot", "cl_arm_integer_dot_product_int8",
         "the device lacks cl_arm_integer_dot_product_accumulate_int8"},
        {CLQ_CL_ARM_DOT, "arm-dot", "cl_arm_integer_dot_product_accumulate_int8", "arm_dot_acc"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && has_opencl(); i++) {
        char spec[32];
        clq_context *context = NULL;
        clq_gemm_problem problem;
        clq_error error;
        clq_status status;
        if (check_device()->cl->capabilities.lacks[rows[i].instruction][0] == '\0') {
            continue; /* this device has it */
        }
        specify(spec, sizeof spec);
        clq_gemm_init(&problem);
        problem.m = problem.n = problem.k = 20;
        failing_opencl_extensions(rows[i].extension);
        check_ok(clq_context_create(spec, &context, &error), &error, "clq_context_create");
        check_ok(clq_context_force_variant(context, rows[i].variant, &error), &error, "clq_context_force_variant");
        memset(&error, 0, sizeof error);
        status = clq_gemm_prepare(context, &problem, 20, 20, &error);
        if (status == CLQ_OK ||
            (strstr(error.message, rows[i].story) == NULL && strstr(error.build_log, rows[i].story) == NULL)) {
            fail_msg("%s with %s: status %s, message '%s', log '%s'", rows[i].variant, rows[i].extension,
                     clq_status_name(status), error.message, error.build_log);
        }
        if (i % 2 == 0) { /* once for each */
            clq_context_set_emulation(context, 1);
            check_ok(clq_gemm_prepare(context, &problem, 20, 20, &error), &error, "clq_gemm_prepare, emulated");
        }
        failing_opencl_extensions(NULL);
        clq_context_destroy(&context);
    }
    check_needs_device();
}

static void count_unbuilt(void *cookie, clq_log_level level, const char *message)
{
    int *warnings = cookie;
    *warnings += level == CLQ_LOG_WARNING && strstr(message, "does not build") != NULL;
}

static void assert_plans(clq_context *context, const clq_gemm_problem *problem, const char *variant)
{
    clq_plan plan;
    clq_error error;
    check_ok(clq_gemm_plan(context, problem, 0, &plan, &error), &error, "clq_gemm_plan");
    assert_string_equal(plan.variant, variant);
    assert_null(strstr(plan.reason, "emulated"));
}

/* GPUs that say they are AMD's: the variant is chosen by their name, but never with its instruction emulated, and set
 * aside with a warning where the compiler does not have it. */
static void instruction_that_is_chosen(void **state)
{
    static const struct {
        const char *name, *variant;
    } gpus[] = {
        {"gfx906:sramecc+:xnack-", "amd-dot"},
        {"gfx908:sramecc+:xnack-", "amd-mfma"},
        {"gfx90a:sramecc+:xnack-", "amd-mfma"},
        {"gfx90c", "amd-dot"},
        {"gfx942:sramecc+:xnack-", "amd-mfma32"},
        {"gfx950", "amd-mfma32"},
        {"gfx1030", "amd-dot"},
        {"gfx1100", "amd-wmma"},
        {"gfx1201", "amd-dot"}, /* whose matrices lie in other registers */
    };
    (void)state;
    for (size_t i = 0; i < sizeof gpus / sizeof gpus[0] && has_opencl(); i++) {
        char spec[32];
        int warnings = 0;
        clq_context *context = NULL;
        clq_gemm_problem problem;
        clq_error error;
        specify(spec, sizeof spec);
        clq_gemm_init(&problem);
        problem.m = problem.n = problem.k = 64;
        failing_opencl_extensions("cl_amd_device_attribute_query");
        failing_opencl_device_name(gpus[i].name);
        check_ok(clq_context_create(spec, &context, &error), &error, "clq_context_create");
        failing_opencl_extensions(NULL);
        failing_opencl_device_name(NULL);
        context->device.type = CLQ_DEVICE_GPU;
        context->cl->capabilities.vnni = 0; /* which are a CPU's */
        snprintf(context->cl->capabilities.lacks[CLQ_CL_CPU_AMX], sizeof context->cl->capabilities.lacks[0], "a GPU");
        clq_cl_tunings_destroy(&context->cl->tunings);
        check_ok(clq_cl_tunings_init(&context->cl->tunings, &context->device, &error), &error, "clq_cl_tunings_init");
        clq_context_set_log(context, count_unbuilt, &warnings);
        clq_context_set_emulation(context, 1);
        assert_plans(context, &problem, "portable");
        clq_context_set_emulation(context, 0);
        assert_plans(context, &problem, gpus[i].variant);
        check_ok(clq_gemm_prepare(context, &problem, 64, 64, &error), &error, "clq_gemm_prepare");
        assert_plans(context, &problem, "portable");
        assert_int_equal(warnings, strcmp(gpus[i].variant, "amd-dot") == 0 ? 1 : 2);
        clq_context_destroy(&context);
    }
    check_needs_device();
}

/* A device that could not be asked does not lack what it would have told: each question fails once. */
static void lack_of_memory_is_told(void **state)
{
    const int instructions = CLQ_CL_INSTRUCTIONS;
    int told = 0;
    int failed = 1;
    (void)state;
    for (long number = 1; failed && has_opencl(); number++) { /* ends: one more allocation succeeds each time */
        clq_device_info info;
        clq_cl_capabilities found;
        clq_context_device(check_device(), &info);
        counted_memory_fail(number);
        clq_cl_find_capabilities(check_device()->cl->device, &info, &found);
        failed = counted_memory_failed();
        counted_memory_fail(0);
        for (int i = 0; i < instructions; i++) {
            const int is_told = strstr(found.lacks[i], "there was no memory to ask the device for") != NULL;
            assert_true(is_told || strcmp(found.lacks[i], check_device()->cl->capabilities.lacks[i]) == 0);
            told += is_told;
        }
        assert_true(told == number - !failed);
    }
    assert_true(told > 0 || !has_opencl());
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(instructions),
    cmocka_unit_test(instruction_that_is_chosen),
    cmocka_unit_test(lack_of_memory_is_told),
};

CHECK_MAIN("instruction_choice", tests)
