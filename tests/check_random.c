/* SPDX-License-Identifier: Apache-2.0 */
/* The generator: splitmix64. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check_internal.h"

static uint64_t seed;
static uint64_t random_state;

uint64_t check_seed(void)
{
    return seed;
}

uint64_t check_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t check_below(uint64_t limit)
{
    return check_random() % limit;
}

int64_t check_between(int64_t first, int64_t last)
{
    return first + (int64_t)check_below((uint64_t)(last - first) + 1);
}

double check_uniform(void)
{
    return (double)(check_random() >> 11) * 0x1p-53;
}

double check_normal(void)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++) {
        sum += check_uniform();
    }
    return sum;
}

int check_chance(uint32_t one_in)
{
    return check_below(one_in) == 0;
}

void check_set_seed(void)
{
    const char *text = getenv("CLQ_TEST_SEED");
    if (text != NULL && text[0] != '\0') {
        seed = strtoull(text, NULL, 0);
    } else {
        seed = ((uint64_t)time(NULL) << 20 ^ (uint64_t)getpid()) % 1000000000;
    }
}

void check_restart_generator(void)
{
    random_state = seed;
}
