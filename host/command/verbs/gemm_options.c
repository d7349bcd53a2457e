/* SPDX-License-Identifier: Apache-2.0 */
/* Which options of gemm go together. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "command/verbs/gemm_job.h"
#include "format/npy.h"

clq_dtype cli_gemm_dtype(const cli_options *options)
{
    return options->gemm.dtype_given ? options->gemm.dtype : CLQ_S32;
}

int cli_gemm_has_codes(const cli_options *options)
{
    return clq_dtype_bits(cli_gemm_dtype(options)) == 8;
}

const char *cli_gemm_mode_name(clq_requantize_mode mode)
{
    switch (mode) {
    case CLQ_REQUANTIZE_DOUBLE:
        return "double";
    case CLQ_REQUANTIZE_SINGLE:
        return "single";
    case CLQ_REQUANTIZE_SHIFT:
        return "shift";
    case CLQ_REQUANTIZE_FLOAT:
        return "float";
    case CLQ_REQUANTIZE_SINGLE_AWAY:
        return "single-away";
    case CLQ_REQUANTIZE_DOUBLE_UP:
        return "double-up";
    }
    return "?";
}

/* The first of the scales that is given, or NULL. */
static const char *given_scale(const cli_options *options)
{
    return options->gemm.scale_a != NULL   ? "--scale-a"
           : options->gemm.scale_b != NULL ? "--scale-b"
           : options->gemm.scale_c_given   ? "--scale-c"
                                           : NULL;
}

/* Options that have no meaning for the type of C. */
static int check_type(const cli_options *options)
{
    const clq_dtype dtype = cli_gemm_dtype(options);
    const struct {
        const char *name;
        int given, real;
    } rows[] = {
        {"--scale-a", options->gemm.scale_a != NULL, 1},         {"--scale-b", options->gemm.scale_b != NULL, 1},
        {"--scale-c", options->gemm.scale_c_given, 0},           {"--requant", options->gemm.requant_given, 0},
        {"--multiplier", options->gemm.multiplier != NULL, 0},   {"--shift", options->gemm.shift != NULL, 0},
        {"--c-zero-point", options->gemm.c_zero_point_given, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !cli_gemm_has_codes(options); i++) {
        if (rows[i].given && !(rows[i].real && dtype == CLQ_F32)) {
            return cli_usage_error("%s is for --dtype s8 and u8%s, and this is --dtype %s%s", rows[i].name,
                                   rows[i].real ? ", or f32" : "", clq_dtype_name(dtype),
                                   !options->gemm.dtype_given ? ", the default" : "");
        }
    }
    return CLI_OK;
}

/* Codes need scales, or a multiplier with its shift. */
static int check_multiplier(const cli_options *options)
{
    const char *scale = given_scale(options);
    const int is_float = options->gemm.requant == CLQ_REQUANTIZE_FLOAT;
    const char *alternative = is_float ? "--multiplier" : "--multiplier and --shift";
    const char *missing = options->gemm.scale_a == NULL   ? "--scale-a"
                          : options->gemm.scale_b == NULL ? "--scale-b"
                          : !options->gemm.scale_c_given  ? "--scale-c"
                                                          : NULL;
    if (scale != NULL && (options->gemm.multiplier != NULL || options->gemm.shift != NULL)) {
        return cli_usage_error("%s and %s both decide how sums become codes: give one of them",
                               options->gemm.multiplier != NULL ? "--multiplier" : "--shift", scale);
    }
    if (scale != NULL && missing != NULL) {
        return cli_usage_error("--dtype %s takes --scale-a, --scale-b and --scale-c together; %s is missing",
                               clq_dtype_name(options->gemm.dtype), missing);
    }
    if (scale != NULL) {
        return CLI_OK;
    }
    if (is_float && options->gemm.shift != NULL) {
        return cli_usage_error("--shift has no meaning with --requant float, whose multiplier is a real number");
    }
    if (options->gemm.multiplier == NULL && options->gemm.shift != NULL) {
        return cli_usage_error("--shift needs --multiplier");
    }
    if (options->gemm.multiplier == NULL) {
        return cli_usage_error("--dtype %s needs --scale-a, --scale-b and --scale-c, or %s",
                               clq_dtype_name(options->gemm.dtype), alternative);
    }
    if (!is_float && options->gemm.shift == NULL) {
        return cli_usage_error("--multiplier needs --shift with --requant %s",
                               cli_gemm_mode_name(options->gemm.requant));
    }
    return CLI_OK;
}

static int check_clamp(const cli_options *options)
{
    const clq_dtype dtype = cli_gemm_dtype(options);
    const double lo = options->gemm.clamp_lo;
    const double hi = options->gemm.clamp_hi;
    double least = -(double)FLT_MAX;
    double most = (double)FLT_MAX;
    if (options->gemm.clamp == NULL) {
        return CLI_OK;
    }
    if (dtype != CLQ_F32) {
        least = dtype == CLQ_S32 ? INT32_MIN : dtype == CLQ_S8 ? INT8_MIN : 0;
        most = dtype == CLQ_S32 ? INT32_MAX : dtype == CLQ_S8 ? INT8_MAX : UINT8_MAX;
        if (floor(lo) != lo || floor(hi) != hi) {
            return cli_usage_error("--clamp %s: required are whole numbers with --dtype %s", options->gemm.clamp,
                                   clq_dtype_name(dtype));
        }
    }
    if (lo < least || hi > most) {
        return cli_usage_error("--clamp %s: required are bounds from %.10g to %.10g with --dtype %s",
                               options->gemm.clamp, least, most, clq_dtype_name(dtype));
    }
    return CLI_OK;
}

int cli_gemm_check_options(const cli_options *options)
{
    int code = check_type(options);
    if (code == CLI_OK && cli_gemm_has_codes(options)) {
        code = check_multiplier(options);
    }
    if (code == CLI_OK) {
        code = check_clamp(options);
    }
    if (code == CLI_OK && !clq_is_npy_name(options->file.output)) {
        code = cli_usage_error("-o %s: gemm writes a .npy file, and the name must end so", options->file.output);
    }
    return code;
}
