/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's permission to use tile registers: nobody asks who was told not to or needs none, others once in a
 * process, and what is refused is told and leaves the product to another variant. The system's answers are made here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "opencl/runtime/context.h"

#if defined(__x86_64__) && defined(__linux__)
/* What the system answers in place of the kernel, where `plays` is not 0. */
static struct {
    int plays, has_permission, refuses_by, asked;
} played;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

/* Linux, Documentation/arch/x86/xstate.rst. */
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (number != SYS_arch_prctl || !played.plays) {
        return __real_syscall(number, a, b, c, d, e, f);
    }
    if (a == 0x1023) { /* ARCH_REQ_XCOMP_PERM */
        played.asked += b == 18 ? 1 : 100;
        played.has_permission = played.refuses_by == 0;
        errno = played.refuses_by;
        return played.refuses_by == 0 ? 0 : -1;
    }
    *(uint64_t *)b = a == 0x1022 && !played.has_permission ? 0x2E7 : 0x602E7; /* ARCH_GET_XCOMP_PERM, _SUPP */
    return 0;
}

static void expect(int is_so, int line)
{
    if (!is_so) {
        fprintf(stderr, "line %d is not so\n", line);
        _exit(1);
    }
}
#define EXPECT(is_so) expect(is_so, __LINE__)

/* Of a device that has tiles for all the context knows: `story` NULL when cpu-amx is what multiplies. */
static int plans(clq_context *context, const char *story)
{
    clq_gemm_problem problem;
    clq_plan plan;
    clq_error error;
    clq_status status;
    int is_chosen;
    clq_gemm_init(&problem);
    problem.m = problem.n = problem.k = 64;
    memset(&error, 0, sizeof error);
    EXPECT(clq_gemm_plan(context, &problem, 0, &plan, &error) == CLQ_OK);
    is_chosen = strcmp(plan.variant, "cpu-amx") == 0;
    EXPECT(clq_context_force_variant(context, "cpu-amx", &error) == CLQ_OK);
    status = clq_gemm_plan(context, &problem, 0, &plan, &error);
    EXPECT(clq_context_force_variant(context, NULL, NULL) == CLQ_OK);
    return story == NULL ? is_chosen && status == CLQ_OK
                         : !is_chosen && status == CLQ_UNSUPPORTED && strstr(error.message, story) != NULL;
}

/* Each in a process of its own, since what one has asked for stays: the kernel's answer, and what is said of it. */
static void ask(clq_context *context, int refuses_by, const char *story)
{
    played.plays = 1;
    played.refuses_by = refuses_by;
    clq_context_set_tile_permission(context, 0);
    EXPECT(plans(context, "the context may not ask"));
    EXPECT(played.asked == 0);
    clq_context_set_emulation(context, 1); /* which needs no permission, and is not chosen */
    clq_context_set_tile_permission(context, 1);
    EXPECT(!plans(context, NULL) && !plans(context, "tile"));
    EXPECT(played.asked == 0);
    clq_context_set_emulation(context, 0);
    for (int i = 0; i < 3; i++) {
        EXPECT(plans(context, story));
        EXPECT(played.asked == 1);
    }
    clq_context_set_tile_permission(context, 0);
    EXPECT(plans(context, story == NULL ? NULL : "the context may not ask"));
    played.has_permission = 1; /* by somebody else */
    EXPECT(plans(context, NULL));
    EXPECT(played.asked == 1);
}

static int has_opencl(void)
{
    return check_device() != NULL && !check_device_is_native();
}

static void permission_is_asked_for_once(void **state)
{
    static const struct {
        int refuses_by;
        const char *story;
    } answers[] = {{0, NULL},
                   {ENOSPC, "a thread's signal stack (sigaltstack) is too small"},
                   {EPERM, "it is not permitted"},
                   {EINVAL, "the system refuses tile registers"}};
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0] && has_opencl(); i++) {
        int status = 0;
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            clq_context *context = check_device();
            context->cl->capabilities.lacks[CLQ_CL_CPU_AMX][0] = '\0';
            ask(context, answers[i].refuses_by, answers[i].story);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    check_needs_device();
}
#else
static void permission_is_asked_for_once(void **state)
{
    (void)state;
    check_skip("Linux on x86-64 asks");
}
#endif

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(permission_is_asked_for_once),
};

CHECK_MAIN("tile-permission", tests)
