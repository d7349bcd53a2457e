/* SPDX-License-Identifier: Apache-2.0 */
/* --plot of calibrate: histograms of the tensors that lose most, with the range found and the one chosen. */
#include <math.h>
#include <string.h>

#include "command/verbs/plot.h"
#include "format/support.h"

/* In units of the picture. */
enum {
    BESIDE = 2, /* panels */
    LEFT = 52,
    TOP = 74,
    ACROSS = 464, /* from panel to panel */
    DOWN = 184,
    COLUMNS = 128,            /* which divides both numbers of bins */
    PLOT_WIDTH = 3 * COLUMNS, /* whole units: no seams */
    PLOT_TOP = 28,
    PLOT_BOTTOM = 128,
    NAME = 48
};

/* One element has a height too. */
static double height_of(uint64_t count)
{
    return count > 0 ? 1.0 + log10((double)count) : 0.0;
}

/* One panel. */
typedef struct histogram {
    const clq_file_tensor *tensor;
    float found[2], chosen[2];
    double ends[2]; /* of the axis: of |x| for a symmetric scheme */
    double cut[2];  /* the range chosen, on the axis */
    uint64_t all, beyond;
    double most; /* height_of the highest column */
    uint64_t kept[COLUMNS], lost[COLUMNS];
    double x, y; /* of the panel */
} histogram;

static int is_kept(const histogram *h, uint32_t bin, uint32_t bins)
{
    const clq_file_tensor *tensor = h->tensor;
    const double centre = h->ends[0] + (h->ends[1] - h->ends[0]) * (bin + 0.5) / bins;
    if (tensor->kept == NULL) {
        return 1;
    }
    if (tensor->threshold != NULL) {
        const uint32_t end = tensor->threshold[tensor->worst_parameter].bins;
        return end == 0 || bin < end;
    }
    return centre >= h->cut[0] && centre <= h->cut[1];
}

static void gather(histogram *h, const clq_file_tensor *tensor)
{
    const uint64_t p = tensor->worst_parameter;
    const uint32_t bins = clq_histogram_bins(&tensor->q.scheme);
    memset(h, 0, sizeof *h);
    h->tensor = tensor;
    memcpy(h->found, &tensor->found_range[2 * p], sizeof h->found);
    memcpy(h->chosen, &tensor->range[2 * p], sizeof h->chosen);
    if (tensor->q.scheme.symmetric) {
        h->ends[1] = fmax(fabs((double)h->found[0]), fabs((double)h->found[1]));
        h->cut[1] = fmax(fabs((double)h->chosen[0]), fabs((double)h->chosen[1]));
    } else {
        h->ends[0] = (double)h->found[0];
        h->ends[1] = (double)h->found[1];
        h->cut[0] = (double)h->chosen[0];
        h->cut[1] = (double)h->chosen[1];
    }
    for (uint32_t b = 0; b < bins; b++) {
        const uint64_t count = tensor->worst_histogram[b];
        const uint32_t column = b / (bins / COLUMNS);
        if (is_kept(h, b, bins)) {
            h->kept[column] += count;
        } else {
            h->lost[column] += count;
            h->beyond += count;
        }
        h->all += count;
        h->most = fmax(h->most, height_of(h->kept[column] + h->lost[column]));
    }
}

/* ---- drawing ---- */

static double x_of(const histogram *h, double value)
{
    const double width = h->ends[1] - h->ends[0];
    return h->x + (width > 0.0 ? (value - h->ends[0]) / width * PLOT_WIDTH : PLOT_WIDTH); /* one number: the last bin */
}

static double y_of(const histogram *h, double height)
{
    return h->y + PLOT_BOTTOM - height / h->most * (PLOT_BOTTOM - PLOT_TOP);
}

static void put_heading(clq_text *text, const histogram *h, size_t rank)
{
    const clq_file_tensor *tensor = h->tensor;
    const int has_channels = tensor->q.layout.granularity == CLQ_PER_CHANNEL;
    clq_text_format(text, "<text x=\"%.0f\" y=\"%.0f\">%zu  ", h->x, h->y, rank);
    if (isfinite(tensor->expected_sqnr_db)) {
        clq_text_format(text, "%.2f dB  ", tensor->expected_sqnr_db);
    } else {
        clq_text_put(text, "exact  ");
    }
    cli_plot_name(text, tensor->name, has_channels ? NAME - 16 : NAME);
    if (has_channels) {
        clq_text_format(text, ", channel %llu", (unsigned long long)tensor->worst_parameter);
    }
    clq_text_put(text, "<title>");
    cli_plot_name(text, tensor->name, 0);
    clq_text_format(text, "</title></text>\n<text x=\"%.0f\" y=\"%.0f\" font-size=\"12\">found [%.4g, %.4g], ", h->x,
                    h->y + 17.0, (double)h->found[0], (double)h->found[1]);
    clq_text_format(text, "chosen [%.4g, %.4g]</text>\n", (double)h->chosen[0], (double)h->chosen[1]);
}

/* Powers of ten, and the ends of what was found. */
static void put_axes(clq_text *text, const histogram *h)
{
    const int step = h->most > 5.0 ? 2 : 1;
    const double below = y_of(h, 0.0) + 14.0;
    for (int power = 0; power + 1.0 <= h->most; power += step) {
        const double y = y_of(h, power + 1.0);
        clq_text_format(text, "<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", h->x,
                        h->x + PLOT_WIDTH, y, y);
        clq_text_format(text, "<text x=\"%.0f\" y=\"%.1f\" font-size=\"11\" text-anchor=\"end\">", h->x - 5.0, y + 4.0);
        clq_text_format(text, "%s%.0f</text>\n", power < 4 ? "" : "1e", power < 4 ? pow(10.0, power) : power);
    }
    clq_text_format(text, "<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", h->x,
                    h->x + PLOT_WIDTH, y_of(h, 0.0), y_of(h, 0.0));
    clq_text_format(text, "<text x=\"%.0f\" y=\"%.1f\" font-size=\"11\">%.4g</text>\n", h->x, below, h->ends[0]);
    clq_text_format(text, "<text x=\"%.0f\" y=\"%.1f\" font-size=\"11\" text-anchor=\"middle\">%.3g%% beyond</text>\n",
                    h->x + PLOT_WIDTH / 2.0, below, 100.0 * (double)h->beyond / (double)h->all);
    clq_text_format(text, "<text x=\"%.0f\" y=\"%.1f\" font-size=\"11\" text-anchor=\"end\">%s%.4g</text>\n",
                    h->x + PLOT_WIDTH, below, h->tensor->q.scheme.symmetric ? "|x| " : "", h->ends[1]);
}

/* A column is of the kind that most of its elements are of. */
static void put_columns(clq_text *text, const histogram *h, int lost)
{
    const double width = PLOT_WIDTH / COLUMNS;
    clq_text_format(text, "<path class=\"%s\" shape-rendering=\"crispEdges\" d=\"", lost ? "worst" : "dot");
    for (size_t i = 0; i < COLUMNS; i++) {
        const uint64_t count = h->kept[i] + h->lost[i];
        if (count > 0 && (h->lost[i] > h->kept[i]) == lost) {
            clq_text_format(text, "M%.1f %.1fh%.1fV%.1fh-%.1fz", h->x + width * (double)i, y_of(h, height_of(count)),
                            width, y_of(h, 0.0), width);
        }
    }
    clq_text_put(text, "\"/>\n");
}

static void put_cut(clq_text *text, const histogram *h, double value)
{
    clq_text_format(text,
                    "<line class=\"gate\" stroke-dasharray=\"6 4\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
                    x_of(h, value), x_of(h, value), h->y + PLOT_TOP - 4.0, y_of(h, 0.0));
}

static void put_panel(clq_text *text, const histogram *h, size_t rank)
{
    put_heading(text, h, rank);
    put_axes(text, h);
    put_columns(text, h, 0);
    put_columns(text, h, 1);
    if (!h->tensor->q.scheme.symmetric) {
        put_cut(text, h, h->cut[0]);
    }
    put_cut(text, h, h->cut[1]);
}

/* The report's tensors that have a histogram, the worst first. */
static size_t sort(const clq_file_report *report, const clq_file_tensor **worst)
{
    size_t count = 0;
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        size_t place = count;
        if (tensor->worst_histogram == NULL || count == CLQ_FILE_WORST_COUNT) {
            continue;
        }
        for (; place > 0 && tensor->expected_sqnr_db < worst[place - 1]->expected_sqnr_db; place--) {
            worst[place] = worst[place - 1];
        }
        worst[place] = tensor;
        count++;
    }
    return count;
}

clq_status cli_plot_histograms(const cli_options *options, const clq_file_report *report, clq_error *error)
{
    const clq_file_tensor *worst[CLQ_FILE_WORST_COUNT];
    clq_text text = {0};
    size_t count;
    if (options->plot == NULL) {
        return CLQ_OK;
    }
    count = sort(report, worst);
    if (count == 0) {
        return clq_fail(error, CLQ_REFUSED,
                        "--plot %s: no tensor has a finite number other than 0, so that there is nothing to draw",
                        clq_show_path(options->plot).text);
    }
    cli_plot_begin(&text, TOP + DOWN * (int)((count + BESIDE - 1) / BESIDE) - 28, "What was calibrated", options);
    clq_text_format(
        &text,
        "<text x=\"16\" y=\"44\">%zu of %zu tensor%s, the worst by the SQNR to be expected: elements by value, log "
        "scale;",
        count, report->tensor_count, report->tensor_count == 1 ? "" : "s");
    clq_text_put(&text, " dashed: the range chosen</text>\n");
    for (size_t i = 0; i < count; i++) {
        histogram h;
        gather(&h, worst[i]);
        h.x = LEFT + ACROSS * (double)(i % BESIDE);
        h.y = TOP + DOWN * (double)(i / BESIDE);
        put_panel(&text, &h, i + 1);
    }
    return cli_plot_end(&text, options, error);
}
