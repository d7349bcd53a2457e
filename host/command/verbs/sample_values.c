/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers for sample models. No function of libm but sqrt (which IEEE-754 defines to the last bit) takes part,
 * and no sum of floats, so neither the C library nor a fused multiply-add can change a byte.
 */
#include <string.h>

#include "command/verbs/sample.h"
#include "core/half.h"

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* xoshiro256++ 1.0 (David Blackman and Sebastiano Vigna, public domain). */
static uint64_t next_random(uint64_t *s)
{
    const uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* splitmix64, for the first state. */
static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* FNV-1a: each tensor has random numbers of its own, whatever stands before it in the file. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    }
    return hash;
}

/*
 * Nearly normal, mean 0 and standard deviation 65536: the sum of twelve uniform numbers of 16 bits, four from each
 * random word, less its mean. The variance of one is 65536^2 / 12.
 */
static int32_t next_normal(uint64_t *random)
{
    const uint64_t even_lanes = UINT64_C(0x0000FFFF0000FFFF);
    uint64_t sum = 0; /* two sums of six numbers, in the halves */
    for (int i = 0; i < 3; i++) {
        const uint64_t word = next_random(random);
        sum += (word & even_lanes) + (word >> 16 & even_lanes);
    }
    return (int32_t)((sum & 0xFFFFFFFFu) + (sum >> 32)) - 6 * 65535;
}

void cli_sample_begin(cli_sample_stream *stream, const cli_sample_tensor *tensor, uint64_t seed)
{
    uint64_t state = seed ^ hash_name(tensor->name);
    memset(stream, 0, sizeof *stream);
    stream->tensor = tensor;
    for (int i = 0; i < 4; i++) {
        stream->random[i] = split_mix(&state);
    }
    stream->row = tensor->rank > 1 ? tensor->elements / tensor->shape[0] : tensor->elements;
    /* Trained layers are narrower or wider than what they started from: 0.5 to 1.5 times. */
    stream->spread = tensor->spread * ((float)(32 + next_random(stream->random) % 65) * 0x1p-6f);
}

/* An output channel's own width: 0.5 to 2 times the layer's, for depthwise ones 0.125 to 4. */
static void begin_row(cli_sample_stream *stream)
{
    const uint64_t random = next_random(stream->random);
    const uint64_t sixtyfourths = stream->tensor->kind == CLI_SAMPLE_DEPTHWISE ? 8 + random % 249 : 32 + random % 97;
    stream->factor = stream->spread * ((float)sixtyfourths * 0x1p-22f); /* 2^-6, and 2^-16 for next_normal */
    stream->row_left = stream->row;
}

static void fill_weights(cli_sample_stream *stream, size_t count, float *values)
{
    const uint64_t random = next_random(stream->random);
    size_t done = 0;
    while (done < count) {
        size_t run = count - done;
        if (stream->row_left == 0) {
            begin_row(stream);
        }
        run = run < stream->row_left ? run : (size_t)stream->row_left;
        for (size_t i = 0; i < run; i++) {
            values[done + i] = (float)next_normal(stream->random) * stream->factor;
        }
        done += run;
        stream->row_left -= run;
    }
    /* One outlier in a block, 4 to 7 times as large as it would be. */
    values[(random >> 32) % count] *= (float)(4 + random % 4);
}

/* The value of one element of a normalization, in units of 2^-16. */
static int32_t next_unit(cli_sample_stream *stream)
{
    switch (stream->tensor->kind) {
    case CLI_SAMPLE_GAIN: {
        const int32_t gain = 65536 + next_normal(stream->random) / 4;
        return gain > 3277 ? gain : 3277;
    }
    case CLI_SAMPLE_VARIANCE: {
        const uint32_t uniform = (uint32_t)(next_random(stream->random) >> 48);
        return (int32_t)(4096 + (uniform * uniform >> 15)); /* many small ones, a few up to 2 */
    }
    case CLI_SAMPLE_MEAN:
        return next_normal(stream->random) / 3;
    default:
        return next_normal(stream->random) / 10;
    }
}

/* Little-endian, whatever the machine is. */
static void put_bytes(uint8_t *bytes, uint64_t value, int count)
{
    for (int i = 0; i < count; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static void store_block(cli_sample_type type, const float *values, size_t count, uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (type == CLI_SAMPLE_F32) {
            put_bytes(bytes + 4 * i, clq_bits_from_float(values[i]), 4);
        } else {
            put_bytes(bytes + 2 * i,
                      type == CLI_SAMPLE_F16 ? clq_half_from_float(values[i]) : clq_bfloat_from_float(values[i]), 2);
        }
    }
}

void cli_sample_next(cli_sample_stream *stream, size_t count, uint8_t *bytes)
{
    const cli_sample_tensor *tensor = stream->tensor;
    float values[CLI_SAMPLE_BLOCK];
    if (tensor->kind == CLI_SAMPLE_COUNTER) {
        put_bytes(bytes, 125000, 8);
        return;
    }
    for (size_t done = 0; done < count; done += CLI_SAMPLE_BLOCK) {
        const size_t block = count - done < CLI_SAMPLE_BLOCK ? count - done : CLI_SAMPLE_BLOCK;
        if (tensor->kind == CLI_SAMPLE_WEIGHT || tensor->kind == CLI_SAMPLE_DEPTHWISE) {
            fill_weights(stream, block, values);
        } else {
            for (size_t i = 0; i < block; i++) {
                values[i] = (float)next_unit(stream) * 0x1p-16f;
            }
        }
        store_block(tensor->type, values, block, bytes + done * cli_sample_type_bytes(tensor->type));
    }
}
