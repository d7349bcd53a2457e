/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small questions to a device about the arithmetic and the memory that kernels rely on. Each is a row of the table in
 * probe_table.c: a function that lays its operands out in an arena as the trial does, runs, and leaves there what the
 * device gave; the host computes what it should give. To add one: a row, a function, and its kernel in
 * kernels/probe_*.cl.
 */
#ifndef CLQ_HOST_VERIFY_PROBE_H
#define CLQ_HOST_VERIFY_PROBE_H

#include "opencl/machine.h"
#include "verify/case.h"
#include "verify/plain.h"

/* Numbers that a probe of arithmetic is asked with. */
typedef enum clq_verify_numbers {
    CLQ_VERIFY_NUMBERS_NORMAL, /* neither they nor results are subnormal; NaN and infinities among them */
    CLQ_VERIFY_NUMBERS_SMALL,  /* subnormal, or with results that are */
    CLQ_VERIFY_NUMBERS_EDGES,  /* around whole numbers, halves and the bounds of integers; no NaN */
    CLQ_VERIFY_NUMBERS_WORDS   /* any bits, and those at the ends */
} clq_verify_numbers;

struct clq_verify_probe {
    const char *group; /* the operation's name is "probe-" and this */
    const char *name;
    clq_status (*run)(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
    uint32_t which; /* of arithmetic: the question; else what the function makes of it */
    clq_verify_numbers numbers;
    int is_vector;
    const char *type; /* of memory: of elements */
    uint64_t (*answer)(uint32_t which, const uint32_t in[3]);
};

extern const clq_verify_probe clq_verify_probes[]; /* ends with a NULL name */

/* ---- what probes are made with (probe_arena.c) ---- */

enum { CLQ_VERIFY_PROBE_ALIGNMENT = 64 };

/* Append an operand of the arena to be; returns its number. */
uint32_t clq_verify_probe_operand(clq_verify_work *work, const char *name, int32_t element, uint64_t elements,
                                  int is_output);

/* Make the arena: what was before and what is wanted are the same, for the probe to fill in. */
clq_status clq_verify_probe_arena(clq_verify_work *work, clq_error *error);

/* CLQ_UNSUPPORTED, with both numbers, where no buffer of the device has so many bytes. */
clq_status clq_verify_probe_require(const clq_cl_machine *machine, uint64_t bytes, clq_error *error);

/* Of `wanted` items as many as one buffer holds, a multiple of 4, where an item takes `item_bytes` of so many operands
 * together. */
uint64_t clq_verify_probe_fit(const clq_cl_machine *machine, uint64_t wanted, uint64_t item_bytes, uint64_t operands);

/* Words of an operand in `before` and in `want`; its offset in words. */
uint32_t *clq_verify_probe_before(clq_verify_work *work, uint32_t operand);
uint32_t *clq_verify_probe_want(clq_verify_work *work, uint32_t operand);
uint32_t clq_verify_probe_offset(const clq_verify_work *work, uint32_t operand);
uint32_t clq_verify_probe_random(clq_verify_work *work); /* 32 bits */

/* Inputs are the same before and after: what the probe wrote to `before` is taken over to `want`, but for outputs. */
void clq_verify_probe_keep_inputs(clq_verify_work *work);

/* Send `before` to the machine's arena; read it back to `got`. */
clq_status clq_verify_probe_send(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_receive(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);

/* ---- probe_plain.c ---- */

/* A probe in plain OpenCL, and what it is called in a program. */
typedef struct clq_verify_plain {
    const char *name;
    clq_plain_probe *run;
} clq_verify_plain;

#define CLQ_VERIFY_PLAIN_FILE "probe_memory.cl" /* where their kernel is */
#define CLQ_VERIFY_PLAIN(function)                                                                                     \
    {                                                                                                                  \
#function, function                                                                                            \
    }

/* Run it on operands that are laid out and filled in, unless launches are withheld. */
clq_status clq_verify_run_plain(clq_cl_machine *machine, clq_verify_work *work, const clq_verify_plain *plain,
                                uint64_t words, uint64_t number, clq_error *error);

/* ---- probe_float.c, probe_integer.c, probe_arithmetic.c, probe_kernels.c, probe_memory.c, probe_queue.c ---- */

uint64_t clq_verify_float_answer(uint32_t which, const uint32_t in[3]);
uint64_t clq_verify_integer_answer(uint32_t which, const uint32_t in[3]);
clq_status clq_verify_probe_arithmetic(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_vectors(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_loop(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_group(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_atomic(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_sub_buffer(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_far(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_map(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_host_memory(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_offsets(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_copy(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_events(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);
clq_status clq_verify_probe_binary(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);

#endif
