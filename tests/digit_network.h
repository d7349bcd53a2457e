/* SPDX-License-Identifier: Apache-2.0 */
/* The trained network (trained_model.h) in float, on a batch of drawn digits. */
#ifndef CLQ_TESTS_DIGIT_NETWORK_H
#define CLQ_TESTS_DIGIT_NETWORK_H

#include "digits.h"

enum { NETWORK_IMAGES = 500, NETWORK_PIXELS = DIGIT_PIXELS, NETWORK_HIDDEN = 128, NETWORK_DIGITS = 10 };

typedef struct digit_network {
    float *first, *second; /* weights, a row for each output */
    float *images;         /* the digits 0 to 9 in turn */
    float *hidden;         /* after the activation */
    float *logits;
} digit_network;

/* `slope` is what the activation multiplies negative numbers with. 0 when the model is not there, with a message. */
int digit_network_open(digit_network *network, float slope);
void digit_network_close(digit_network *network);

/* The digit that ten logits stand for. */
unsigned digit_network_answer(const float *logits);

#endif
