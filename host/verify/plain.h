/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes of what the host asks of a device: queues, events, mappings, parts of buffers, binaries. They are OpenCL and C
 * alone: the same text is compiled into the library and written into the programs that show a fault
 * (reproduce_plain.c), so that these do what the probe did.
 */
#ifndef CLQ_VERIFY_PLAIN_H
#define CLQ_VERIFY_PLAIN_H

#include <CL/cl.h>

enum { CLQ_PLAIN_OPERANDS = 8 };

typedef struct clq_plain {
    cl_context context;
    cl_device_id device;
    cl_command_queue queue; /* in order */
    cl_kernel kernel;       /* probe_step of kernels/probe_memory.cl: target = 3 * source + add */
    const char *source;     /* of that file */
    size_t bytes;           /* of the arena, in which all operands lie */
    const unsigned char *before;
    unsigned char *got;                 /* as `before`, for the probe to fill in what the device has */
    size_t offsets[CLQ_PLAIN_OPERANDS]; /* of the operands, in bytes */
    size_t words, local;                /* that a step takes; of a work-group, 0: left to the runtime */
    size_t number;                      /* what each probe makes of it */
    const char *failed;                 /* the call that failed, */
    cl_int code;                        /* with this; CL_SUCCESS: the device has no such thing */
} clq_plain;

/* What is found is in `got`; 0: a call failed. */
typedef int clq_plain_probe(clq_plain *p);

clq_plain_probe clq_plain_map, clq_plain_host_memory, clq_plain_sub_buffer, clq_plain_far, clq_plain_parts,
    clq_plain_copy, clq_plain_events, clq_plain_binary;

#endif
