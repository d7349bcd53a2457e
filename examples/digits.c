/* SPDX-License-Identifier: Apache-2.0 */
#include "digits.h"

#include <math.h>

/* Each two figures are a point (x, y) of a grid of 10 x 10; a blank lifts the pen. */
static const char *const strokes[10] = {
    "50728386775849372523214050", "5059",        "1221406172645617193889",
    "1130607264446587693918",     "302585 8069", "80302454758667582918",
    "603326385978765527",         "1242816559",  "50717354333150 54767859282654",
    "725132233555727569",
};

typedef struct point {
    double x, y;
} point;

/* How one picture differs from the next, in pixels. */
typedef struct hand {
    double slant, right, down, width, height, pen;
} hand;

/* SplitMix64, as a number in [low, high). */
static double vary(uint64_t *state, double low, double high)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return low + (high - low) * (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static hand some_hand(uint64_t seed)
{
    hand h;
    h.slant = vary(&seed, 0.0, 0.3);
    h.right = vary(&seed, -1.0, 1.0);
    h.down = vary(&seed, -1.0, 1.0);
    h.width = vary(&seed, 16.0, 20.0);
    h.height = vary(&seed, 18.0, 20.0);
    h.pen = vary(&seed, 0.8, 1.6);
    return h;
}

static point place(const hand *h, const char *figures)
{
    const double x = (figures[0] - '0') / 9.0 - 0.5;
    const double y = (figures[1] - '0') / 9.0 - 0.5;
    point p;
    p.x = DIGIT_SIDE / 2.0 + h->right + h->width * x - h->slant * h->height * y;
    p.y = DIGIT_SIDE / 2.0 + h->down + h->height * y;
    return p;
}

static double distance_to_line(point p, point from, point to)
{
    const double x = to.x - from.x;
    const double y = to.y - from.y;
    const double along = ((p.x - from.x) * x + (p.y - from.y) * y) / (x * x + y * y);
    const double t = along < 0.0 ? 0.0 : along > 1.0 ? 1.0 : along;
    return hypot(p.x - from.x - t * x, p.y - from.y - t * y);
}

static double distance_to_digit(point p, const char *figures, const hand *h)
{
    double least = DIGIT_SIDE;
    for (const char *at = figures; at[2] != '\0'; at += at[2] == ' ' ? 3 : 2) {
        if (at[2] != ' ') {
            least = fmin(least, distance_to_line(p, place(h, at), place(h, at + 2)));
        }
    }
    return least;
}

void digit_draw(unsigned digit, uint64_t seed, float pixels[DIGIT_PIXELS])
{
    const hand h = some_hand(seed);
    for (int row = 0; row < DIGIT_SIDE; row++) {
        for (int column = 0; column < DIGIT_SIDE; column++) {
            const point centre = {column + 0.5, row + 0.5};
            const double ink = h.pen + 0.5 - distance_to_digit(centre, strokes[digit % 10], &h);
            pixels[row * DIGIT_SIDE + column] = (float)fmax(0.0, fmin(1.0, ink));
        }
    }
}
