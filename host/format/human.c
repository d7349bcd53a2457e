/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes and shapes as text. */
#include "format/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int reads_back(const char *text, double value, int single)
{
    return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* "1e+06" -> "1e6", "1e-05" -> "1e-5". */
static void shorten_exponent(char *text)
{
    char *exponent = strchr(text, 'e');
    char *digits = NULL;
    char *kept = NULL;
    if (exponent == NULL) {
        return;
    }
    kept = exponent + 1;
    digits = kept + 1;
    if (*kept == '-') {
        kept++;
    }
    while (*digits == '0') {
        digits++;
    }
    memmove(kept, digits, strlen(digits) + 1);
}

/*
 * A decimal of at most 15 digits (6 for float) survives the way to binary and back, so when one reads back as `value`,
 * %g with that many digits finds it and drops its zeros; otherwise more digits are tried.
 */
void clq_format_double(char *out, size_t capacity, double value, int single)
{
    const int least = single ? 6 : 15;
    const int most = single ? 9 : 17;
    if (!isfinite(value)) {
        snprintf(out, capacity, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    /* Whole numbers of moderate size read better without an exponent. */
    if (fabs(value) < 1e15 && value == floor(value) && (!single || fabs(value) < 16777216.0)) {
        snprintf(out, capacity, "%.0f", value);
        return;
    }
    for (int digits = least; digits <= most; digits++) {
        snprintf(out, capacity, "%.*g", digits, value);
        if (reads_back(out, value, single)) {
            break;
        }
    }
    shorten_exponent(out);
}

void clq_format_bytes(char *out, size_t capacity, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    if (bytes < 1024) {
        snprintf(out, capacity, "%u B", (unsigned)bytes);
        return;
    }
    /* 1023.95 would be printed as 1024.0. */
    while (value >= 1023.95) {
        value /= 1024.0;
        unit++;
    }
    snprintf(out, capacity, "%.1f %s", value, units[unit > 0 ? unit : 1]);
}

void clq_format_shape(char *out, size_t capacity, uint32_t rank, const uint64_t *shape)
{
    size_t used = 0;
    snprintf(out, capacity, "[");
    for (uint32_t i = 0; i <= rank; i++) {
        used = strlen(out);
        if (i < rank) {
            snprintf(out + used, capacity - used, "%s%llu", i > 0 ? ", " : "", (unsigned long long)shape[i]);
        } else {
            snprintf(out + used, capacity - used, "]");
        }
    }
}
