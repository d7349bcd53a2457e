/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers that elements of a trial's tensors are drawn from, and how they are stored. */
#ifndef CLQ_HOST_TRIAL_ELEMENTS_H
#define CLQ_HOST_TRIAL_ELEMENTS_H

#include "trial/trial.h"

/* What an element meets: its parameter, a number that shows something with it, and what may be mixed in. */
typedef struct clq_trial_surroundings {
    float scale;
    int32_t zero_point;
    int32_t least, greatest; /* codes, between which the ties lie */
    float witness;
    int takes_large, takes_nonfinite;
} clq_trial_surroundings;

/* Halfway between two codes or at one, what is special in any type, the witness, any bits, or a multiple of 2^-5. */
float clq_trial_next_element(uint32_t *state, const clq_trial_surroundings *s);

/* x, whose elements may have gaps between them. */
typedef struct clq_trial_elements {
    clq_dtype real;
    void *x;
    clq_places at;
} clq_trial_elements;

clq_trial_elements clq_trial_elements_of(const clq_quantization *q, void *x);
void clq_trial_store(const clq_trial_elements *e, uint64_t i, float value);

/* The same, or, of some halves, a subnormal one, which no f32 becomes. */
void clq_trial_store_drawn(const clq_trial_elements *e, uint64_t i, float value, uint32_t *state);

#endif
