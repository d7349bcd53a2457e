/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "oracle.h"

enum { GUARD_BYTES = 128, GUARD = 0xAA };

/* ---- the generator: splitmix64 ---- */

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

static void set_seed(void)
{
    const char *text = getenv("CLQ_TEST_SEED");
    if (text != NULL && text[0] != '\0') {
        seed = strtoull(text, NULL, 0);
    } else {
        seed = ((uint64_t)time(NULL) << 20 ^ (uint64_t)getpid()) % 1000000000;
    }
}

/* ---- memory and messages ---- */

void *check_allocate(uint64_t bytes)
{
    void *memory = malloc(bytes > 0 ? (size_t)bytes : 1);
    if (memory == NULL) {
        fail_msg("no memory for %" PRIu64 " bytes", bytes);
    }
    return memory;
}

void check_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void check_ok(clq_status status, const clq_error *error, const char *what)
{
    if (status != CLQ_OK) {
        check_print("%s: %s: %s", what, clq_status_name(status), error->message);
        if (error->opencl_call[0] != '\0') {
            check_print("    %s gave %" PRId32, error->opencl_call, error->opencl_code);
        }
        if (error->build_log[0] != '\0') {
            check_print("%s", error->build_log);
        }
        fail_msg("%s failed (seed %" PRIu64 ")", what, seed);
    }
}

/* ---- devices ---- */

static clq_context *reference;
static clq_context *device;
static int something_skipped;

clq_context *check_reference(void)
{
    return reference;
}

clq_context *check_device(void)
{
    return device;
}

/* Every line of kernels.def; a name is tried once for each operation that has it. */
static const struct {
    clq_operation operation;
    const char *variant;
} kernels[] = {
#define CLQ_KERNEL(operation, variant, file, kernel, contract) {operation, variant},
#include "../kernels/kernels.def"
#undef CLQ_KERNEL
};

enum { MAX_VARIANTS = 16 };
static const char *variants[MAX_VARIANTS];
static size_t variant_count;
static uint64_t times_run[CLQ_OP_COUNT][MAX_VARIANTS];

static void collect_variants(void)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        size_t v = 0;
        while (v < variant_count && strcmp(variants[v], kernels[i].variant) != 0) {
            v++;
        }
        if (v == variant_count && variant_count < MAX_VARIANTS) {
            variants[variant_count++] = kernels[i].variant;
        }
    }
}

size_t check_variant_count(void)
{
    return variant_count;
}

const char *check_variant(size_t index)
{
    return variants[index];
}

static void print_log(void *cookie, clq_log_level level, const char *message)
{
    (void)cookie;
    if (level <= CLQ_LOG_WARNING) {
        check_print("device: %s", message);
    }
}

/* Only a device that does not exist may be missing; one that fails to start is a failure. */
static int open_contexts(void **state)
{
    const char *spec = getenv("CLQ_TEST_DEVICE");
    clq_device_info info;
    clq_error error;
    clq_status status;
    (void)state;
    collect_variants();
    status = clq_context_create(&reference, "reference", &error);
    if (status != CLQ_OK) {
        check_print("no reference context: %s", error.message);
        return -1;
    }
    status = clq_context_create(&device, spec != NULL && spec[0] != '\0' ? spec : "auto", &error);
    if (status == CLQ_NO_DEVICE) {
        check_print("no device: %s", error.message);
        return 0;
    }
    if (status != CLQ_OK) {
        check_print("the device cannot be used: %s: %s\n%s", clq_status_name(status), error.message, error.build_log);
        return -1;
    }
    clq_context_device(device, &info);
    if (info.type == CLQ_DEVICE_REFERENCE) {
        clq_context_destroy(&device);
        check_print("no OpenCL device");
        return 0;
    }
    clq_context_set_log(device, print_log, NULL);
    check_print("device: %s (%s, %s)", info.name, info.platform_name, info.driver);
    return 0;
}

/* How often each kernel ran: one that never does is not tested. */
static void print_times_run(void)
{
    for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
        for (size_t v = 0; v < variant_count; v++) {
            if (times_run[operation][v] != 0) {
                check_print("%s %s: %" PRIu64 " cases", clq_operation_name((clq_operation)operation), variants[v],
                            times_run[operation][v]);
            }
        }
    }
}

static int close_contexts(void **state)
{
    (void)state;
    print_times_run();
    clq_context_destroy(&device);
    clq_context_destroy(&reference);
    return 0;
}

void check_skip(const char *why)
{
    check_print("skipped: %s", why);
    something_skipped = 1;
    skip();
}

void check_needs_device(void)
{
    const char *required = getenv("CLQ_REQUIRE_DEVICE");
    if (device != NULL) {
        return;
    }
    if (required != NULL && strcmp(required, "1") == 0) {
        fail_msg("no OpenCL device, and CLQ_REQUIRE_DEVICE=1");
    }
    check_skip("there is no OpenCL device; the reference alone was checked");
}

/* ---- operations ---- */

typedef struct operand_use {
    unsigned inputs;
    unsigned outputs;
} operand_use;

#define BIT(operand) (1u << (operand))

static operand_use use_of(clq_operation operation)
{
    const unsigned parameters = BIT(CHECK_SCALE) | BIT(CHECK_ZERO_POINT);
    operand_use use = {0, 0};
    switch (operation) {
    case CLQ_OP_MINMAX:
        use.inputs = BIT(CHECK_X);
        use.outputs = BIT(CHECK_RANGE) | BIT(CHECK_NONFINITE);
        break;
    case CLQ_OP_QUANTIZE:
        use.inputs = BIT(CHECK_X) | parameters;
        use.outputs = BIT(CHECK_CODES);
        break;
    case CLQ_OP_DEQUANTIZE:
        use.inputs = BIT(CHECK_CODES) | parameters;
        use.outputs = BIT(CHECK_Y);
        break;
    case CLQ_OP_FAKE_QUANTIZE:
        use.inputs = BIT(CHECK_X) | parameters;
        use.outputs = BIT(CHECK_Y);
        break;
    case CLQ_OP_CHOOSE_PARAMETERS:
        use.inputs = BIT(CHECK_RANGE);
        use.outputs = parameters;
        break;
    case CLQ_OP_DYNAMIC_QUANTIZE:
        use.inputs = BIT(CHECK_X);
        use.outputs = BIT(CHECK_CODES) | parameters | BIT(CHECK_RANGE) | BIT(CHECK_NONFINITE);
        break;
    case CLQ_OP_COUNT:
        break;
    }
    return use;
}

static const char *operand_name(check_operand operand)
{
    static const char *const names[CHECK_OPERANDS] = {"x", "y", "codes", "scale", "zero_point", "range", "nonfinite"};
    return names[operand];
}

static uint64_t stored_bytes(const check_case *c, check_operand operand, uint64_t count)
{
    const uint32_t code_bits = clq_dtype_bits(c->q.scheme.dtype);
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
        return count * (c->q.real == CLQ_F32 ? 4 : 2);
    case CHECK_CODES:
        return (count * code_bits + 7) / 8;
    case CHECK_NONFINITE:
        return count * sizeof(clq_nonfinite);
    default:
        return count * 4;
    }
}

static void count_layout(const check_case *c, uint64_t *elements, uint64_t *parameters)
{
    clq_error error;
    check_ok(clq_layout_count(&c->q.layout, elements, parameters, &error), &error, c->name);
}

uint64_t check_operand_bytes(const check_case *c, check_operand operand)
{
    const operand_use use = use_of(c->operation);
    uint64_t elements = 0;
    uint64_t parameters = 0;
    count_layout(c, &elements, &parameters);
    if (((use.inputs | use.outputs) & BIT(operand)) == 0) {
        return 0;
    }
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
    case CHECK_CODES:
        return stored_bytes(c, operand, elements);
    case CHECK_RANGE:
        return stored_bytes(c, operand, 2 * parameters);
    case CHECK_NONFINITE:
        return stored_bytes(c, operand, 1);
    default:
        return stored_bytes(c, operand, parameters);
    }
}

void check_case_init(check_case *c, const char *name, clq_operation operation)
{
    memset(c, 0, sizeof *c);
    c->name = name;
    c->operation = operation;
    clq_quantization_init(&c->q);
}

static const char *granularity_text(const clq_layout *layout, char text[64])
{
    if (layout->granularity == CLQ_PER_CHANNEL) {
        snprintf(text, 64, "per channel of axis %" PRIu32, layout->axis);
    } else if (layout->granularity == CLQ_PER_GROUP) {
        snprintf(text, 64, "per group of %" PRIu64, layout->group_size);
    } else {
        snprintf(text, 64, "per tensor");
    }
    return text;
}

static void print_case(const check_case *c, const char *where)
{
    const clq_scheme *s = &c->q.scheme;
    char text[256] = "";
    char granularity[64];
    size_t used = 0;
    for (uint32_t d = 0; d < c->q.layout.rank; d++) {
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu64, d == 0 ? "" : ", ", c->q.layout.shape[d]);
    }
    check_print("%s: %s on %s (seed %" PRIu64 ")", c->name, clq_operation_name(c->operation), where, seed);
    check_print("    shape [%s], %s, %s -> %s, codes %" PRId32 " to %" PRId32 "%s", text,
                granularity_text(&c->q.layout, granularity), clq_dtype_name(c->q.real), clq_dtype_name(s->dtype),
                s->qmin, s->qmax, c->in_place ? ", in place" : "");
    check_print("    rounding %s, zero point %s, %s", s->rounding == CLQ_ROUND_EVEN ? "even" : "away",
                s->zero_point_order == CLQ_ZERO_POINT_AFTER ? "after" : "before",
                s->arithmetic == CLQ_DIVIDE ? "divide" : "reciprocal");
    check_print("    range: symmetric %" PRId32 ", widen %" PRId32 ", divisor %.17g, minimum width %.17g, scale %.17g",
                s->symmetric, s->widen_to_zero, s->divisor, s->minimum_width, s->minimum_scale);
    check_print("    zero point: rule %d, fixed %" PRId32 ", rounding %d, clamp %" PRId32 " [%" PRId32 ", %" PRId32
                "], precision %d, degenerate %d",
                (int)s->zero_point_rule, s->zero_point_fixed, (int)s->zero_point_rounding, s->zero_point_clamp,
                s->zero_point_min, s->zero_point_max, (int)s->precision, (int)s->degenerate);
    check_print("    offsets x %" PRIu64 ", y %" PRIu64 ", codes %" PRIu64 ", scale %" PRIu64 ", zero_point %" PRIu64
                ", range %" PRIu64,
                c->offset[CHECK_X], c->offset[CHECK_Y], c->offset[CHECK_CODES], c->offset[CHECK_SCALE],
                c->offset[CHECK_ZERO_POINT], c->offset[CHECK_RANGE]);
}

static void print_f32(const char *what, uint32_t bits)
{
    check_print("    %s 0x%08" PRIx32 " (%.9g)", what, bits, (double)oracle_float(bits));
}

static uint32_t word_at(const void *array, uint64_t index)
{
    return oracle_load_real(CLQ_F32, array, index);
}

/* All that decided the value of element `index` of an elementwise operation. */
static void print_inputs_of_element(const check_case *c, const void *scale, const void *zero_point, uint64_t index)
{
    const uint64_t p = oracle_parameter(&c->q.layout, index);
    if (c->in[CHECK_X] != NULL) {
        const uint32_t pattern = oracle_load_real(c->q.real, c->in[CHECK_X], index);
        check_print("    x pattern 0x%" PRIx32, pattern);
        print_f32("x", oracle_widen(c->q.real, pattern));
    }
    if (c->in[CHECK_CODES] != NULL) {
        check_print("    code %" PRId32, oracle_load_code(c->q.scheme.dtype, c->in[CHECK_CODES], index));
    }
    if (scale != NULL && zero_point != NULL) {
        check_print("    parameter %" PRIu64, p);
        print_f32("scale", word_at(scale, p));
        check_print("    zero point %" PRId32, (int32_t)word_at(zero_point, p));
    }
}

static void print_range_of_parameter(const check_case *c, const check_result *result, uint64_t p)
{
    const void *range = c->in[CHECK_RANGE] != NULL ? c->in[CHECK_RANGE] : result->out[CHECK_RANGE];
    if (range != NULL) {
        print_f32("lo", word_at(range, 2 * p));
        print_f32("hi", word_at(range, 2 * p + 1));
    }
}

static void report_difference(const check_case *c, const char *where, check_operand operand, uint64_t index,
                              const check_result *want, const check_result *got)
{
    const void *a = want->out[operand];
    const void *b = got->out[operand];
    const void *scale = c->in[CHECK_SCALE] != NULL ? c->in[CHECK_SCALE] : want->out[CHECK_SCALE];
    const void *zero_point = c->in[CHECK_ZERO_POINT] != NULL ? c->in[CHECK_ZERO_POINT] : want->out[CHECK_ZERO_POINT];
    print_case(c, where);
    check_print("    %s[%" PRIu64 "] differs", operand_name(operand), index);
    switch (operand) {
    case CHECK_CODES:
        check_print("    got %" PRId32 ", want %" PRId32, oracle_load_code(c->q.scheme.dtype, b, index),
                    oracle_load_code(c->q.scheme.dtype, a, index));
        print_inputs_of_element(c, scale, zero_point, index);
        break;
    case CHECK_X:
    case CHECK_Y:
        print_f32("got ", oracle_widen(c->q.real, oracle_load_real(c->q.real, b, index)));
        print_f32("want", oracle_widen(c->q.real, oracle_load_real(c->q.real, a, index)));
        print_inputs_of_element(c, scale, zero_point, index);
        break;
    case CHECK_ZERO_POINT:
        check_print("    got %" PRId32 ", want %" PRId32, (int32_t)word_at(b, index), (int32_t)word_at(a, index));
        print_range_of_parameter(c, want, index);
        break;
    case CHECK_SCALE:
        print_f32("got ", word_at(b, index));
        print_f32("want", word_at(a, index));
        print_range_of_parameter(c, want, index);
        break;
    case CHECK_RANGE:
        print_f32("got ", word_at(b, index));
        print_f32("want", word_at(a, index));
        break;
    default:
        check_print("    got count %" PRIu64 ", first %" PRIu64 "; want count %" PRIu64 ", first %" PRIu64,
                    ((const clq_nonfinite *)b)->count, ((const clq_nonfinite *)b)->first_index,
                    ((const clq_nonfinite *)a)->count, ((const clq_nonfinite *)a)->first_index);
        break;
    }
    fail_msg("%s: %s differs on %s", c->name, operand_name(operand), where);
}

static int element_differs(const check_case *c, check_operand operand, uint64_t index, const void *a, const void *b)
{
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
        return oracle_load_real(c->q.real, a, index) != oracle_load_real(c->q.real, b, index);
    case CHECK_CODES:
        return oracle_load_code(c->q.scheme.dtype, a, index) != oracle_load_code(c->q.scheme.dtype, b, index);
    case CHECK_NONFINITE:
        return memcmp(a, b, sizeof(clq_nonfinite)) != 0;
    default:
        return word_at(a, index) != word_at(b, index);
    }
}

/* Causes before effects: a wrong range is told before the wrong codes it leads to. */
static const check_operand report_order[] = {CHECK_NONFINITE, CHECK_RANGE, CHECK_SCALE, CHECK_ZERO_POINT,
                                             CHECK_CODES,     CHECK_X,     CHECK_Y};

void check_same(const check_case *c, const char *where, const check_result *want, const check_result *got)
{
    for (size_t k = 0; k < sizeof report_order / sizeof report_order[0]; k++) {
        const check_operand operand = report_order[k];
        const uint64_t bytes = want->bytes[operand];
        uint64_t count = operand == CHECK_NONFINITE ? 1 : bytes / 4;
        if (want->out[operand] == NULL || memcmp(want->out[operand], got->out[operand], (size_t)bytes) == 0) {
            continue;
        }
        if (operand == CHECK_X || operand == CHECK_Y || operand == CHECK_CODES) {
            uint64_t parameters = 0;
            count_layout(c, &count, &parameters);
        }
        for (uint64_t i = 0; i < count; i++) {
            if (element_differs(c, operand, i, want->out[operand], got->out[operand])) {
                report_difference(c, where, operand, i, want, got);
            }
        }
        print_case(c, where);
        fail_msg("%s: the unused half of the last byte of %s differs on %s", c->name, operand_name(operand), where);
    }
}

/* A device buffer with one operand between two guards, and its image on the host. */
typedef struct placed {
    clq_buffer *buffer;
    unsigned char *image;
    uint64_t bytes; /* of the whole image */
    uint64_t begin; /* of the operand */
    uint64_t size;
    uint64_t offset; /* in elements, as the operation gets it */
} placed;

static void place(clq_context *context, const check_case *c, check_operand operand, placed *p)
{
    const uint64_t guard_elements =
        operand == CHECK_NONFINITE ? GUARD_BYTES / sizeof(clq_nonfinite) : GUARD_BYTES / stored_bytes(c, operand, 1);
    const void *input = (use_of(c->operation).inputs & BIT(operand)) != 0 ? c->in[operand] : NULL;
    const int nibbles = operand == CHECK_CODES && clq_dtype_bits(c->q.scheme.dtype) == 4;
    clq_error error;
    p->offset = (nibbles ? 2 * GUARD_BYTES : guard_elements) + c->offset[operand];
    p->begin = stored_bytes(c, operand, p->offset);
    p->size = check_operand_bytes(c, operand);
    p->bytes = p->begin + p->size + GUARD_BYTES;
    p->image = check_allocate(p->bytes);
    memset(p->image, GUARD, (size_t)p->bytes);
    if (input != NULL) {
        memcpy(p->image + p->begin, input, (size_t)p->size);
    }
    check_ok(clq_buffer_create(context, p->bytes, &p->buffer, &error), &error, "clq_buffer_create");
    check_ok(clq_buffer_write(p->buffer, 0, p->image, p->bytes, &error), &error, "clq_buffer_write");
}

/* Read the buffer back; what may not have changed is compared, what is an output is copied to the result. */
static void collect(const check_case *c, const char *where, check_operand operand, const placed *p, int is_output,
                    check_result *result)
{
    unsigned char *now = check_allocate(p->bytes);
    clq_error error;
    check_ok(clq_buffer_read(p->buffer, 0, now, p->bytes, &error), &error, "clq_buffer_read");
    for (uint64_t i = 0; i < p->bytes; i++) {
        if (i == p->begin && is_output) {
            i += p->size; /* skip the output itself */
        }
        if (now[i] != p->image[i]) {
            print_case(c, where);
            check_print("    byte %" PRIu64 " of the buffer of %s was 0x%02x and is 0x%02x; %s has bytes %" PRIu64
                        " to %" PRIu64,
                        i, operand_name(operand), p->image[i], now[i], operand_name(operand), p->begin,
                        p->begin + p->size);
            fail_msg("%s: wrote where it must not on %s", c->name, where);
        }
        if (i == p->begin && !is_output && p->size > 0 &&
            memcmp(now + p->begin, p->image + p->begin, (size_t)p->size) == 0) {
            i += p->size - 1; /* the input is whole: no need to go through it byte by byte */
        }
    }
    if (is_output) {
        result->out[operand] = check_allocate(p->size);
        memcpy(result->out[operand], now + p->begin, (size_t)p->size);
        result->bytes[operand] = p->size;
    }
    free(now);
}

static clq_status call(clq_context *context, const check_case *c, const placed *p, clq_error *error)
{
    clq_operand o[CHECK_OPERANDS];
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        o[i].buffer = p[i].buffer;
        o[i].offset = p[i].offset;
    }
    switch (c->operation) {
    case CLQ_OP_MINMAX:
        return clq_minmax(context, &c->q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_NONFINITE], error);
    case CLQ_OP_QUANTIZE:
        return clq_quantize(context, &c->q, o[CHECK_X], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_CODES], error);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(context, &c->q, o[CHECK_CODES], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_Y], error);
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_fake_quantize(context, &c->q, o[CHECK_X], o[CHECK_SCALE], o[CHECK_ZERO_POINT],
                                 o[c->in_place ? CHECK_X : CHECK_Y], error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_choose_parameters_from(context, &c->q, o[CHECK_RANGE], o[CHECK_SCALE], o[CHECK_ZERO_POINT], error);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return clq_dynamic_quantize(context, &c->q, o[CHECK_X], o[CHECK_CODES], o[CHECK_SCALE], o[CHECK_ZERO_POINT],
                                    o[CHECK_RANGE], o[CHECK_NONFINITE], error);
    case CLQ_OP_COUNT:
        break;
    }
    return CLQ_UNSUPPORTED;
}

/*
 * cmocka turns a crash into a failed test and goes on with the next one; after a crash inside a driver or a lock that
 * ends in a hang. A crash is to end the program instead.
 */
static void let_crashes_end_the_program(void)
{
    static const int signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal(signals[i], SIG_DFL);
    }
}

void check_run(clq_context *context, const char *where, const check_case *c, check_result *result)
{
    operand_use use = use_of(c->operation);
    placed p[CHECK_OPERANDS];
    clq_error error;
    clq_status status;
    memset(p, 0, sizeof p);
    memset(result, 0, sizeof *result);
    let_crashes_end_the_program();
    if (c->in_place) {
        use.outputs = BIT(CHECK_X);
    }
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        if ((use.inputs | use.outputs) & BIT(i)) {
            place(context, c, (check_operand)i, &p[i]);
        }
    }
    status = call(context, c, p, &error);
    if (status != CLQ_OK) {
        print_case(c, where);
    }
    check_ok(status, &error, c->name);
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        if ((use.inputs | use.outputs) & BIT(i)) {
            collect(c, where, (check_operand)i, &p[i], (use.outputs & BIT(i)) != 0, result);
            clq_buffer_destroy(&p[i].buffer);
            free(p[i].image);
        }
    }
    if (c->in_place) { /* results are always told as y */
        result->out[CHECK_Y] = result->out[CHECK_X];
        result->bytes[CHECK_Y] = result->bytes[CHECK_X];
        result->out[CHECK_X] = NULL;
    }
}

void check_result_free(check_result *result)
{
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        free(result->out[i]);
    }
    memset(result, 0, sizeof *result);
}

/*
 * Whether the device would run the case under the forced variant: where a layout does not suit one, another runs, which
 * has its own turn. An operation in several steps has no one name and always runs.
 */
static int variant_applies(const check_case *c, const char *variant)
{
    clq_plan plan;
    clq_error error;
    if (c->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        return 1;
    }
    check_ok(clq_plan_operation(device, c->operation, &c->q, &plan, &error), &error, "clq_plan_operation");
    return strstr(plan.variant, variant) != NULL;
}

void check_everywhere(const check_case *c, check_result *kept)
{
    check_result want;
    int ran = 0;
    check_run(reference, "reference", c, &want);
    for (size_t v = 0; v < variant_count && device != NULL; v++) {
        char where[64];
        check_result got;
        clq_error error;
        snprintf(where, sizeof where, "device, variant %s", variants[v]);
        check_ok(clq_context_force_variant(device, variants[v], &error), &error, "clq_context_force_variant");
        if (!variant_applies(c, variants[v])) {
            continue;
        }
        check_run(device, where, c, &got);
        check_same(c, where, &want, &got);
        check_result_free(&got);
        times_run[c->operation][v]++;
        ran = 1;
    }
    if (device != NULL && !ran) {
        print_case(c, "device");
        fail_msg("%s: no variant of kernels.def runs this case", c->name);
    }
    if (kept != NULL) {
        *kept = want;
    } else {
        check_result_free(&want);
    }
}

/* ---- the oracle on whole operations ---- */

static void oracle_element(const check_case *c, const check_result *result, const void *scales, const void *zero_points,
                           uint64_t i)
{
    const clq_scheme *scheme = &c->q.scheme;
    const uint64_t p = oracle_parameter(&c->q.layout, i);
    const uint32_t scale = word_at(scales, p);
    const int32_t zero_point = (int32_t)word_at(zero_points, p);
    int32_t code;
    uint32_t want;
    uint32_t got;
    if (c->operation == CLQ_OP_DEQUANTIZE) {
        code = oracle_load_code(scheme->dtype, c->in[CHECK_CODES], i);
    } else {
        code = oracle_code(scheme, oracle_widen(c->q.real, oracle_load_real(c->q.real, c->in[CHECK_X], i)), scale,
                           zero_point);
    }
    if (result->out[CHECK_CODES] != NULL) {
        const int32_t stored = oracle_load_code(scheme->dtype, result->out[CHECK_CODES], i);
        if (stored != code) {
            print_case(c, "oracle");
            print_inputs_of_element(c, scales, zero_points, i);
            fail_msg("%s: codes[%" PRIu64 "] is %" PRId32 ", the oracle says %" PRId32, c->name, i, stored, code);
        }
        return;
    }
    want = oracle_narrow(c->q.real, oracle_real(code, scale, zero_point));
    got = oracle_load_real(c->q.real, result->out[CHECK_Y], i);
    if (got != want) {
        print_case(c, "oracle");
        print_inputs_of_element(c, scales, zero_points, i);
        fail_msg("%s: y[%" PRIu64 "] is 0x%" PRIx32 ", the oracle says 0x%" PRIx32, c->name, i, got, want);
    }
}

/* Least and greatest finite element of each parameter, in full. */
static void oracle_ranges(const check_case *c, const check_result *result, uint64_t elements, uint64_t parameters)
{
    float *range = check_allocate(2 * parameters * sizeof *range);
    unsigned char *seen = check_allocate(parameters);
    clq_nonfinite nonfinite = {0, UINT64_MAX};
    clq_nonfinite stored;
    memset(seen, 0, (size_t)parameters);
    memset(range, 0, (size_t)parameters * 2 * sizeof *range);
    for (uint64_t i = 0; i < elements; i++) {
        const uint32_t bits = oracle_widen(c->q.real, oracle_load_real(c->q.real, c->in[CHECK_X], i));
        const uint64_t p = oracle_parameter(&c->q.layout, i);
        const float x = bits == UINT32_C(0x80000000) ? 0.0f : oracle_float(bits);
        if ((bits & UINT32_C(0x7F800000)) == UINT32_C(0x7F800000)) {
            nonfinite.first_index = nonfinite.count++ == 0 ? i : nonfinite.first_index;
            continue;
        }
        range[2 * p] = !seen[p] || x < range[2 * p] ? x : range[2 * p];
        range[2 * p + 1] = !seen[p] || x > range[2 * p + 1] ? x : range[2 * p + 1];
        seen[p] = 1;
    }
    for (uint64_t i = 0; i < 2 * parameters; i++) {
        if (word_at(result->out[CHECK_RANGE], i) != oracle_bits(range[i])) {
            print_case(c, "oracle");
            print_f32("want", oracle_bits(range[i]));
            print_f32("got ", word_at(result->out[CHECK_RANGE], i));
            fail_msg("%s: range[%" PRIu64 "] is not the oracle's", c->name, i);
        }
    }
    memcpy(&stored, result->out[CHECK_NONFINITE], sizeof stored);
    if (stored.count != nonfinite.count || stored.first_index != nonfinite.first_index) {
        print_case(c, "oracle");
        fail_msg("%s: %" PRIu64 " not finite, first %" PRIu64 "; the oracle says %" PRIu64 " and %" PRIu64, c->name,
                 stored.count, stored.first_index, nonfinite.count, nonfinite.first_index);
    }
    free(range);
    free(seen);
}

/* The device's parameters are those of the pure function for the ranges it found or was given. */
static void oracle_parameters(const check_case *c, const check_result *result, uint64_t parameters)
{
    const void *range = c->in[CHECK_RANGE] != NULL ? c->in[CHECK_RANGE] : result->out[CHECK_RANGE];
    for (uint64_t p = 0; p < parameters; p++) {
        const float lo = oracle_float(word_at(range, 2 * p));
        const float hi = oracle_float(word_at(range, 2 * p + 1));
        clq_parameters chosen = {1.0f, 0, 1.0, 0.0, 0.0};
        (void)clq_choose_parameters(&c->q.scheme, (double)lo, (double)hi, &chosen, NULL);
        if (word_at(result->out[CHECK_SCALE], p) != oracle_bits(chosen.scale) ||
            (int32_t)word_at(result->out[CHECK_ZERO_POINT], p) != chosen.zero_point) {
            print_case(c, "clq_choose_parameters");
            print_range_of_parameter(c, result, p);
            print_f32("scale is ", word_at(result->out[CHECK_SCALE], p));
            print_f32("should be", oracle_bits(chosen.scale));
            fail_msg("%s: parameter %" PRIu64 ": zero point %" PRId32 ", should be %" PRId32, c->name, p,
                     (int32_t)word_at(result->out[CHECK_ZERO_POINT], p), chosen.zero_point);
        }
    }
}

void check_oracle(const check_case *c, const check_result *result, uint64_t samples)
{
    const void *scales = c->in[CHECK_SCALE] != NULL ? c->in[CHECK_SCALE] : result->out[CHECK_SCALE];
    const void *zero_points = c->in[CHECK_ZERO_POINT] != NULL ? c->in[CHECK_ZERO_POINT] : result->out[CHECK_ZERO_POINT];
    uint64_t elements = 0;
    uint64_t parameters = 0;
    count_layout(c, &elements, &parameters);
    if (result->out[CHECK_RANGE] != NULL && elements <= samples) {
        oracle_ranges(c, result, elements, parameters);
    }
    if (result->out[CHECK_SCALE] != NULL && parameters <= samples) {
        oracle_parameters(c, result, parameters);
    }
    if (elements == 0 || (result->out[CHECK_CODES] == NULL && result->out[CHECK_Y] == NULL)) {
        return;
    }
    oracle_element(c, result, scales, zero_points, 0);
    oracle_element(c, result, scales, zero_points, elements - 1);
    for (uint64_t i = 0; i < samples && i < elements; i++) {
        oracle_element(c, result, scales, zero_points, elements <= samples ? i : check_below(elements));
    }
}

void check_case_fully(const check_case *c)
{
    check_result result;
    check_everywhere(c, &result);
    check_oracle(c, &result, 5000);
    check_result_free(&result);
}

/* ---- the executable ---- */

/* cmocka calls this before each test, so that a test repeats by itself (CLQ_TEST_FILTER) as in the whole run. */
static int restart_generator(void **state)
{
    (void)state;
    random_state = seed;
    return 0;
}

int check_main(const char *name, const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest *seeded = malloc(count * sizeof *seeded);
    const char *filter = getenv("CLQ_TEST_FILTER");
    int failed;
    if (seeded == NULL) {
        return 1;
    }
    memcpy(seeded, tests, count * sizeof *seeded);
    for (size_t i = 0; i < count; i++) {
        seeded[i].setup_func = restart_generator;
    }
    set_seed();
    if (filter != NULL && filter[0] != '\0') {
        cmocka_set_test_filter(filter);
    }
    check_print("%s: CLQ_TEST_SEED=%" PRIu64, name, seed);
    failed = _cmocka_run_group_tests(name, seeded, count, open_contexts, close_contexts);
    free(seeded);
    if (failed != 0) {
        return 1;
    }
    return something_skipped ? CHECK_SKIPPED : 0;
}
