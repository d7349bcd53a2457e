/* SPDX-License-Identifier: Apache-2.0 */
/* Advice for the worst tensor of a report, where its numbers say what is wrong. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "command/verbs/report.h"
#include "format/folder.h"
#include "format/shell.h"

/*
 * Weights that look like a bell have their largest of thousands of values at 4 to 5 times the root of the mean square.
 * Where it is much more, a few outliers decide the scale and all other values share few codes.
 */
static const double MANY_TIMES = 10.0;

/* Clipping less than one element in a thousand may well be meant. */
static const double MUCH_CLIPPED = 0.001;

static const clq_file_tensor *find_worst(const clq_file_report *report)
{
    const clq_file_tensor *worst = NULL;
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        if (tensor->measured && isfinite(tensor->errors.sqnr_db) &&
            (worst == NULL || clq_errors_compare(&tensor->errors, &worst->errors) < 0)) {
            worst = tensor;
        }
    }
    return worst;
}

/*
 * How far the ends of the codes are from zero in units of the root of the mean square. Rounding to steps of S is an
 * error of S^2/12 in the mean, so SQNR = 10 * log10(12 * mean(x^2) / S^2), and the ends are at S * half the codes.
 */
static double crest(const clq_file_tensor *tensor)
{
    const double half = ((double)tensor->q.scheme.qmax - (double)tensor->q.scheme.qmin) / 2.0;
    return half * sqrt(12.0) / pow(10.0, tensor->errors.sqnr_db / 20.0);
}

/* Whether rows may be cut into groups of this size: formats of engines want whole ones. */
static int fits_rows(const cli_options *options, uint64_t row, uint64_t group)
{
    const clq_file_request *file = &options->file;
    const int is_own = file->format == CLQ_FORMAT_CLQUANT ||
                       (file->format == CLQ_FORMAT_BY_OUTPUT && file->config_file == NULL &&
                        (clq_ends_with(file->output, ".safetensors") || clq_ends_with(file->output, CLQ_INDEX_SUFFIX)));
    return row > group && (is_own || row % group == 0);
}

/* Groups find their own ranges, least and greatest, and no engine gives scales for each token beside them. */
static int allows_groups(const cli_options *options)
{
    const clq_file_request *file = &options->file;
    return file->calibration.kind == CLQ_CALIBRATE_MINMAX && file->activations <= CLQ_ACTIVATIONS_NONE;
}

/* The next finer granularity that makes sense and that this run would take, in words. 0: there is none. */
static int finer(const cli_options *options, const clq_file_tensor *tensor, char *out, size_t capacity)
{
    const clq_layout *layout = &tensor->q.layout;
    const int is_block = layout->granularity == CLQ_PER_BLOCK;
    const uint64_t row = layout->rank > 0 ? layout->shape[is_block ? layout->axis : layout->rank - 1] : 1;
    const int is_given = options->file.ranges_file != NULL && options->file.activations != CLQ_ACTIVATIONS_STATIC;
    if (is_given) { /* the granularity is that of the ranges; the channels of activations come last */
        snprintf(out, capacity, "'clquant calibrate' with --granularity channel --axis %u", (unsigned)layout->rank - 1);
        return layout->granularity == CLQ_PER_TENSOR && layout->rank >= 2;
    }
    if (layout->granularity == CLQ_PER_TENSOR && layout->rank >= 2) {
        snprintf(out, capacity, "--granularity channel");
        return 1;
    }
    if (cli_has_group_size(layout) && layout->group_size > 32 && fits_rows(options, row, 32)) {
        snprintf(out, capacity, "--group-size 32");
        return 1;
    }
    if (!cli_has_group_size(layout) && row >= 64 && allows_groups(options)) {
        const int size = row >= 256 && fits_rows(options, row, 128) ? 128 : 32;
        snprintf(out, capacity, "--granularity group --group-size %d", size);
        return fits_rows(options, row, (uint64_t)size);
    }
    return 0;
}

void cli_report_hint(const cli_options *options, const clq_file_report *report)
{
    const clq_file_tensor *worst = find_worst(report);
    const char *given = options->scale != NULL ? "--scale" : options->file.has_range ? "--range" : NULL;
    char shown[200];
    char words[400];
    char advice[500];
    double share;
    if (worst == NULL) {
        return;
    }
    clq_printable(shown, sizeof shown, worst->name, strlen(worst->name));
    share = (double)worst->clipped / (double)worst->elements;
    if (share > MUCH_CLIPPED && options->file.block == CLQ_BLOCK_NONE) { /* a .gguf takes no calibration */
        cli_line(stdout, "hint: %.*g%% of '%s' lie beyond the codes: a %s clips fewer",
                 cli_percent_digits(100.0 * share), 100.0 * share, shown,
                 given == NULL ? "method of calibration that cuts less" : "wider --range or a larger --scale");
        return;
    }
    if (worst->clipped > 0 || crest(worst) < MANY_TIMES) {
        return;
    }
    if (given != NULL) {
        cli_line(stdout,
                 "hint: the codes of '%s' reach to about %.0f times its root mean square: a smaller %s uses more "
                 "of them",
                 shown, crest(worst), given);
        return;
    }
    if (finer(options, worst, words, sizeof words)) {
        snprintf(advice, sizeof advice, "try %s", words);
    } else {
        (void)clq_shell_pattern(words, sizeof words, worst->name);
        snprintf(advice, sizeof advice, "--exclude%s%s keeps it as it is", words[0] != '\0' ? " " : "", words);
    }
    cli_line(stdout,
             "hint: the largest values of '%s' are about %.0f times the root mean square: few outliers take most "
             "codes; %s",
             shown, crest(worst), advice);
}
