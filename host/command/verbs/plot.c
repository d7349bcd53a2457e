/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include "command/verbs/plot.h"

#include <stdlib.h>
#include <string.h>

#include "command/frame/width.h"
#include "command/verbs/verify.h"
#include "format/folder.h"
#include "format/model.h"
#include "format/output_path.h"
#include "format/support.h"
#include "format/writer.h"

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
    const char *const given[] = {options->scale, options->zero_point, options->file.ranges_file};
    const cli_list *inputs = &options->positional;
    const char *output = options->file.output;
    const int makes_folder = output != NULL && (clq_ends_with(output, "/") || clq_is_folder(inputs->items[0]));
    clq_status status = CLQ_OK;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        CLQ_TRY(clq_path_refuse_input(options->plot, given[i], error));
    }
    if (makes_folder && !clq_path_has_folder(options->plot)) {
        return CLQ_OK; /* it may be the one that will be made */
    }
    CLQ_TRY(check_link(options->plot, error));
    for (size_t i = 0; status == CLQ_OK && i < inputs->count; i++) {
        clq_model *model = NULL;
        /* One that cannot be read is the call's to refuse. */
        if (clq_model_open_from(inputs->items[i], CLQ_OPEN_FOLDERS | CLQ_OPEN_FOLLOW_LINKS, &model, error) == CLQ_OK) {
            status = clq_path_check(options->plot, model, options->file.replace, error);
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

/* ---- what all pictures share ---- */

/* Nothing of a name, which comes from a file, is markup, and what steers terminals is shown as \xNN. */
void cli_plot_name(clq_text *text, const char *name, size_t columns)
{
    clq_shown shown = clq_show_name(name);
    if (columns > 0) {
        cli_elide(shown.text, columns);
    }
    cli_verify_escape(text, shown.text);
}

void cli_plot_begin(clq_text *text, int height, const char *title, const cli_options *options)
{
    const char *path = options->positional.items[options->positional.count - 1];
    const char *name = clq_path_file_name(path)[0] != '\0' ? clq_path_file_name(path) : path; /* "folder/" */
    clq_text_format(text,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                    "role=\"img\">\n",
                    (int)CLI_PLOT_WIDTH, height, (int)CLI_PLOT_WIDTH, height);
    clq_text_put(text, "<style>\n"
                       "svg{max-width:100%;height:auto;background:#fff;color:#222;font:13px "
                       "system-ui,sans-serif}text{fill:currentColor;white-space:pre}\n"
                       ".grid{stroke:#ddd}.dot{fill:#2b6cb0}.worst{fill:#c2410c}.gate{stroke:#c2410c}\n"
                       "@media (prefers-color-scheme:dark){svg{background:#161616;color:#ddd}\n"
                       ".grid{stroke:#3a3a3a}.dot{fill:#7cb7f0}.worst{fill:#f6a26b}.gate{stroke:#f6a26b}}\n"
                       "</style>\n");
    clq_text_format(text, "<title>%s, ", title);
    cli_plot_name(text, name, 0);
    clq_text_format(text, "</title>\n<text x=\"16\" y=\"24\" font-size=\"15\">%s, ", title);
    cli_plot_name(text, name, 60);
    clq_text_put(text, "</text>\n");
}

clq_status cli_plot_end(clq_text *text, const cli_options *options, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *writer = NULL;
    char *bytes = NULL;
    size_t length = 0;
    clq_text_put(text, "</svg>\n");
    CLQ_TRY_TO(clq_text_take(text, "a picture", &bytes, &length, error));
    CLQ_TRY_TO(clq_writer_open(options->plot, length, options->file.replace, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, bytes, length, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    clq_text_release(text);
    free(bytes);
    return status;
}
