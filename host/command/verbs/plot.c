/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include "command/verbs/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command/verbs/verify.h"
#include "format/folder.h"
#include "format/model.h"
#include "format/output_path.h"
#include "format/support.h"
#include "format/writer.h"

/* In units of the picture. */
enum {
    WIDTH = 960,
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

/* Links are written through, and they must not lead to weights, an index or a configuration: to another picture. */
static clq_status check_link(const char *path, clq_error *error)
{
    char *target = realpath(path, NULL);
    const int is_other = target != NULL && !clq_ends_with(target, ".svg");
    free(target);
    CLQ_REQUIRE(!is_other, "--plot %s: is a link to a file that does not end in .svg, as is required",
                clq_show_path(path).text);
    return CLQ_OK;
}

/* What can be known before the work is: that the picture can be written, and over no file of an input. */
static clq_status check_path(const cli_options *options, clq_error *error)
{
    const cli_list *inputs = &options->positional;
    const char *output = options->file.output;
    const int makes_folder = output != NULL && (clq_ends_with(output, "/") || clq_is_folder(inputs->items[0]));
    clq_status status = CLQ_OK;
    if (makes_folder && !clq_path_has_folder(options->plot)) {
        return CLQ_OK; /* it may be the one that will be made */
    }
    CLQ_TRY(check_link(options->plot, error));
    for (size_t i = 0; status == CLQ_OK && i < inputs->count; i++) {
        clq_model *model = NULL;
        /* One that cannot be read is the call's to refuse. */
        if (clq_model_open_from(inputs->items[i], CLQ_OPEN_FOLDERS | CLQ_OPEN_FOLLOW_LINKS, &model, error) == CLQ_OK) {
            status = clq_path_check(options->plot, model, 1, error);
        }
        clq_model_close(&model);
    }
    return status;
}

int cli_check_plot(const cli_options *options)
{
    clq_error error;
    if (options->plot == NULL) {
        return CLI_OK;
    }
    if (!clq_ends_with(options->plot, ".svg")) {
        return cli_usage_error("--plot %s: required is a file that ends in .svg", options->plot);
    }
    if (options->file.dry_run) {
        return cli_usage_error("--plot and --dry-run cannot both be given: a dry run measures nothing");
    }
    for (size_t i = 0; i < options->positional.count; i++) {
        if (clq_path_same(options->plot, options->positional.items[i])) {
            return cli_usage_error("--plot %s: is an input, which is never written", options->plot);
        }
    }
    if (options->file.output != NULL && clq_path_same(options->plot, options->file.output)) {
        return cli_usage_error("--plot %s: is the output too; a file of its own is required", options->plot);
    }
    if (options->file.config_file != NULL && clq_path_same(options->plot, options->file.config_file)) {
        return cli_usage_error("--plot %s: is that of --emit-config too; a file of its own is required", options->plot);
    }
    return check_path(options, &error) == CLQ_OK ? CLI_OK : cli_report(&error);
}

/* ---- what is drawn ---- */

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

/* Names come from files: nothing of them is markup, and what steers terminals is shown as \xNN. */
static void put_name(clq_text *text, const char *name)
{
    cli_verify_escape(text, clq_show_name(name).text);
}

static void put_head(picture *p, const char *title)
{
    const int height = BOTTOM + 36 + LINE * (int)p->worst_count;
    clq_text_format(&p->text,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                    "role=\"img\">\n",
                    (int)WIDTH, height, (int)WIDTH, height);
    clq_text_put(&p->text, "<style>\n"
                           "svg{background:#fff;color:#222;font:13px system-ui,sans-serif}text{fill:currentColor}\n"
                           ".grid{stroke:#ddd}.dot{fill:#2b6cb0}.worst{fill:#c2410c}.gate{stroke:#c2410c}\n"
                           "@media (prefers-color-scheme:dark){svg{background:#161616;color:#ddd}\n"
                           ".grid{stroke:#3a3a3a}.dot{fill:#7cb7f0}.worst{fill:#f6a26b}.gate{stroke:#f6a26b}}\n"
                           "</style>\n<title>SQNR by tensor, ");
    put_name(&p->text, title);
    clq_text_put(&p->text, "</title>\n<text x=\"16\" y=\"24\" font-size=\"15\">SQNR by tensor, ");
    put_name(&p->text, title);
    clq_text_put(&p->text, "</text>\n");
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
        put_name(&p->text, tensor->name);
        clq_text_format(&p->text, ": %.2f dB</title></circle>\n", tensor->errors.sqnr_db);
        if (rank > 0) {
            clq_text_format(&p->text, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%zu</text>\n", x, y - 8.0,
                            rank);
        }
    }
    for (size_t i = 0; i < p->worst_count; i++) {
        clq_text_format(&p->text, "<text x=\"%d\" y=\"%d\">%zu  %.2f dB  ", (int)LEFT,
                        BOTTOM + 24 + LINE * ((int)i + 1), i + 1, p->worst[i]->errors.sqnr_db);
        put_name(&p->text, p->worst[i]->name);
        clq_text_put(&p->text, "</text>\n");
    }
}

clq_status cli_plot_sqnr(const cli_options *options, const clq_file_report *report, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *writer = NULL;
    picture p = {0};
    const char *title;
    char *bytes = NULL;
    size_t length = 0;
    if (options->plot == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY_TO(gather(&p, options, report, error));
    title = options->positional.items[options->positional.count - 1];
    put_head(&p, clq_path_file_name(title)[0] != '\0' ? clq_path_file_name(title) : title); /* "folder/" */
    put_axes(&p, options);
    put_points(&p);
    clq_text_put(&p.text, "</svg>\n");
    CLQ_TRY_TO(clq_text_take(&p.text, "a picture", &bytes, &length, error));
    CLQ_TRY_TO(clq_writer_open(options->plot, length, 1, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, bytes, length, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    clq_text_release(&p.text);
    free(bytes);
    free(p.points);
    return status;
}
