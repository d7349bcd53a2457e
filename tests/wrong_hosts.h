/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device for --check, and native that computes before the reference there: both wrong, or failing, in ways that a
 * test asks for. The device is the reference with a name and a version of OpenCL. What is spoiled follows from the
 * elements, so that the two can be wrong alike. A program that links it wraps what wrong_hosts.c has as __wrap_*.
 */
#ifndef CLQ_TESTS_WRONG_HOSTS_H
#define CLQ_TESTS_WRONG_HOSTS_H

#include <stdatomic.h>

#include <clquant/clquant.h>

typedef enum way {
    RIGHT,
    WRONG,   /* half of all values or few, every range, two bins of every histogram */
    ANOTHER, /* the same ones, otherwise */
    FAILS_BY_MEMORY,
    FAILS_BY_LIMIT,
    FAILS_IF_LARGE, /* where there are more elements than the reference alone computes */
    FAILS_WRONG,    /* and what it has written is wrong */
    ABSENT,         /* no context of it */
    WAYS,
    NARROW_LOW, /* of the device: ranges of pieces behind the first million elements leave elements out */
    NARROW_HIGH,
    TOUCHES_INPUT /* likewise: what it reads is other afterwards, in one byte of 100 */
} way;

typedef struct wrong_hosts {
    way device, native;
    clq_operation operation; /* the one that is spoiled */
    uint64_t from;           /* elements of a tensor that is */
    int is_rare;             /* one code in 256 */
    atomic_size_t contexts;  /* of native, that were made */
    /* Elements that native computed, that the reference computed for the check, and that the device went through. */
    atomic_ullong native_elements, checked_elements, narrowed_elements;
    const void *_Atomic units[2]; /* where the reference found the elements of single units */
} wrong_hosts;

extern wrong_hosts hosts;

void wrong_hosts_reset(void); /* what was counted */

/* The caller's. */
clq_context *wrong_hosts_device(int32_t number);

#endif
