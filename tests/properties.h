/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The properties that every operation on elements has, each a function of the operation: device bytes equal reference
 * bytes, and those the oracle's, for all layouts, options, presets, types and kinds of input.
 */
#ifndef CLQ_TESTS_PROPERTIES_H
#define CLQ_TESTS_PROPERTIES_H

#include "check.h"

/* Every layout with every code type, real types and inputs in turn. */
void properties_every_layout(clq_operation operation);

/* Rounding x order x arithmetic with every pair of types and every kind of parameters and inputs. */
void properties_every_option(clq_operation operation);

/* Every preset in every type it exists in, for every real type, with the parameters that it chooses. */
void properties_every_preset(clq_operation operation);

/* Codes narrowed inside their type, as fused activations and restricted schemes do. */
void properties_narrowed_codes(clq_operation operation);

/* Every offset from 0 to 17 elements for each operand, so that no vector is aligned. */
void properties_every_offset(clq_operation operation);

/* All 65536 patterns of f16 and bf16 under every option. */
void properties_every_pattern_of_16_bits(clq_operation operation);

/* More than 2^24 elements, where an index no longer fits a float and 32-bit byte counts come near. */
void properties_many_elements(clq_operation operation);

#endif
