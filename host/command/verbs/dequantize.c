/* SPDX-License-Identifier: Apache-2.0 */
/* clquant dequantize: one call of clq_file_dequantize, and what it did. */
#include <inttypes.h>

#include "command/verbs/file_report.h"
#include "command/verbs/report.h"

static void print_json(const clq_file_report *report)
{
    clq_json_writer json;
    cli_json_begin(&json);
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        if (tensor->outcome == CLQ_FILE_PROCESSED) {
            clq_json_writer_open(&json, '{');
            clq_json_writer_name_and_shape(&json, tensor->name, tensor->target.rank, tensor->target.shape);
            clq_json_writer_key(&json, "quantized_dtype");
            clq_json_writer_string(&json, tensor->source.dtype);
            clq_json_writer_key(&json, "dtype");
            clq_json_writer_string(&json, tensor->target.dtype);
            clq_json_writer_key(&json, "infinite");
            clq_json_writer_u64(&json, tensor->nonfinite.count);
            clq_json_writer_close(&json, '}');
        }
    }
    clq_json_writer_close(&json, ']');
    cli_report_json_copied(&json, report);
    cli_report_json_summary(&json, report);
    cli_json_end(&json);
}

static clq_status print_lines(const cli_options *options, const clq_file_report *report, clq_error *error)
{
    const clq_dtype real = options->file.dtype != 0 ? options->file.dtype : CLQ_F32;
    char in[64];
    char out[64];
    clq_format_bytes(in, sizeof in, report->bytes_in);
    clq_format_bytes(out, sizeof out, report->bytes_out);
    CLQ_TRY(cli_devices_table(report, error));
    cli_print_copied_files(report);
    cli_line(stdout, "%zu dequantized to %s, %zu copied: %s -> %s (%" PRIu64 " bytes), %.2f s on %s",
             report->processed_count, clq_dtype_name(real), report->tensor_count - report->processed_count, in, out,
             report->bytes_out, report->seconds, report->device);
    return CLQ_OK;
}

static int tell(const cli_options *options, const clq_file_request *request, const clq_file_report *report,
                clq_status status, clq_error *error)
{
    if (options->json && (status == CLQ_OK || (status == CLQ_REFUSED && report->tensor_count > 0))) {
        print_json(report);
    } else if (status == CLQ_OK && !options->quiet) {
        status = print_lines(options, report, error);
    }
    return cli_report_end(report != NULL && report->is_written ? request->output : NULL, status, error);
}

int cli_dequantize(const cli_options *options)
{
    clq_file_request request = options->file;
    request.input = options->positional.items[0];
    return cli_run_files(options, clq_file_dequantize, &request, tell);
}
