/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from the command line: all of the text or nothing. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/numbers.h"

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at *text as a number; *text is moved behind them. */
static int take_digits(const char **text, uint64_t *value)
{
    uint64_t sum = 0;
    if (!is_digit(**text)) {
        return 0;
    }
    for (; is_digit(**text); (*text)++) {
        if (!clq_size_multiply(sum, 10, &sum) || !clq_size_add(sum, (uint64_t)(**text - '0'), &sum)) {
            return 0;
        }
    }
    *value = sum;
    return 1;
}

int clq_parse_u64(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value)
{
    uint64_t number = 0;
    if (!take_digits(&text, &number) || *text != '\0' || number < minimum || number > maximum) {
        return 0;
    }
    *value = number;
    return 1;
}

int clq_parse_i64(const char *text, int64_t minimum, int64_t maximum, int64_t *value)
{
    const int negative = *text == '-';
    uint64_t magnitude = 0;
    int64_t number = 0;
    /* -2^63 itself is not needed by any option, so the magnitude always fits. */
    if (!clq_parse_u64(text + negative, 0, INT64_MAX, &magnitude)) {
        return 0;
    }
    number = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (number < minimum || number > maximum) {
        return 0;
    }
    *value = number;
    return 1;
}

int clq_parse_double(const char *text, double *value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    char *end = NULL;
    double number = 0.0;
    /* strtod would also take leading blanks, "nan" and "inf". */
    if (!is_digit(*digits) && *digits != '.') {
        return 0;
    }
    errno = 0;
    number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number)) {
        return 0;
    }
    *value = number;
    return 1;
}

int clq_parse_range(const char *text, double *lo, double *hi)
{
    const char *colon = strchr(text, ':');
    char first[64];
    if (colon == NULL || (size_t)(colon - text) >= sizeof first) {
        return 0;
    }
    memcpy(first, text, (size_t)(colon - text));
    first[colon - text] = '\0';
    return clq_parse_double(first, lo) && clq_parse_double(colon + 1, hi) && *lo <= *hi;
}

int clq_parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    uint64_t number = 0;
    if (!take_digits(&text, &number)) {
        return 0;
    }
    if (*text != '\0') {
        const char *unit = strchr(units, *text);
        if (unit == NULL || !clq_size_multiply(number, UINT64_C(1) << (10 * (unit - units + 1)), &number)) {
            return 0;
        }
        text++;
        if (*text != '\0' && strcmp(text, "i") != 0 && strcmp(text, "iB") != 0) {
            return 0;
        }
    }
    *bytes = number;
    return 1;
}
