/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_file IN OUT: a model file in 8 bits, on the best device there is. IN is any .safetensors or .npy of floats;
 * `clquant sample mobilenet-v2 -o IN` makes one. */
#include <stdio.h>

#include <clquant/clquant.h>

int main(int argc, char **argv)
{
    clq_context *context = NULL;
    clq_file_report *report = NULL;
    clq_error e = {0};
    clq_file_request request;
    clq_file_request_init(&request); /* symmetric, s8, a scale for each row */
    request.input = argc == 3 ? argv[1] : NULL;
    request.output = argc == 3 ? argv[2] : NULL;
    int bad = clq_context_create("auto", &context, &e) != CLQ_OK ||
              clq_file_quantize(context, &request, NULL, &report, &e) != CLQ_OK;
    for (size_t i = 0; !bad && i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        if (tensor->measured) {
            printf("%s: %.2f dB\n", tensor->name, tensor->errors.sqnr_db);
        }
    }
    clq_file_report_destroy(&report);
    clq_context_destroy(&context);
    return bad ? (fprintf(stderr, "%s\n", e.message), 1) : 0;
}
