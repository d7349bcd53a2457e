/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/ways.h"

#include <math.h>

#include "trial/cases.h"

/* A way for a description to run: all options of rounding, with and without stores past the cache and wide parameters;
 * either rounding with operands that are aligned, and not. */
typedef struct way {
    int option; /* clq_trial_take_options */
    int streams, is_narrow, is_behind;
} way;

static const way code_ways[] = {{0, 0, 1, 0}, {1, 1, 1, 1}, {2, 1, 1, 1}, {3, 0, 1, 0}, {4, 1, 1, 0}, {5, 0, 0, 1},
                                {6, 0, 1, 1}, {7, 1, 0, 0}, {0, 1, 0, 0}, {1, 0, 0, 1}, {2, 0, 0, 1}, {3, 1, 0, 0}};
/* The second to the fourth have witnesses (clq_trial_averages). */
static const float averagings[] = {0.0f, 0x1.6a09e6p-4f, 0x1.4p-3f, 0x1.8p-4f, 1.0f,
                                   2.5f, 0x1.fffffep-1f, 0x1p-30f,  -0.5f,     NAN};

enum { FIRST_GIVEN_WAY = 14 }; /* of dynamic quantization */

size_t clq_trial_ways(clq_operation operation)
{
    switch (operation) {
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_FAKE_QUANTIZE:
        return sizeof code_ways / sizeof code_ways[0];
    case CLQ_OP_DEQUANTIZE:
        return 4; /* past the cache or not, aligned or not */
    case CLQ_OP_DYNAMIC_QUANTIZE:
        /* Of the options, with a witness's scheme and each rule of others, and both ways to find the range; two, which
         * multiply by 1/S, are for its witnesses, and the last two for scales and zero points that a scheme says. */
        return FIRST_GIVEN_WAY + 2;
    case CLQ_OP_CHOOSE_PARAMETERS:
        return CLQ_TRIAL_SCHEMES;
    case CLQ_OP_MERGE_RANGE:
        return sizeof averagings / sizeof averagings[0];
    default:
        return 2;
    }
}

/* Of way 0, if that had one: the eight behind four ways are not the same in all lengths. */
static size_t first_preset(const clq_task *task)
{
    return task->geometry.elements == CLQ_TRIAL_OTHER_PRESETS ? CLQ_PRESET_AFFINE_U8 + CLQ_PRESET_COUNT - 4
                                                              : CLQ_PRESET_SYMMETRIC;
}

void clq_trial_set_way(clq_trial_case *c, size_t number)
{
    clq_scheme *scheme = &c->described[0].scheme;
    c->other_way = number % 2 != 0;
    c->is_behind = number % 2 != 0;
    c->way = (uint32_t)number;
    switch (c->tasks[0].operation) {
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_FAKE_QUANTIZE:
        clq_trial_take_options(scheme, (size_t)code_ways[number].option);
        c->other_way = code_ways[number].streams;
        c->is_narrow = code_ways[number].is_narrow;
        c->is_behind = code_ways[number].is_behind;
        break;
    case CLQ_OP_DYNAMIC_QUANTIZE:
        c->other_way = (number + number / 2) % 2 != 0;
        c->is_behind = number / 2 % 2 != 0; /* with either rounding */
        if (number >= FIRST_GIVEN_WAY) {    /* one of the two is aligned, in every other shape the first */
            c->is_behind = (number + c->tasks[0].geometry.elements / 4) % 2 != 0;
            clq_trial_take_given(scheme, c->described[0].real,
                                 (number == FIRST_GIVEN_WAY ? 0 : CLQ_TRIAL_GIVEN_SCALES) +
                                     c->tasks[0].geometry.elements % 4);
            clq_trial_take_options(scheme, number);
            break;
        }
        clq_trial_take_scheme(scheme, number < 4 || number >= 12
                                          ? CLQ_TRIAL_WITNESS_SCHEME
                                          : (first_preset(&c->tasks[0]) + number) % CLQ_PRESET_COUNT);
        clq_trial_take_options(scheme, number);
        break;
    case CLQ_OP_DEQUANTIZE:
        c->other_way = number / 2 != 0;
        break;
    case CLQ_OP_CHOOSE_PARAMETERS:
        clq_trial_take_scheme(scheme, number);
        break;
    case CLQ_OP_MERGE_RANGE:
        c->averaging = averagings[number];
        break;
    default:
        break;
    }
}
