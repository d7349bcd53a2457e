/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scratch memory that a plan asks for does for every smaller m: it never falls from one m to the next, and is no
 * less than what the product of that m takes. On the device under test, and on this one with the facts of others, of
 * every number of compute units.
 */
#include "check.h"
#include "core/size.h"
#include "opencl/launch/gemm.h"
#include "opencl/runtime/context.h"
#include <cmocka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

enum { MOST_ROWS = 600, MOST_FAR_ROWS = 2100 };

/* Of other devices: 0 is what this one has. The last takes few work-groups along a second dimension. */
static const struct {
    clq_device_type type;
    uint32_t units;
    size_t groups_behind;
} DEVICES[] = {{0, 0, CLQ_CL_MOST_GROUPS_BEHIND},
               {CLQ_DEVICE_GPU, 132, CLQ_CL_MOST_GROUPS_BEHIND},
               {CLQ_DEVICE_GPU, 1, CLQ_CL_MOST_GROUPS_BEHIND},
               {CLQ_DEVICE_CPU, 64, CLQ_CL_MOST_GROUPS_BEHIND},
               {CLQ_DEVICE_GPU, 132, 3}};

static const char *const VARIANTS[] = {NULL, "portable", "cpu", "split-k"};

static const struct {
    uint64_t n, k, k_group;
    int b_is_u8, a_is_transposed, of_4_bits;
} PRODUCTS[] = {{768, 2048, 32, 0, 0, 0},  {768, 2048, 128, 0, 1, 0}, {4096, 4096, 128, 0, 0, 0},
                {33, 300, 4, 0, 0, 0},     {20000, 256, 64, 0, 0, 0}, {96, 65536, 0, 0, 0, 0},
                {1000, 32768, 0, 1, 0, 0}, {257, 257, 0, 1, 1, 0},    {768, 2048, 32, 0, 0, 1},
                {1000, 4096, 0, 1, 1, 1}};

static uint64_t taken_by(clq_context *context, const clq_gemm_problem *p, int packed)
{
    clq_gemm_decision decision;
    clq_gemm_task task;
    clq_error error;
    clq_gemm_task_init(&task, p);
    assert_int_equal(clq_cl_gemm_decide(context, clq_cl_forced_variant(context), &task, &decision, &error), CLQ_OK);
    return decision.by_host.reason != NULL ? 0 : clq_cl_gemm_workspace_of(&task, &decision, packed).bytes;
}

static clq_gemm_problem product(size_t number)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.n = PRODUCTS[number].n;
    p.k = PRODUCTS[number].k;
    p.k_group = PRODUCTS[number].k_group;
    p.b.dtype = PRODUCTS[number].of_4_bits ? (PRODUCTS[number].b_is_u8 ? CLQ_U4 : CLQ_S4)
                : PRODUCTS[number].b_is_u8 ? CLQ_U8
                                           : CLQ_S8;
    p.a.transposed = PRODUCTS[number].a_is_transposed;
    if (p.k_group != 0) {
        p.c.dtype = CLQ_F32;
        p.a_scale = CLQ_GEMM_PER_ROW;
        p.b_scale = CLQ_GEMM_PER_GROUP;
    }
    return p;
}

static void go_up(clq_context *context, size_t number, int packed, int is_device)
{
    clq_gemm_problem p = product(number);
    uint64_t before = 0;
    for (p.m = 1; p.m <= MOST_ROWS; p.m++) {
        clq_plan plan;
        clq_error error;
        const clq_status status = clq_gemm_plan(context, &p, packed, &plan, &error);
        if (status != CLQ_OK) {
            fail_msg("m %llu of product %zu: %s", (unsigned long long)p.m, number, error.message);
        }
        if (plan.workspace_bytes < before || (is_device && plan.workspace_bytes < taken_by(context, &p, packed))) {
            fail_msg("product %zu, packed %d, m %llu: %llu bytes after %llu, %llu are taken (%s)", number, packed,
                     (unsigned long long)p.m, (unsigned long long)plan.workspace_bytes, (unsigned long long)before,
                     (unsigned long long)(is_device ? taken_by(context, &p, packed) : 0), plan.reason);
        }
        before = plan.workspace_bytes;
    }
}

static void plans_do_for_every_smaller_m(void **state)
{
    clq_context *device = check_device();
    clq_device_info own;
    (void)state;
    for (size_t i = 0; i < sizeof PRODUCTS / sizeof PRODUCTS[0]; i++) {
        go_up(check_reference(), i, (int)i % 2, 0);
    }
    if (device != NULL && device->device.platform >= 0) {
        own = device->device;
        for (size_t d = 0; d < sizeof DEVICES / sizeof DEVICES[0]; d++) {
            device->device.type = d > 0 ? DEVICES[d].type : own.type;
            device->device.compute_units = d > 0 ? DEVICES[d].units : own.compute_units;
            device->cl->most_groups_behind = DEVICES[d].groups_behind;
            for (size_t v = 0; v < (d < 1 ? sizeof VARIANTS / sizeof VARIANTS[0] : 1); v++) {
                assert_int_equal(clq_context_force_variant(device, VARIANTS[v], NULL), CLQ_OK);
                for (size_t i = 0; i < sizeof PRODUCTS / sizeof PRODUCTS[0]; i++) {
                    const int cannot = v == 3 && PRODUCTS[i].k_group != 0; /* K is cut into groups already */
                    if (!cannot) {
                        go_up(device, i, 0, 1);
                        go_up(device, i, 1, 1);
                    }
                }
            }
        }
        device->device = own;
        device->cl->most_groups_behind = CLQ_CL_MOST_GROUPS_BEHIND;
        assert_int_equal(clq_context_force_variant(device, NULL, NULL), CLQ_OK);
    }
    check_needs_device();
}

/* The same as go_up where tiles differ, and from there on in steps. */
static void go_far(clq_context *context, size_t number, int packed)
{
    clq_gemm_problem p = product(number);
    uint64_t most = 0;
    uint64_t before = 0;
    for (p.m = 1; p.m <= MOST_FAR_ROWS; p.m += p.m < 130 ? 1 : 61) {
        most = clq_size_max(most, taken_by(context, &p, packed));
        if (p.m % 32 == 1 || p.m == 88 || p.m > 800) {
            clq_plan plan;
            clq_error error;
            assert_int_equal(clq_gemm_plan(context, &p, packed, &plan, &error), CLQ_OK);
            if (plan.workspace_bytes < most || plan.workspace_bytes < before) {
                fail_msg("%u compute units, product %zu, packed %d, m %llu: %llu bytes after %llu, up to %llu are "
                         "taken (%s)",
                         context->device.compute_units, number, packed, (unsigned long long)p.m,
                         (unsigned long long)plan.workspace_bytes, (unsigned long long)before, (unsigned long long)most,
                         plan.reason);
            }
            before = plan.workspace_bytes;
        }
    }
}

/*
 * By every number of compute units, of each kernel whose tiles differ, on a device that holds the greater tiles of
 * the variants that multiply matrices: their edge goes by the number of units.
 */
static void plans_do_by_every_number_of_units(void **state)
{
    static const char *const KERNELS[] = {"nvidia-mma", "intel-dpas", "amd-mfma", "nvidia-dp4a", "cpu-amx", "cpu"};
    clq_context *device = check_device();
    (void)state;
    if (device != NULL && device->device.platform >= 0) {
        const clq_device_info own = device->device;
        const int emulates = device->emulates;
        struct clq_cl_state *cl = device->cl;
        const uint64_t local_bytes = cl->local_bytes;
        const size_t size = cl->maximum_group_size;
        size_t items[3];
        memcpy(items, cl->maximum_group_items, sizeof items);
        device->emulates = 1;
        device->device.type = CLQ_DEVICE_GPU;
        cl->local_bytes = 65536;
        cl->maximum_group_size = 1024;
        cl->maximum_group_items[0] = cl->maximum_group_items[1] = 1024;
        for (uint32_t units = 1; units <= 256; units++) {
            device->device.compute_units = units;
            for (size_t v = 0; v < sizeof KERNELS / sizeof KERNELS[0]; v++) {
                assert_int_equal(clq_context_force_variant(device, KERNELS[v], NULL), CLQ_OK);
                for (size_t i = 0; i < sizeof PRODUCTS / sizeof PRODUCTS[0]; i++) {
                    if (v == 0 || (i + units) % 8 == v) { /* the others have tiles of one edge */
                        go_far(device, i, (int)units % 2);
                    }
                }
            }
        }
        device->device = own;
        device->emulates = emulates;
        cl->local_bytes = local_bytes;
        cl->maximum_group_size = size;
        memcpy(cl->maximum_group_items, items, sizeof items);
        assert_int_equal(clq_context_force_variant(device, NULL, NULL), CLQ_OK);
    }
    check_needs_device();
}

/* The scratch memory of the context is made for every m in between, not for those alone whose kernels differ. */
static void prepared_memory_does_for_all(void **state)
{
    clq_context *device = check_device();
    clq_gemm_problem p = product(0);
    (void)state;
    if (device != NULL && device->device.platform >= 0) {
        uint64_t most = 0;
        uint64_t greatest = 0;
        clq_error error;
        for (p.m = 88; p.m <= MOST_ROWS && greatest == 0; p.m++) {
            const uint64_t taken = taken_by(device, &p, 0);
            greatest = taken < most ? p.m : 0; /* the first that takes less than one before it */
            most = taken > most ? taken : most;
        }
        assert_int_equal(clq_gemm_prepare(device, &p, 88, greatest != 0 ? greatest : MOST_ROWS, &error), CLQ_OK);
        assert_true(device->cl->workspace_bytes >= most);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(prepared_memory_does_for_all),
    cmocka_unit_test(plans_do_for_every_smaller_m),
    cmocka_unit_test(plans_do_by_every_number_of_units),
};

CHECK_MAIN("gemm_workspace", tests)
