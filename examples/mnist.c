/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trained network on int8, from its weights to the digits it sees:
 *
 *     mnist FIRST.npy SECOND.npy [DEVICE]
 *
 * FIRST is 128 x 784 and SECOND 10 x 128 of f32: the weights of a network of two layers without biases, a leaky ReLU of
 * 0.01 between them, that was trained on the digits of MNIST, pixels from 0 (paper) to 1 (ink). Out of a file of yours:
 *
 *     clquant dequantize MODEL.safetensors --tensor l1.weight -o first.npy
 *
 * DEVICE is what clq_context_create takes. The weights are quantized and packed once. Then, for a batch of images, each
 * layer is two calls: one chooses a scale and a zero point for every image and makes its codes, one multiplies. Scales
 * and zero points go from call to call in the device's memory. The host sees the hidden layer, for its activation, and
 * the logits, which it compares with those of the network in float.
 *
 * Returns 0 when both networks see the same digits, but for at most one image in sixteen.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <clquant/clquant.h>

#include "digits.h"

enum { IMAGES = 64, PIXELS = DIGIT_PIXELS, HIDDEN = 128, DIGITS = 10 };

static const float slope = 0.01f; /* of the leaky ReLU between the layers; the file does not tell it */

/* What lies on the host. */
typedef struct host_data {
    float first[HIDDEN * PIXELS], second[DIGITS * HIDDEN]; /* weights, a row for each output */
    float images[IMAGES * PIXELS], hidden[IMAGES * HIDDEN];
    float logits[IMAGES * DIGITS], wanted[IMAGES * DIGITS];
} host_data;

/* An f32 matrix on the device, and what quantize_rows makes of it: codes, with scale and zero point for each row. */
typedef struct matrix {
    uint64_t rows, columns;
    clq_operand values, codes, scale, zero_point, range, nonfinite;
} matrix;

typedef struct layer {
    uint64_t inputs, outputs;
    clq_gemm_weights *weights;
    clq_operand scale; /* of the weights of each output */
} layer;

typedef struct network {
    matrix images, hidden;
    layer first, second;
    clq_operand logits;
} network;

/* Calls that may fail are chained with ||, which stops at the first that is not CLQ_OK; `e` then tells the story. */
static int create_matrix(clq_context *context, uint64_t rows, uint64_t columns, matrix *m, clq_error *e)
{
    m->rows = rows;
    m->columns = columns;
    return clq_buffer_create(context, rows * columns * sizeof(float), &m->values.buffer, e) ||
           clq_buffer_create(context, rows * columns, &m->codes.buffer, e) ||
           clq_buffer_create(context, rows * sizeof(float), &m->scale.buffer, e) ||
           clq_buffer_create(context, rows * sizeof(int32_t), &m->zero_point.buffer, e) ||
           clq_buffer_create(context, rows * 2 * sizeof(float), &m->range.buffer, e) ||
           clq_buffer_create(context, sizeof(clq_nonfinite), &m->nonfinite.buffer, e);
}

static void destroy_matrix(matrix *m)
{
    clq_operand *const all[] = {&m->values, &m->codes, &m->scale, &m->zero_point, &m->range, &m->nonfinite};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clq_buffer_destroy(&all[i]->buffer);
    }
}

/* Range, scale, zero point and codes of every row; nothing comes back to the host. */
static int quantize_rows(clq_context *context, matrix *m, clq_preset preset, clq_dtype dtype, clq_error *e)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = m->rows;
    q.layout.shape[1] = m->columns;
    q.layout.granularity = CLQ_PER_CHANNEL; /* of axis 0: a row */
    return clq_scheme_from_preset(preset, dtype, &q.scheme, e) ||
           clq_dynamic_quantize(context, &q, m->values, m->codes, m->scale, m->zero_point, m->range, m->nonfinite, e);
}

/* images (u8, a zero point each) x weights (s8, symmetric: no zero point) -> f32 */
static clq_gemm_problem product_of(const layer *l)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.m = IMAGES;
    p.n = l->outputs;
    p.k = l->inputs;
    p.a.dtype = CLQ_U8;
    p.a_zero_point = CLQ_GEMM_PER_ROW;
    p.a_scale = CLQ_GEMM_PER_ROW;
    p.b.transposed = 1; /* the rows in memory are B's columns */
    p.b_scale = CLQ_GEMM_PER_COLUMN;
    p.c.dtype = CLQ_F32;
    return p;
}

/* Quantize the weights with one scale for each output, and pack them. */
static int create_layer(clq_context *context, const float *weights, uint64_t inputs, uint64_t outputs, layer *l,
                        clq_error *e)
{
    const clq_operand no_zero_point = {NULL, 0};
    clq_gemm_problem problem;
    matrix m = {0};
    int bad;
    l->inputs = inputs;
    l->outputs = outputs;
    problem = product_of(l);
    bad = create_matrix(context, outputs, inputs, &m, e) ||
          clq_buffer_write(m.values.buffer, 0, weights, outputs * inputs * sizeof(float), e) ||
          quantize_rows(context, &m, CLQ_PRESET_SYMMETRIC, CLQ_S8, e) ||
          clq_gemm_weights_create(context, &problem, m.codes, no_zero_point, &l->weights, e);
    l->scale = m.scale; /* the only part that is still needed */
    m.scale.buffer = NULL;
    destroy_matrix(&m);
    return bad;
}

static int create_network(clq_context *context, const host_data *host, network *n, clq_error *e)
{
    return create_matrix(context, IMAGES, PIXELS, &n->images, e) ||
           create_matrix(context, IMAGES, HIDDEN, &n->hidden, e) ||
           clq_buffer_create(context, sizeof host->logits, &n->logits.buffer, e) ||
           create_layer(context, host->first, PIXELS, HIDDEN, &n->first, e) ||
           create_layer(context, host->second, HIDDEN, DIGITS, &n->second, e);
}

static void destroy_network(network *n)
{
    destroy_matrix(&n->images);
    destroy_matrix(&n->hidden);
    clq_buffer_destroy(&n->logits.buffer);
    clq_gemm_weights_destroy(&n->first.weights);
    clq_gemm_weights_destroy(&n->second.weights);
    clq_buffer_destroy(&n->first.scale.buffer);
    clq_buffer_destroy(&n->second.scale.buffer);
}

static int run_layer(clq_context *context, const layer *l, matrix *input, clq_operand output, clq_error *e)
{
    const clq_gemm_problem problem = product_of(l);
    clq_gemm_operands o = {0};
    o.struct_size = sizeof o;
    o.a = input->codes;
    o.a_scale = input->scale;
    o.a_zero_point = input->zero_point;
    o.weights = l->weights;
    o.b_scale = l->scale;
    o.c = output;
    return quantize_rows(context, input, CLQ_PRESET_ONNX, CLQ_U8, e) || clq_gemm(context, &problem, &o, e);
}

static float leaky_relu(float x)
{
    return x < 0.0f ? slope * x : x;
}

/*
 * clq_gemm clamps, so that ReLU is problem.minimum = 0; a leaky one it does not have. The mapped buffer is the memory
 * of the device itself on CPU devices and the reference, which costs no copy. Elsewhere a kernel of one's own belongs
 * here (clquant/opencl.h), for the map waits for the device and copies there and back.
 */
static int activate(clq_buffer *buffer, size_t count, clq_error *e)
{
    void *memory = NULL;
    float *x;
    if (clq_buffer_map(buffer, &memory, e)) {
        return 1;
    }
    x = memory;
    for (size_t i = 0; i < count; i++) {
        x[i] = leaky_relu(x[i]);
    }
    return clq_buffer_unmap(buffer, e) != CLQ_OK;
}

static int run_network(clq_context *context, network *n, host_data *host, clq_error *e)
{
    return clq_buffer_write(n->images.values.buffer, 0, host->images, sizeof host->images, e) ||
           run_layer(context, &n->first, &n->images, n->hidden.values, e) ||
           activate(n->hidden.values.buffer, IMAGES * HIDDEN, e) ||
           run_layer(context, &n->second, &n->hidden, n->logits, e) ||
           clq_buffer_read(n->logits.buffer, 0, host->logits, sizeof host->logits, e);
}

/* y = x * transpose(weights) in float, for comparison. */
static void multiply(const float *x, const float *weights, size_t inputs, size_t outputs, float *y)
{
    for (size_t i = 0; i < IMAGES; i++) {
        for (size_t j = 0; j < outputs; j++) {
            float sum = 0.0f;
            for (size_t k = 0; k < inputs; k++) {
                sum += x[i * inputs + k] * weights[j * inputs + k];
            }
            y[i * outputs + j] = sum;
        }
    }
}

static void run_in_float(host_data *host)
{
    multiply(host->images, host->first, PIXELS, HIDDEN, host->hidden);
    for (size_t i = 0; i < IMAGES * HIDDEN; i++) {
        host->hidden[i] = leaky_relu(host->hidden[i]);
    }
    multiply(host->hidden, host->second, HIDDEN, DIGITS, host->wanted);
}

static int digit_of(const float *logits)
{
    int best = 0;
    for (int i = 1; i < DIGITS; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

/* Print what was drawn and what either network sees; the number of images on which they agree. */
static int report(const host_data *host)
{
    char in_float[IMAGES + 1] = {0};
    char in_int8[IMAGES + 1] = {0};
    double signal = 0.0;
    double noise = 0.0;
    int agreed = 0;
    for (int i = 0; i < IMAGES; i++) {
        in_float[i] = (char)('0' + digit_of(host->wanted + i * DIGITS));
        in_int8[i] = (char)('0' + digit_of(host->logits + i * DIGITS));
        agreed += in_float[i] == in_int8[i];
    }
    for (int i = 0; i < IMAGES * DIGITS; i++) {
        const double error = (double)(host->logits[i] - host->wanted[i]);
        signal += (double)host->wanted[i] * (double)host->wanted[i];
        noise += error * error;
    }
    printf("drawn  ");
    for (int i = 0; i < IMAGES; i++) {
        printf("%d", i % DIGITS);
    }
    printf("\nfloat  %s\nint8   %s\n", in_float, in_int8);
    printf("the networks agree on %d of %d images, the logits differ by %.2f%% (rms)\n", agreed, IMAGES,
           100.0 * sqrt(noise / signal));
    return agreed;
}

/* A .npy file of version 1.0: 10 bytes, the last two of which tell how long the text is that follows, and the data. */
static int read_array(const char *path, const char *shape, float *values, size_t count, clq_error *e)
{
    unsigned char head[10] = {0};
    char text[1024] = "";
    FILE *file = fopen(path, "rb");
    size_t length = file != NULL && fread(head, 1, sizeof head, file) == sizeof head ? head[8] + 256u * head[9] : 0;
    const int fine = length > 0 && length < sizeof text && memcmp(head, "\x93NUMPY\1", 7) == 0 &&
                     fread(text, 1, length, file) == length && strstr(text, "'<f4'") != NULL &&
                     strstr(text, "'fortran_order': False") != NULL && strstr(text, shape) != NULL &&
                     fread(values, sizeof *values, count, file) == count;
    if (file != NULL) {
        fclose(file);
    }
    if (!fine) {
        e->status = CLQ_BAD_FILE;
        snprintf(e->message, sizeof e->message, "%s is no array of %s f32", path, shape);
    }
    return !fine;
}

static int load(const char *first, const char *second, host_data *host, clq_error *e)
{
    for (unsigned i = 0; i < IMAGES; i++) {
        digit_draw(i % DIGITS, i, host->images + i * PIXELS);
    }
    return read_array(first, "(128, 784)", host->first, HIDDEN * PIXELS, e) ||
           read_array(second, "(10, 128)", host->second, DIGITS * HIDDEN, e);
}

int main(int argc, char **argv)
{
    static host_data host;
    clq_context *context = NULL;
    network n = {0};
    clq_error e = {0};
    int bad;
    if (argc < 3) {
        fprintf(stderr, "usage: %s FIRST.npy SECOND.npy [DEVICE]\n", argv[0]);
        return 1;
    }
    bad = load(argv[1], argv[2], &host, &e) || clq_context_create(argc > 3 ? argv[3] : "auto", &context, &e) ||
          create_network(context, &host, &n, &e) || run_network(context, &n, &host, &e);
    destroy_network(&n);
    clq_context_destroy(&context);
    if (bad) {
        fprintf(stderr, "%s: %s\n", clq_status_name(e.status), e.message);
        return 1;
    }
    run_in_float(&host);
    return report(&host) >= IMAGES - IMAGES / 16 ? 0 : 1;
}
