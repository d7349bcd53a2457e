/* SPDX-License-Identifier: Apache-2.0 */
/* syscall() is of no standard. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/tiles.h"

#include <stdio.h>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux, Documentation/arch/x86/xstate.rst; headers before 5.16 do not know them. */
enum {
    GET_SUPPORTED = 0x1021,
    GET_PERMISSION = 0x1022,
    REQUEST_PERMISSION = 0x1023,
    TILE_CONFIGURATION = 17,
    TILES = 18
};

/* Software Developer's Manual, volume 2, CPUID: leaf 7, and what palette 1 has, leaf 0x1D. */
static int processor_has_tiles(void)
{
    enum { AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25 };
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (edx & AMX_TILE) == 0 || (edx & AMX_INT8) == 0) {
        return 0;
    }
    return __get_cpuid_count(0x1D, 1, &eax, &ebx, &ecx, &edx) != 0 && (ebx & 0xFFFF) == 64 && ebx >> 16 == 8 &&
           (ecx & 0xFFFF) == 16;
}

static int has_both(uint64_t components)
{
    return (components >> TILE_CONFIGURATION & 1) != 0 && (components >> TILES & 1) != 0;
}

void clq_tiles_find(char *lacks, size_t size)
{
    uint64_t supported = 0;
    lacks[0] = '\0';
    if (!processor_has_tiles()) {
        snprintf(lacks, size, "the processor has no AMX-INT8");
    } else if (syscall(SYS_arch_prctl, GET_SUPPORTED, &supported) != 0 || !has_both(supported)) {
        snprintf(lacks, size, "the system has no support for the processor's tile registers (Linux has from 5.16 on)");
    }
}

/* Nobody can give it back: what was once seen is not asked for again, so that a product may ask each time. */
static int has_permission(void)
{
    static atomic_int was_seen;
    uint64_t permitted = 0;
    if (atomic_load_explicit(&was_seen, memory_order_relaxed)) {
        return 1;
    }
    if (syscall(SYS_arch_prctl, GET_PERMISSION, &permitted) != 0 || (permitted >> TILES & 1) == 0) {
        return 0;
    }
    atomic_store_explicit(&was_seen, 1, memory_order_relaxed);
    return 1;
}

static pthread_once_t asked = PTHREAD_ONCE_INIT;
static const char *_Atomic refusal;

/* What it is given or refused for is a matter of the process, not of a context. */
static void ask(void)
{
    if (syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILES) == 0) {
        return;
    }
    atomic_store(&refusal, errno == ENOSPC
                               ? "the system refuses tile registers: a thread's signal stack (sigaltstack) is "
                                 "too small for them"
                           : errno == EPERM ? "the system refuses tile registers: it is not permitted"
                                            : "the system refuses tile registers");
}

const char *clq_tiles_refusal(int may_ask)
{
    if (has_permission()) {
        return NULL;
    }
    if (!may_ask) {
        return "the process has no permission to use tile registers, and the context may not ask for it";
    }
    (void)pthread_once(&asked, ask);
    return atomic_load(&refusal);
}
#else
void clq_tiles_find(char *lacks, size_t size)
{
    snprintf(lacks, size, "not Linux on an x86-64 processor");
}

const char *clq_tiles_refusal(int may_ask)
{
    (void)may_ask;
    return "not Linux on an x86-64 processor";
}
#endif
