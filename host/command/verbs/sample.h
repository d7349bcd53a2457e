/* SPDX-License-Identifier: Apache-2.0 */
/* The models that `clquant sample` writes: names and shapes (sample_shapes.c), numbers (sample_values.c). */
#ifndef CLQ_HOST_COMMAND_VERBS_SAMPLE_H
#define CLQ_HOST_COMMAND_VERBS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

typedef enum cli_sample_kind {
    CLI_SAMPLE_WEIGHT,    /* bell-shaped, the width differing from one output channel to the next */
    CLI_SAMPLE_DEPTHWISE, /* the same with the very different channels of depthwise convolutions */
    CLI_SAMPLE_GAIN,      /* around 1, positive: the weight of a normalization */
    CLI_SAMPLE_BIAS,      /* around 0 */
    CLI_SAMPLE_MEAN,      /* a running mean */
    CLI_SAMPLE_VARIANCE,  /* a running variance: positive */
    CLI_SAMPLE_COUNTER    /* one I64: batches seen in training */
} cli_sample_kind;

typedef enum cli_sample_type { CLI_SAMPLE_F32, CLI_SAMPLE_F16, CLI_SAMPLE_BF16, CLI_SAMPLE_I64 } cli_sample_type;

typedef struct cli_sample_tensor {
    char name[64];
    cli_sample_type type;
    cli_sample_kind kind;
    float spread; /* standard deviation of weights */
    uint32_t rank;
    uint64_t shape[4];
    uint64_t elements;
    uint64_t bytes;
} cli_sample_tensor;

typedef struct cli_sample_model {
    cli_sample_tensor *tensors;
    size_t count, capacity;
    int failed; /* memory ran out */
} cli_sample_model;

/* "F32" and so on, as in safetensors files. */
const char *cli_sample_type_name(cli_sample_type type);
uint64_t cli_sample_type_bytes(cli_sample_type type);

/*
 * List the tensors of a model. `scale` multiplies the channels of a convolutional network and the number of blocks of
 * a transformer. Returns 0 when there is no model of that name; the caller releases `model` in any case.
 */
int cli_sample_build(const char *name, uint64_t scale, cli_sample_model *model);
void cli_sample_release(cli_sample_model *model);

/*
 * The numbers of one tensor from its first to its last element, the same on every machine: all randomness is integer
 * arithmetic, and each value is an integer times a float, rounded once.
 */
typedef struct cli_sample_stream {
    const cli_sample_tensor *tensor;
    uint64_t random[4]; /* state of xoshiro256++ */
    uint64_t row;       /* elements of an output channel */
    uint64_t row_left;  /* elements left of the current one */
    float factor;       /* value of one unit, here */
    float spread;       /* the same before the output channel's own factor */
} cli_sample_stream;
void cli_sample_begin(cli_sample_stream *stream, const cli_sample_tensor *tensor, uint64_t seed);

/* The next `count` elements as bytes of a safetensors file. `count` is a multiple of CLI_SAMPLE_BLOCK but for the last
 * call. */
enum { CLI_SAMPLE_BLOCK = 4096 };
void cli_sample_next(cli_sample_stream *stream, size_t count, uint8_t *bytes);

#endif
