/* SPDX-License-Identifier: Apache-2.0 */
/* How each option of the table stores its value. Every function returns 0 when the text is not acceptable. */
#include <string.h>

#include "command/frame/options.h"
#include "stream/calibration.h"

/* Flags. */

int cli_set_json(cli_options *options, const char *text)
{
    (void)text;
    options->json = 1;
    return 1;
}

/* --quiet and --verbose are two ends of one scale: the last one given counts. */
int cli_set_quiet(cli_options *options, const char *text)
{
    (void)text;
    options->quiet = 1;
    options->verbose = 0;
    return 1;
}

int cli_set_verbose(cli_options *options, const char *text)
{
    (void)text;
    options->verbose = 1;
    options->quiet = 0;
    return 1;
}

int cli_set_force(cli_options *options, const char *text)
{
    (void)text;
    options->force = 1;
    return 1;
}

int cli_set_strict(cli_options *options, const char *text)
{
    (void)text;
    options->strict = 1;
    return 1;
}

int cli_set_dry_run(cli_options *options, const char *text)
{
    (void)text;
    options->dry_run = 1;
    return 1;
}

int cli_set_histograms(cli_options *options, const char *text)
{
    (void)text;
    options->histograms = 1;
    return 1;
}

int cli_set_resume(cli_options *options, const char *text)
{
    (void)text;
    options->resume = 1;
    return 1;
}

/* Text, kept as it is. An empty one is never meant. */

int cli_store_text(const char **field, const char *text)
{
    *field = text;
    return *text != '\0';
}

int cli_set_device(cli_options *options, const char *text)
{
    return cli_store_text(&options->device, text);
}

int cli_set_output(cli_options *options, const char *text)
{
    return cli_store_text(&options->output, text);
}

int cli_set_scale(cli_options *options, const char *text)
{
    return cli_store_text(&options->scale, text);
}

int cli_set_zero_point(cli_options *options, const char *text)
{
    return cli_store_text(&options->zero_point, text);
}

int cli_set_ranges(cli_options *options, const char *text)
{
    return cli_store_text(&options->ranges, text);
}

int cli_set_name(cli_options *options, const char *text)
{
    return cli_store_text(&options->name, text);
}

int cli_set_emit_config(cli_options *options, const char *text)
{
    return cli_store_text(&options->emit_config, text);
}

/* Lists. There is room for as many items as there are arguments. */

static int append(cli_list *list, const char *text)
{
    list->items[list->count++] = text;
    return *text != '\0';
}

int cli_set_tensor(cli_options *options, const char *text)
{
    return append(&options->tensors, text);
}

int cli_set_include(cli_options *options, const char *text)
{
    return append(&options->include, text);
}

int cli_set_exclude(cli_options *options, const char *text)
{
    return append(&options->exclude, text);
}

int cli_set_sample(cli_options *options, const char *text)
{
    int64_t value = 0;
    if (!clq_parse_i64(text, INT32_MIN, INT32_MAX, &value)) {
        return 0;
    }
    options->sample_storage[options->samples.count++] = (int32_t)value;
    return 1;
}

int cli_choose(const char *text, const char *alternatives)
{
    char word[32];
    for (int i = 0; cli_next_alternative(&alternatives, word, sizeof word); i++) {
        if (strcmp(text, word) == 0) {
            return i;
        }
    }
    return -1;
}

int cli_set_progress(cli_options *options, const char *text)
{
    switch (cli_choose(text, "auto|always|never")) {
    case 0:
        options->progress = CLI_PROGRESS_AUTO;
        return 1;
    case 1:
        options->progress = CLI_PROGRESS_ALWAYS;
        return 1;
    case 2:
        options->progress = CLI_PROGRESS_NEVER;
        return 1;
    default:
        return 0;
    }
}

int cli_set_granularity(cli_options *options, const char *text)
{
    const int choice = cli_choose(text, "tensor|channel|group");
    static const clq_granularity values[] = {CLQ_PER_TENSOR, CLQ_PER_CHANNEL, CLQ_PER_GROUP};
    if (choice < 0) {
        return 0;
    }
    options->granularity = values[choice];
    options->granularity_given = 1;
    return 1;
}

int cli_set_nonfinite(cli_options *options, const char *text)
{
    const int choice = cli_choose(text, "error|ignore");
    options->ignore_nonfinite = choice == 1;
    return choice >= 0;
}

int cli_set_preset(cli_options *options, const char *text)
{
    return clq_preset_from_name(text, &options->preset, NULL) == CLQ_OK;
}

int cli_set_dtype(cli_options *options, const char *text)
{
    options->dtype = text;
    return cli_choose(text, "s8|u8|s4|u4") >= 0;
}

int cli_set_real_dtype(cli_options *options, const char *text)
{
    options->dtype = text;
    return cli_choose(text, "f32|f16|bf16") >= 0;
}

int cli_set_rounding(cli_options *options, const char *text)
{
    const int choice = cli_choose(text, "even|away");
    options->rounding = choice == 1 ? CLQ_ROUND_AWAY : CLQ_ROUND_EVEN;
    options->rounding_given = 1;
    return choice >= 0;
}

int cli_set_order(cli_options *options, const char *text)
{
    const int choice = cli_choose(text, "before|after");
    options->order = choice == 0 ? CLQ_ZERO_POINT_BEFORE : CLQ_ZERO_POINT_AFTER;
    options->order_given = 1;
    return choice >= 0;
}

int cli_set_arithmetic(cli_options *options, const char *text)
{
    const int choice = cli_choose(text, "divide|reciprocal");
    options->arithmetic = choice == 1 ? CLQ_RECIPROCAL : CLQ_DIVIDE;
    options->arithmetic_given = 1;
    return choice >= 0;
}

int cli_set_calibrate(cli_options *options, const char *text)
{
    return clq_calibration_parse(text, 0, &options->calibration);
}

int cli_set_method(cli_options *options, const char *text)
{
    return clq_calibration_parse(text, 1, &options->calibration);
}

int cli_set_calibrated_granularity(cli_options *options, const char *text)
{
    return cli_set_granularity(options, text) && options->granularity != CLQ_PER_GROUP;
}

/* Numbers. */

int cli_set_axis(cli_options *options, const char *text)
{
    int64_t value = 0;
    if (!clq_parse_i64(text, -CLQ_MAX_RANK, CLQ_MAX_RANK - 1, &value)) {
        return 0;
    }
    options->axis = (int32_t)value;
    options->axis_given = 1;
    return 1;
}

int cli_set_group_size(cli_options *options, const char *text)
{
    options->group_size_given = 1;
    return clq_parse_u64(text, 1, UINT64_MAX, &options->group_size);
}

int cli_set_range(cli_options *options, const char *text)
{
    options->range_given = 1;
    return clq_parse_range(text, &options->range_lo, &options->range_hi);
}

int cli_set_min_rank(cli_options *options, const char *text)
{
    uint64_t value = 0;
    if (!clq_parse_u64(text, 0, 64, &value)) {
        return 0;
    }
    options->min_rank = (int)value;
    return 1;
}

int cli_set_memory(cli_options *options, const char *text)
{
    return clq_parse_size(text, &options->memory_bytes) && options->memory_bytes >= UINT64_C(1) << 20;
}

int cli_set_fail_sqnr(cli_options *options, const char *text)
{
    options->fail_sqnr_given = 1;
    return clq_parse_double(text, &options->fail_sqnr_below);
}

int cli_set_max_shift(cli_options *options, const char *text)
{
    uint64_t value = 0;
    if (!clq_parse_u64(text, 0, 30, &value)) {
        return 0;
    }
    options->max_shift = (uint32_t)value;
    return 1;
}

int cli_set_bits(cli_options *options, const char *text)
{
    uint64_t value = 0;
    if (!clq_parse_u64(text, 1, 31, &value)) {
        return 0;
    }
    options->max_bits = (uint32_t)value;
    return 1;
}

int cli_set_seed(cli_options *options, const char *text)
{
    return clq_parse_u64(text, 0, UINT64_MAX, &options->seed);
}

int cli_set_model_scale(cli_options *options, const char *text)
{
    return clq_parse_u64(text, 1, 1000, &options->model_scale);
}
