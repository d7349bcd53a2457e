/* SPDX-License-Identifier: Apache-2.0 */
#include "model/file_format.h"

#include "format/folder.h"
#include "model/folder_output.h"

static const clq_format *const FORMATS[] = {&clq_format_clquant, &clq_format_int_quantized, &clq_format_pack_quantized,
                                            &clq_format_gguf};
enum { COUNT = sizeof FORMATS / sizeof FORMATS[0] };

/* The format that has files of this name to itself, or NULL. */
static const clq_format *owner_of(const char *path)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (FORMATS[i]->file_suffix != NULL && clq_ends_with(path, FORMATS[i]->file_suffix)) {
            return FORMATS[i];
        }
    }
    return NULL;
}

static const clq_format *named(clq_file_format id)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (FORMATS[i]->id == id) {
            return FORMATS[i];
        }
    }
    return NULL;
}

/* A folder is what engines load, and a configuration is asked for by those who feed one. */
static clq_file_format by_output(const clq_file_request *request)
{
    return request->config_file != NULL || clq_request_writes_folder(request) ? CLQ_FORMAT_COMPRESSED_TENSORS
                                                                              : CLQ_FORMAT_CLQUANT;
}

clq_status clq_format_of(const clq_file_request *request, const clq_model *model, const clq_format **format,
                         clq_error *error)
{
    const int is_folder = clq_request_writes_folder(request);
    const clq_format *owner = owner_of(is_folder ? model->path : request->output);
    *format = request->format != CLQ_FORMAT_BY_OUTPUT ? named(request->format)
              : owner != NULL                         ? owner
                                                      : named(by_output(request));
    CLQ_REQUIRE(*format != NULL, "--format: %d is no format of files", (int)request->format);
    CLQ_REQUIRE((unsigned)request->block <= CLQ_BLOCK_Q4_0, "%d is no type of blocks", (int)request->block);
    CLQ_REQUIRE(is_folder || (*format)->file_suffix == NULL || owner == *format,
                "--format %s: the name of the output must end in %s", (*format)->name, (*format)->file_suffix);
    CLQ_REQUIRE(is_folder || owner == NULL || owner == *format,
                "a name that ends in %s is that of a file in --format %s, and another format is asked for",
                owner->file_suffix, owner->name);
    CLQ_REQUIRE((*format)->has_blocks || request->block == CLQ_BLOCK_NONE,
                "--dtype q8_0 and q4_0: such blocks are for an output whose name ends in .gguf");
    return CLQ_OK;
}
