/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cases of clq_verify before they run. The trial compares a kernel on the few cases that it must pass before its
 * first use; these are the same cases, wide: the same arena, reference and machine (host/trial, opencl/machine.h), with
 * more shapes, numbers and ways to cut.
 *
 * A case follows from its description alone, and its name says all of it, so that names are the same on every device
 * and in every run; the seed decides inputs only. Dimensions that cost nothing but time on the device (rounding,
 * inputs, cut) are gone through in turn along the shapes (clq_verify_mix), so that each value of each of them meets
 * each other after a few dozen shapes; those that cost a program each (variant, types) are gone through in full, or, in
 * a quick run, so that each pair of values occurs.
 */
#ifndef CLQ_HOST_VERIFY_ITEM_H
#define CLQ_HOST_VERIFY_ITEM_H

#include <clquant/verify.h>

#include "trial/cases.h"

enum { CLQ_VERIFY_OBSTACLES = 16 };

enum { CLQ_VERIFY_NAME_BYTES = 160, CLQ_VERIFY_OPERATION_BYTES = 32, CLQ_VERIFY_NARROW = 8 };

typedef struct clq_verify_subject clq_verify_subject; /* subject.h */
typedef struct clq_verify_probe clq_verify_probe;     /* probe.h */

typedef enum clq_verify_family {
    CLQ_VERIFY_TENSOR,
    CLQ_VERIFY_BATCH,
    CLQ_VERIFY_PRODUCT,
    CLQ_VERIFY_PROBE
} clq_verify_family;

typedef enum clq_verify_inputs {
    CLQ_VERIFY_AWKWARD = 0, /* as the trial has them */
    CLQ_VERIFY_BITS = 1,    /* every pattern of bits; of products, any multipliers and shifts */
    CLQ_VERIFY_ENDS = 2,    /* any parameters and those at their ends, numbers around the edges between two codes */
    CLQ_VERIFY_INPUTS = 3
} clq_verify_inputs;

typedef enum clq_verify_averaging {
    CLQ_VERIFY_AVERAGED = 0,
    CLQ_VERIFY_REPLACED = 1,
    CLQ_VERIFY_WIDENED = 2,
    CLQ_VERIFY_AVERAGINGS = 3
} clq_verify_averaging;

typedef enum clq_verify_cut {
    CLQ_VERIFY_AS_CALLED = 0,
    CLQ_VERIFY_CUT = 1,        /* into as many parts as large tensors are; of products, K in slices */
    CLQ_VERIFY_PAST_CACHE = 2, /* the same, and stored as large tensors are */
    CLQ_VERIFY_CUTS = 3,
    CLQ_VERIFY_IN_TABLE = 3 /* of products: as several that share a launch */
} clq_verify_cut;

/* A product, but for the types and sizes that stand in the item. */
typedef struct clq_verify_product {
    uint32_t m, n, k, batch;
    clq_dtype a, b, c;
    clq_requantize_mode mode;
    clq_gemm_values a_zero_point, b_zero_point;
    clq_gemm_values a_scale; /* with groups along K; else it follows from the rest */
    uint32_t k_group;
    uint8_t has_bias, transposed_a, transposed_b, is_padded, packs, has_sums, is_clamped, per_column;
} clq_verify_product;

typedef struct clq_verify_item {
    clq_verify_family family;
    clq_operation operation;
    const clq_verify_subject *subject;
    int32_t variant; /* the subject's own number */
    clq_dtype real, dtype;
    uint32_t scheme; /* clq_trial_take_scheme */
    uint32_t way; /* bit 0: rounding, 1: order, 2: arithmetic, CLQ_VERIFY_NARROW; of merge-range clq_verify_averaging */
    clq_verify_inputs inputs;
    clq_verify_cut cut;
    int is_strided; /* a tensor with gaps: those of clq_verify_strides */
    union {
        clq_trial_shape shape;
        struct {
            uint32_t first, count;
        } shapes; /* of a batch: numbers of clq_verify_shape */
        clq_verify_product product;
        struct {
            const char *group, *name;
            const clq_verify_probe *question; /* NULL where the subject is asked none */
        } probe;
    } of;
    const char *skipped; /* why it cannot run on any device of this kind, or NULL */
    uint32_t program;    /* cases that share compiled kernels stand together, */
    uint32_t number;
    uint64_t size;     /* the smallest first */
    uint32_t siblings; /* so many programs before this one are made of the same kernels */
} clq_verify_item;

typedef struct clq_verify_items {
    clq_context *context;
    const clq_verify_subject *subject;
    clq_verify_extent extent;
    const char *only;
    clq_verify_item *items;
    size_t count, capacity;
    uint32_t programs;
    size_t *begins; /* of each group, cases that share compiled kernels, its first; and the number of all */
    size_t group_count;
    size_t *order;        /* groups, those that matter most first */
    char operations[512]; /* those that cases are of, whether they fit `only` or not, with commas between */
    clq_error story;
    char obstacles[CLQ_VERIFY_OBSTACLES][256]; /* what `skipped` of products points at */
    size_t obstacle_count;
} clq_verify_items;

/* All cases there are, in the order in which they run. */
clq_status clq_verify_items_create(clq_context *context, const clq_verify_request *request, clq_verify_items *items,
                                   clq_error *error);
void clq_verify_items_release(clq_verify_items *items);

/* Where there are none that fit. */
clq_status clq_verify_items_refuse(const clq_verify_items *items, clq_error *error);

void clq_verify_item_operation(const clq_verify_item *item, char operation[CLQ_VERIFY_OPERATION_BYTES]);
void clq_verify_item_name(const clq_verify_item *item, char name[CLQ_VERIFY_NAME_BYTES]);

/* Of the folder that shows a fault: one for each operation, variant and pair of types. */
void clq_verify_fault_name(const clq_verify_item *item, char name[CLQ_VERIFY_NAME_BYTES]);

/* ---- what the lists of families are made with ---- */

/* Append, where the name fits the pattern. */
clq_status clq_verify_items_add(clq_verify_items *items, const clq_verify_item *item, clq_error *error);

/* All cases of the item's operation and variant, of one tensor each, of batches, and products. */
clq_status clq_verify_add_tensors(clq_verify_items *items, clq_verify_item *item, clq_error *error);
clq_status clq_verify_add_batches(clq_verify_items *items, clq_verify_item *item, clq_error *error);
clq_status clq_verify_add_products(clq_verify_items *items, clq_verify_item *item, clq_error *error);

/* One in their place, where the item says why they are skipped. */
clq_status clq_verify_add_skipped(clq_verify_items *items, clq_verify_item *item, clq_error *error);

/* The probes of devices; skipped, where it is not NULL, for this reason. */
clq_status clq_verify_add_probes(clq_verify_items *items, const char *skipped, clq_error *error);

/* Shape `number` of those that belong to the extent; 0 behind the last. */
int clq_verify_shape(clq_verify_extent extent, uint32_t number, clq_trial_shape *shape);

/* Those of as many dimensions as there are, which are for strided tensors alone; 0 behind the last. */
int clq_verify_deep_shape(uint32_t number, clq_trial_shape *shape);

/* The strides of a case of that shape, which follow from it: rows apart, in another order, elements apart, in blocks.
 */
void clq_verify_strides(const clq_trial_shape *shape, clq_strides *reals, clq_strides *codes);

/* Number `i` of a way through all of 0 to limit-1, scattered, another one for each program. */
uint32_t clq_verify_mix(uint32_t i, uint32_t program, uint32_t limit);

/*
 * Whether the extent takes the program of a variant for a pair of types, by their numbers. A quick run takes six of an
 * operation's, or three where types of codes make none, in which each value occurs twice; `shift` is one of three,
 * which between them take all pairs of types.
 */
int clq_verify_takes_program(const clq_verify_items *items, uint32_t shift, uint32_t variant, uint32_t real,
                             uint32_t code, int one_real, int one_code);

/* Whether batches of the item take tensors of that shape. */
int clq_verify_batch_takes(const clq_verify_item *item, const clq_trial_shape *shape);

/* Types by number. */
extern const clq_dtype clq_verify_reals[3];
extern const clq_dtype clq_verify_codes[6];

/* Whether the types of reals, of codes, make other programs of an operation. */
int clq_verify_has_reals(clq_operation operation);
int clq_verify_has_codes(clq_operation operation);

#endif
