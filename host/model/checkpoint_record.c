/* SPDX-License-Identifier: Apache-2.0 */
#include "model/checkpoint_record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a line begins with: of a tensor, and of a piece of one. */
static const char *const WORDS[] = {"tensor", "piece"};

/* The numbers of a line, in this order; a tensor that is copied has the first two, and a piece alone the sums. */
enum {
    INDEX,
    HASH_CODES,
    COPIED_NUMBERS,
    FORM = HASH_CODES + CLQ_PARTS, /* hashes of all parts come first */
    NONFINITE_COUNT,
    NONFINITE_FIRST,
    SCALE_LOW,
    SCALE_HIGH,
    ZERO_POINT_LOW,
    ZERO_POINT_HIGH,
    CLIPPED,
    ERROR_MAXIMUM,
    ERROR_INDEX,
    ERROR_MEAN,
    ERROR_SQNR,
    ERROR_COSINE,
    ERROR_EXACT,
    WHOLE_NUMBERS,
    SUMS = WHOLE_NUMBERS,
    NUMBERS = SUMS + sizeof(clq_sums) / sizeof(double)
};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_single(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float single_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static size_t to_numbers(const clq_model_plan_tensor *tensor, const clq_record_hashes *hashes,
                         uint64_t numbers[NUMBERS])
{
    const clq_errors *errors = &tensor->errors;
    numbers[INDEX] = tensor->number;
    numbers[HASH_CODES] = hashes->part[CLQ_PART_CODES];
    if (!tensor->quantized) {
        return COPIED_NUMBERS;
    }
    memcpy(&numbers[HASH_CODES], hashes->part, sizeof hashes->part);
    numbers[FORM] = (uint64_t)tensor->zero_point_form;
    numbers[NONFINITE_COUNT] = tensor->nonfinite.count;
    numbers[NONFINITE_FIRST] = tensor->nonfinite.first_index;
    numbers[SCALE_LOW] = bits_of_single(tensor->scale_low);
    numbers[SCALE_HIGH] = bits_of_single(tensor->scale_high);
    numbers[ZERO_POINT_LOW] = (uint32_t)tensor->zero_point_low;
    numbers[ZERO_POINT_HIGH] = (uint32_t)tensor->zero_point_high;
    numbers[CLIPPED] = tensor->clipped;
    numbers[ERROR_MAXIMUM] = bits_of(errors->maximum);
    numbers[ERROR_INDEX] = errors->maximum_index;
    numbers[ERROR_MEAN] = bits_of(errors->mean);
    numbers[ERROR_SQNR] = bits_of(errors->sqnr_db);
    numbers[ERROR_COSINE] = bits_of(errors->cosine);
    numbers[ERROR_EXACT] = errors->exact != 0;
    memcpy(&numbers[SUMS], &tensor->tally.sums, sizeof tensor->tally.sums);
    return tensor->whole != NULL ? NUMBERS : WHOLE_NUMBERS;
}

void clq_record_format(const clq_model_plan_tensor *tensor, const clq_record_hashes *hashes,
                       char line[CLQ_RECORD_BYTES])
{
    uint64_t numbers[NUMBERS];
    const size_t count = to_numbers(tensor, hashes, numbers);
    size_t used = (size_t)snprintf(line, CLQ_RECORD_BYTES, "%s", WORDS[tensor->whole != NULL]);
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(line + used, CLQ_RECORD_BYTES - used, " %" PRIx64, numbers[i]);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many numbers there are, none of more than 64 bits; 0 when it is not such a line. */
static size_t read_numbers(const char *word, const char *line, size_t length, uint64_t numbers[NUMBERS])
{
    size_t at = strlen(word);
    size_t count = 0;
    if (length < at || memcmp(line, word, at) != 0) {
        return 0;
    }
    while (at < length) {
        size_t digits = 0;
        if (line[at++] != ' ' || count == NUMBERS) {
            return 0;
        }
        numbers[count] = 0;
        for (; at < length && line[at] != ' '; at++, digits++) {
            const int digit = hex_digit(line[at]);
            if (digit < 0 || digits == 16) {
                return 0;
            }
            numbers[count] = numbers[count] << 4 | (uint64_t)digit;
        }
        if (digits == 0) {
            return 0;
        }
        count++;
    }
    return count;
}

/* Whether the numbers can be those of a quantized tensor: what is counted or chosen from is checked, reals are not. */
static int are_possible(const clq_model_plan_tensor *tensor, const uint64_t numbers[NUMBERS])
{
    return numbers[FORM] == (uint64_t)tensor->zero_point_form && numbers[NONFINITE_COUNT] <= tensor->elements &&
           numbers[SCALE_LOW] <= UINT32_MAX && numbers[SCALE_HIGH] <= UINT32_MAX &&
           numbers[ZERO_POINT_LOW] <= UINT32_MAX && numbers[ZERO_POINT_HIGH] <= UINT32_MAX &&
           numbers[CLIPPED] <= tensor->elements && numbers[ERROR_EXACT] <= 1 &&
           (numbers[ERROR_INDEX] < tensor->elements || numbers[ERROR_INDEX] == UINT64_MAX);
}

static void from_numbers(clq_model_plan_tensor *tensor, const uint64_t numbers[NUMBERS])
{
    tensor->nonfinite.count = numbers[NONFINITE_COUNT];
    tensor->nonfinite.first_index = numbers[NONFINITE_FIRST];
    tensor->scale_low = single_from_bits((uint32_t)numbers[SCALE_LOW]);
    tensor->scale_high = single_from_bits((uint32_t)numbers[SCALE_HIGH]);
    tensor->zero_point_low = (int32_t)(uint32_t)numbers[ZERO_POINT_LOW];
    tensor->zero_point_high = (int32_t)(uint32_t)numbers[ZERO_POINT_HIGH];
    tensor->clipped = numbers[CLIPPED];
    tensor->errors.maximum = from_bits(numbers[ERROR_MAXIMUM]);
    tensor->errors.maximum_index = numbers[ERROR_INDEX];
    tensor->errors.mean = from_bits(numbers[ERROR_MEAN]);
    tensor->errors.sqnr_db = from_bits(numbers[ERROR_SQNR]);
    tensor->errors.cosine = from_bits(numbers[ERROR_COSINE]);
    tensor->errors.exact = numbers[ERROR_EXACT] != 0;
    tensor->tally = (clq_tally){.elements = tensor->elements,
                                .single = isnan(tensor->errors.mean),
                                .differing = 0,
                                .maximum = tensor->errors.maximum,
                                .maximum_index = tensor->errors.maximum_index};
    memcpy(&tensor->tally.sums, &numbers[SUMS], sizeof tensor->tally.sums);
    tensor->measured = 1;
}

/* The numbers of a line that can be of this plan, or 0. */
static size_t read_record(const char *line, size_t length, const clq_model_plan *plan, uint64_t numbers[NUMBERS])
{
    const int of_pieces = plan->count > 0 && plan->tensors[0].whole != NULL;
    const size_t count = read_numbers(WORDS[of_pieces], line, length, numbers);
    if (count < COPIED_NUMBERS || numbers[INDEX] >= plan->count) {
        return 0;
    }
    if (plan->tensors[numbers[INDEX]].quantized) {
        return count == (size_t)(of_pieces ? NUMBERS : WHOLE_NUMBERS) ? count : 0;
    }
    return count == COPIED_NUMBERS ? count : 0;
}

clq_model_plan_tensor *clq_record_parse(const char *line, size_t length, clq_model_plan *plan,
                                        clq_record_hashes *hashes)
{
    uint64_t numbers[NUMBERS] = {0};
    clq_model_plan_tensor *tensor = NULL;
    if (read_record(line, length, plan, numbers) == 0) {
        return NULL;
    }
    tensor = &plan->tensors[numbers[INDEX]];
    if (tensor->written) {
        return NULL;
    }
    if (tensor->quantized) {
        if (!are_possible(tensor, numbers)) {
            return NULL;
        }
        from_numbers(tensor, numbers);
    }
    memcpy(hashes->part, &numbers[HASH_CODES], sizeof hashes->part);
    tensor->written = 1;
    return tensor;
}

int clq_record_is_of_piece(const char *line, size_t length)
{
    return length > strlen(WORDS[1]) && memcmp(line, WORDS[1], strlen(WORDS[1])) == 0;
}

size_t clq_record_number(const char *line, size_t length, const clq_model_plan *plan)
{
    uint64_t numbers[NUMBERS] = {0};
    return read_record(line, length, plan, numbers) == 0 ? SIZE_MAX : (size_t)numbers[INDEX];
}
