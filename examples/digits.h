/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of digits in the manner of MNIST, drawn instead of loaded, for a network that was trained on the real ones.
 */
#ifndef CLQ_EXAMPLES_DIGITS_H
#define CLQ_EXAMPLES_DIGITS_H

#include <stdint.h>

enum { DIGIT_SIDE = 28, DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE };

/* Draw `digit` (0 to 9) from 0 (paper) to 1 (ink). The seed varies slant, place, size and pen; equal seeds, equal
 * pictures. */
void digit_draw(unsigned digit, uint64_t seed, float pixels[DIGIT_PIXELS]);

#endif
