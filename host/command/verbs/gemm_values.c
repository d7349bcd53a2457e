/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of gemm: numbers, or .npy files with one value for each row of A or column of B. */
#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/verbs/gemm_shapes.h"
#include "core/size.h"
#include "format/real.h"
#include "format/support.h"
#include "format/values.h"

/* What a parameter must be. */
typedef struct wanted {
    const char *option;
    const char *text;   /* of the command line; NULL: not given */
    cli_gemm_axis axis; /* what has values of its own, and of which shapes */
    int only_file;      /* no number, and no single value for all */
    int only_one;       /* one value, also in a file */
    int is_real;
    double minimum, maximum;
} wanted;

static void put(cli_gemm_values *values, const wanted *w, uint64_t i, double value)
{
    if (w->is_real) {
        values->reals[i] = (float)value;
    } else {
        values->integers[i] = (int32_t)value;
    }
}

/* Not so for NaN. */
static int is_within(const wanted *w, double value)
{
    return value >= w->minimum && value <= w->maximum;
}

/* `given`: what stands behind the option, or behind the file that `option` names too. */
static clq_status refuse_value(const wanted *w, const char *given, clq_error *error)
{
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s%s: required is a %snumber from %.10g to %.10g", w->option, given,
                    w->is_real ? "" : "whole ", w->minimum, w->maximum);
}

static clq_status take_number(const wanted *w, double value, cli_gemm_values *out, clq_error *error)
{
    int64_t whole = 0;
    char given[280];
    if (!is_within(w, value) || !(w->is_real || clq_parse_i64(w->text, INT32_MIN, INT32_MAX, &whole))) {
        snprintf(given, sizeof given, " %s", clq_show_name(w->text).text);
        return refuse_value(w, given, error);
    }
    CLQ_TRY(cli_gemm_values_create(out, CLQ_GEMM_PER_TENSOR, 1, error));
    put(out, w, 0, value);
    return CLQ_OK;
}

/* All values of a file as doubles, which hold every int32 and every f32. */
static clq_status read_numbers(const wanted *w, const clq_model *model, double *numbers, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[0];
    const clq_real real = clq_file_real_of(&tensor->dtype);
    clq_status status = CLQ_OK;
    char given[80];
    void *memory = malloc((size_t)tensor->bytes);
    if (memory == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " parameters", tensor->elements);
    }
    CLQ_TRY_TO(clq_model_read(model, 0, 0, tensor->elements, memory, error));
    if (w->is_real) {
        clq_real_widen(real, memory, 0, (size_t)tensor->elements, numbers);
    }
    for (uint64_t i = 0; i < tensor->elements; i++) {
        int32_t value = 0;
        if (!w->is_real && !clq_integer_at(tensor->dtype.name, memory, i, &value)) {
            CLQ_TRY_TO(clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: value %" PRIu64 " of the file is no 32-bit integer",
                                w->option, i));
        }
        numbers[i] = w->is_real ? numbers[i] : (double)value;
        if (!is_within(w, numbers[i])) {
            snprintf(given, sizeof given, ": value %" PRIu64 ", %.9g", i, numbers[i]);
            CLQ_TRY_TO(refuse_value(w, given, error));
        }
    }
done:
    free(memory);
    return status;
}

static clq_status check_file(const cli_gemm_job *job, const wanted *w, const clq_model *model, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[0];
    CLQ_TRY(clq_model_refuse_output(model, job->options->file.output, error));
    if (model->warning != NULL) {
        cli_warning(job->options, "%s", model->warning);
    }
    if (w->is_real ? clq_file_real_of(&tensor->dtype) == CLQ_REAL_NONE : !clq_is_integer(tensor->dtype.name)) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: the file holds %s, %s", w->option, tensor->dtype.name,
                        w->is_real ? "floating point is required" : "integers are required");
    }
    CLQ_REQUIRE(!w->only_one || tensor->elements == 1,
                "%s: the file holds %" PRIu64 " values; with --dtype %s one is required (with f32 rows may have their "
                "own)",
                w->option, tensor->elements, clq_dtype_name(job->problem.c.dtype));
    return CLQ_OK;
}

/* Lay the numbers out as the library takes them: for each batch of the operand, one for each row or column. */
static clq_status spread(const wanted *w, const double *numbers, const cli_gemm_spread *by, cli_gemm_values *out,
                         clq_error *error)
{
    const cli_gemm_axis *axis = &w->axis;
    const uint64_t step = by->per_index ? 1 : 0;
    const uint64_t batch_step = by->per_batch ? (by->per_index ? axis->length : 1) : 0;
    uint64_t count = 1;
    if (!by->per_index && !by->per_batch && !w->only_file) {
        CLQ_TRY(cli_gemm_values_create(out, CLQ_GEMM_PER_TENSOR, 1, error));
        put(out, w, 0, numbers[0]);
        return CLQ_OK;
    }
    CLQ_REQUIRE(clq_size_multiply(axis->length, axis->batches, &count), "%s: too many values", w->option);
    CLQ_TRY(cli_gemm_values_create(out, axis->kind, count, error));
    for (uint64_t z = 0; z < axis->batches; z++) {
        for (uint64_t i = 0; i < axis->length; i++) {
            put(out, w, z * axis->length + i, numbers[z * batch_step + i * step]);
        }
    }
    return CLQ_OK;
}

static clq_status take_file(const cli_gemm_job *job, const wanted *w, cli_gemm_values *out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_model *model = NULL;
    double *numbers = NULL;
    cli_gemm_spread by;
    wanted named = *w;
    char label[320]; /* what is wrong with one of several files is told with its path */
    CLQ_TRY_TO(clq_open_values(w->option, w->text, w->only_file, &model, error));
    snprintf(label, sizeof label, "%s %s", w->option, clq_show_path(w->text).text);
    named.option = label;
    CLQ_TRY_TO(check_file(job, &named, model, error));
    CLQ_TRY_TO(cli_gemm_match(&w->axis, label, &model->tensors[0], w->only_file, &by, error));
    numbers = malloc((size_t)model->tensors[0].elements * sizeof *numbers);
    if (numbers == NULL) {
        CLQ_TRY_TO(
            clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " parameters", model->tensors[0].elements));
    }
    CLQ_TRY_TO(read_numbers(&named, model, numbers, error));
    CLQ_TRY_TO(spread(&named, numbers, &by, out, error));
done:
    free(numbers);
    clq_model_close(&model);
    return status;
}

static clq_status take(cli_gemm_job *job, const wanted *w, cli_gemm_parameter parameter, clq_error *error)
{
    double value = 0.0;
    if (w->text == NULL) {
        return CLQ_OK;
    }
    return !w->only_file && clq_parse_double(w->text, &value) ? take_number(w, value, &job->values[parameter], error)
                                                              : take_file(job, w, &job->values[parameter], error);
}

/* Multiplier and shift of the command line, each within what the mode can use. */
static clq_status take_multiplier(cli_gemm_job *job, clq_error *error)
{
    const clq_requantize_mode mode = job->problem.requantize;
    const int is_float = mode == CLQ_REQUANTIZE_FLOAT;
    const int is_shift = mode == CLQ_REQUANTIZE_SHIFT;
    const int is_single = mode == CLQ_REQUANTIZE_SINGLE || mode == CLQ_REQUANTIZE_SINGLE_AWAY;
    const wanted multiplier = {.option = "--multiplier",
                               .text = job->options->gemm.multiplier,
                               .axis = cli_gemm_columns_of_c(job),
                               .is_real = is_float,
                               .minimum = is_float   ? -(double)FLT_MAX
                                          : is_shift ? INT32_MIN
                                                     : 0,
                               .maximum = is_float ? (double)FLT_MAX : INT32_MAX};
    const wanted shift = {.option = "--shift",
                          .text = job->options->gemm.shift,
                          .axis = cli_gemm_columns_of_c(job),
                          .minimum = is_shift ? 0 : -31,
                          .maximum = is_shift    ? 62
                                     : is_single ? 30
                                                 : 31};
    CLQ_TRY(take(job, &multiplier, CLI_GEMM_MULTIPLIER, error));
    return take(job, &shift, CLI_GEMM_SHIFT, error);
}

/* The library takes as many shifts as multipliers. */
static clq_status even_out(cli_gemm_values *few, const cli_gemm_values *many, clq_error *error)
{
    int32_t value;
    if (few->kind != CLQ_GEMM_PER_TENSOR || many->kind != CLQ_GEMM_PER_COLUMN) {
        return CLQ_OK;
    }
    value = few->integers[0];
    CLQ_TRY(cli_gemm_values_create(few, many->kind, many->count, error));
    for (uint64_t i = 0; i < few->count; i++) {
        few->integers[i] = value;
    }
    return CLQ_OK;
}

/* A zero point of 0 for all is none, which lets faster kernels run. */
static void drop_zero(cli_gemm_values *values)
{
    if (values->kind == CLQ_GEMM_PER_TENSOR && values->integers[0] == 0) {
        values->kind = CLQ_GEMM_ABSENT;
        values->count = 0;
    }
}

static clq_status take_c_zero_point(cli_gemm_job *job, clq_error *error)
{
    cli_gemm_values *values = &job->values[CLI_GEMM_C_ZERO_POINT];
    if (!job->options->gemm.c_zero_point_given) {
        return CLQ_OK;
    }
    CLQ_TRY(cli_gemm_values_create(values, CLQ_GEMM_PER_TENSOR, 1, error));
    values->integers[0] = job->options->gemm.c_zero_point;
    return CLQ_OK;
}

static void enter_kinds(cli_gemm_job *job)
{
    clq_gemm_problem *p = &job->problem;
    p->a_zero_point = job->values[CLI_GEMM_A_ZERO_POINT].kind;
    p->b_zero_point = job->values[CLI_GEMM_B_ZERO_POINT].kind;
    p->c_zero_point = job->values[CLI_GEMM_C_ZERO_POINT].kind;
    p->bias = job->values[CLI_GEMM_BIAS].kind;
    p->a_scale = job->values[CLI_GEMM_A_SCALE].kind;
    p->b_scale = job->values[CLI_GEMM_B_SCALE].kind;
    p->multiplier = job->values[CLI_GEMM_MULTIPLIER].kind;
    if (job->options->gemm.clamp != NULL) {
        p->minimum = job->options->gemm.clamp_lo;
        p->maximum = job->options->gemm.clamp_hi;
    }
}

clq_status cli_gemm_read_values(cli_gemm_job *job, clq_error *error)
{
    const cli_options *options = job->options;
    const int codes = cli_gemm_has_codes(options);
    const wanted all[] = {
        {.option = "--a-zero-point",
         .text = options->gemm.a_zero_point,
         .axis = cli_gemm_rows_of_a(job),
         .minimum = INT32_MIN,
         .maximum = INT32_MAX},
        {.option = "--b-zero-point",
         .text = options->gemm.b_zero_point,
         .axis = cli_gemm_columns_of_b(job),
         .minimum = INT32_MIN,
         .maximum = INT32_MAX},
        {.option = "--bias",
         .text = options->gemm.bias,
         .axis = cli_gemm_columns_of_c(job),
         .only_file = 1,
         .minimum = INT32_MIN,
         .maximum = INT32_MAX},
        {.option = "--scale-a",
         .text = options->gemm.scale_a,
         .axis = cli_gemm_rows_of_a(job),
         .only_one = codes,
         .is_real = 1,
         .minimum = (double)CLQ_MINIMUM_SCALE,
         .maximum = (double)CLQ_MAXIMUM_SCALE},
        {.option = "--scale-b",
         .text = options->gemm.scale_b,
         .axis = codes ? cli_gemm_columns_of_c(job) : cli_gemm_columns_of_b(job),
         .is_real = 1,
         .minimum = (double)CLQ_MINIMUM_SCALE,
         .maximum = (double)CLQ_MAXIMUM_SCALE},
    };
    static const cli_gemm_parameter parameters[] = {CLI_GEMM_A_ZERO_POINT, CLI_GEMM_B_ZERO_POINT, CLI_GEMM_BIAS,
                                                    CLI_GEMM_A_SCALE, CLI_GEMM_B_SCALE};
    job->problem.requantize = options->gemm.requant;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        CLQ_TRY(take(job, &all[i], parameters[i], error));
    }
    CLQ_TRY(take_multiplier(job, error));
    CLQ_TRY(even_out(&job->values[CLI_GEMM_SHIFT], &job->values[CLI_GEMM_MULTIPLIER], error));
    CLQ_TRY(even_out(&job->values[CLI_GEMM_MULTIPLIER], &job->values[CLI_GEMM_SHIFT], error));
    CLQ_TRY(take_c_zero_point(job, error));
    if (codes && options->gemm.multiplier == NULL) {
        CLQ_TRY(cli_gemm_multipliers_from_scales(job, error));
    }
    drop_zero(&job->values[CLI_GEMM_A_ZERO_POINT]);
    drop_zero(&job->values[CLI_GEMM_B_ZERO_POINT]);
    drop_zero(&job->values[CLI_GEMM_C_ZERO_POINT]);
    enter_kinds(job);
    return CLQ_OK;
}
