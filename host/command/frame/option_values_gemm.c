/* SPDX-License-Identifier: Apache-2.0 */
/* How the options of gemm store their values. Every function returns 0 when the text is not acceptable. */
#include <string.h>

#include "command/frame/options.h"
#include "command/verbs/gemm_job.h"

int cli_set_product_dtype(cli_options *options, const char *text)
{
    options->dtype = text;
    return cli_choose(text, "s32|s8|u8|f32") >= 0;
}

int cli_set_transpose_a(cli_options *options, const char *text)
{
    (void)text;
    options->gemm.transpose_a = 1;
    return 1;
}

int cli_set_transpose_b(cli_options *options, const char *text)
{
    (void)text;
    options->gemm.transpose_b = 1;
    return 1;
}

int cli_set_a_zero_point(cli_options *options, const char *text)
{
    return cli_store_text(&options->gemm.a_zero_point, text);
}

int cli_set_b_zero_point(cli_options *options, const char *text)
{
    return cli_store_text(&options->gemm.b_zero_point, text);
}

int cli_set_c_zero_point(cli_options *options, const char *text)
{
    int64_t value = 0;
    if (!clq_parse_i64(text, INT32_MIN, INT32_MAX, &value)) {
        return 0;
    }
    options->gemm.c_zero_point = (int32_t)value;
    options->gemm.c_zero_point_given = 1;
    return 1;
}

int cli_set_bias(cli_options *options, const char *text)
{
    return cli_store_text(&options->gemm.bias, text);
}

int cli_set_requant(cli_options *options, const char *text)
{
    static const clq_requantize_mode MODES[] = {CLQ_REQUANTIZE_DOUBLE, CLQ_REQUANTIZE_SINGLE, CLQ_REQUANTIZE_SHIFT,
                                                CLQ_REQUANTIZE_FLOAT};
    for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++) {
        if (strcmp(text, cli_gemm_mode_name(MODES[i])) == 0) {
            options->gemm.requant = MODES[i];
            options->gemm.requant_given = 1;
            return 1;
        }
    }
    return 0;
}

int cli_set_scale_a(cli_options *options, const char *text)
{
    return cli_store_text(&options->gemm.scale_a, text);
}

int cli_set_scale_b(cli_options *options, const char *text)
{
    return cli_store_text(&options->gemm.scale_b, text);
}

int cli_set_scale_c(cli_options *options, const char *text)
{
    options->gemm.scale_c_given = 1;
    return clq_parse_double(text, &options->gemm.scale_c) && options->gemm.scale_c >= (double)CLQ_MINIMUM_SCALE &&
           options->gemm.scale_c <= (double)CLQ_MAXIMUM_SCALE;
}

int cli_set_multiplier(cli_options *options, const char *text)
{
    return cli_store_text(&options->gemm.multiplier, text);
}

int cli_set_shift(cli_options *options, const char *text)
{
    return cli_store_text(&options->gemm.shift, text);
}

int cli_set_clamp(cli_options *options, const char *text)
{
    options->gemm.clamp = text;
    return clq_parse_range(text, &options->gemm.clamp_lo, &options->gemm.clamp_hi);
}

int cli_set_variant(cli_options *options, const char *text)
{
    return cli_store_text(&options->gemm.variant, text);
}

int cli_set_check(cli_options *options, const char *text)
{
    (void)text;
    options->gemm.check = 1;
    return 1;
}
