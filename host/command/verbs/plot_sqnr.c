/* SPDX-License-Identifier: Apache-2.0 */
/* --plot of quantize and compare: the SQNR of each tensor, and the names of the worst. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command/verbs/plot.h"
#include "format/support.h"

/* In units of the picture. */
enum {
    LEFT = 56,
    RIGHT = 944,
    TOP = 56,
    BOTTOM = 316,
    LINE = 20,
    NAMED = 5, /* the worst */
    DECIBELS = 10
};

typedef struct picture {
    clq_text text;
    const clq_file_tensor **points; /* in the order of the file */
    size_t count;
    size_t exact;
    const clq_file_tensor *worst[NAMED]; /* the worst first */
    size_t worst_count;
    double low, high; /* of the axis */
} picture;

static void keep_worst(picture *p, const clq_file_tensor *tensor)
{
    size_t place = p->worst_count;
    while (place > 0 && tensor->errors.sqnr_db < p->worst[place - 1]->errors.sqnr_db) {
        place--;
    }
    if (place == NAMED) {
        return;
    }
    p->worst_count += p->worst_count < NAMED;
    memmove(&p->worst[place + 1], &p->worst[place], (p->worst_count - place - 1) * sizeof p->worst[0]);
    p->worst[place] = tensor;
}

static clq_status gather(picture *p, const cli_options *options, const clq_file_report *report, clq_error *error)
{
    double low = options->file.has_minimum_sqnr ? options->file.minimum_sqnr_db : INFINITY;
    double high = options->file.has_minimum_sqnr ? low : -INFINITY;
    p->points = calloc(report->tensor_count + 1, sizeof *p->points);
    if (p->points == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a picture");
    }
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        p->exact += tensor->measured && tensor->errors.exact;
        if (tensor->measured && isfinite(tensor->errors.sqnr_db)) {
            p->points[p->count++] = tensor;
            keep_worst(p, tensor);
            low = fmin(low, tensor->errors.sqnr_db);
            high = fmax(high, tensor->errors.sqnr_db);
        }
    }
    if (p->count == 0 && p->exact == 0) {
        return clq_fail(error, CLQ_REFUSED, "--plot %s: no tensor has an SQNR, so that there is nothing to draw",
                        clq_show_path(options->plot).text);
    }
    p->low = isfinite(low) ? DECIBELS * floor(low / DECIBELS) : 0.0;
    p->high = isfinite(high) ? DECIBELS * ceil(high / DECIBELS) : 0.0;
    p->high += p->high <= p->low ? DECIBELS : 0.0;
    return CLQ_OK;
}

/* ---- drawing ---- */

static double x_of(const picture *p, size_t place)
{
    return LEFT + ((double)place + 0.5) * (RIGHT - LEFT) / (double)p->count;
}

static double y_of(const picture *p, double decibels)
{
    return BOTTOM - (decibels - p->low) / (p->high - p->low) * (BOTTOM - TOP);
}

static void put_axes(picture *p, const cli_options *options)
{
    const double step = DECIBELS * ceil((p->high - p->low) / DECIBELS / 8.0);
    for (double decibels = p->low; decibels <= p->high; decibels += step) {
        clq_text_format(&p->text, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", (int)LEFT,
                        (int)RIGHT, y_of(p, decibels), y_of(p, decibels));
        clq_text_format(&p->text, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g dB</text>\n", LEFT - 6,
                        y_of(p, decibels) + 4.0, decibels);
    }
    if (options->file.has_minimum_sqnr) {
        const double y = y_of(p, options->file.minimum_sqnr_db);
        clq_text_format(&p->text,
                        "<line class=\"gate\" stroke-dasharray=\"6 4\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
                        (int)LEFT, (int)RIGHT, y, y);
    }
    clq_text_format(&p->text, "<text x=\"%d\" y=\"%d\">%zu tensors in the order of the file", (int)LEFT, BOTTOM + 20,
                    p->count);
    if (p->exact > 0) {
        clq_text_format(&p->text, "; %zu more are exact", p->exact);
    }
    if (options->file.has_minimum_sqnr) {
        clq_text_format(&p->text, "; dashed: --fail-sqnr-below %.6g", options->file.minimum_sqnr_db);
    }
    clq_text_put(&p->text, "</text>\n");
}

/* The number of a tensor among the worst, from 1; 0: it is none of them. */
static size_t rank_of(const picture *p, const clq_file_tensor *tensor)
{
    for (size_t i = 0; i < p->worst_count; i++) {
        if (p->worst[i] == tensor) {
            return i + 1;
        }
    }
    return 0;
}

static void put_points(picture *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const clq_file_tensor *tensor = p->points[i];
        const size_t rank = rank_of(p, tensor);
        const double x = x_of(p, i);
        const double y = y_of(p, tensor->errors.sqnr_db);
        clq_text_format(&p->text, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>",
                        rank > 0 ? "worst" : "dot", x, y, rank > 0 ? "4" : "2.5");
        cli_plot_name(&p->text, tensor->name, 0);
        clq_text_format(&p->text, ": %.2f dB</title></circle>\n", tensor->errors.sqnr_db);
        if (rank > 0) {
            clq_text_format(&p->text, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%zu</text>\n", x, y - 8.0,
                            rank);
        }
    }
    for (size_t i = 0; i < p->worst_count; i++) {
        clq_text_format(&p->text, "<text x=\"%d\" y=\"%d\">%zu  %.2f dB  ", (int)LEFT,
                        BOTTOM + 24 + LINE * ((int)i + 1), i + 1, p->worst[i]->errors.sqnr_db);
        cli_plot_name(&p->text, p->worst[i]->name, 105);
        clq_text_put(&p->text, "</text>\n");
    }
}

clq_status cli_plot_sqnr(const cli_options *options, const clq_file_report *report, clq_error *error)
{
    clq_status status = CLQ_OK;
    picture p = {0};
    if (options->plot == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY_TO(gather(&p, options, report, error));
    cli_plot_begin(&p.text, BOTTOM + 36 + LINE * (int)p.worst_count, "SQNR by tensor", options);
    put_axes(&p, options);
    put_points(&p);
    status = cli_plot_end(&p.text, options, error);
done:
    free(p.points);
    return status;
}
