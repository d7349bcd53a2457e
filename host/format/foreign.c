/* SPDX-License-Identifier: Apache-2.0 */
#include "format/foreign.h"

#include <stdlib.h>
#include <string.h>

#include "format/support.h"

/* Types of codes. */
enum {
    I8 = 1u,
    U8 = 2u,
    WORD = 4u,  /* of 16 bits and more, with several codes in each */
    F8 = 8u,    /* floating point of 8 bits and less */
    REAL = 16u, /* a type of real numbers that codes are packed into */
    BYTE = I8 | U8,
    ANY = I8 | U8 | WORD | F8 | REAL
};

/*
 * STEM + parameter is a parameter where STEM + codes is there, of one of these types, and STEM + beside (NULL: nothing
 * else) too. The first row that fits names the format, so what asks for more comes first.
 */
typedef struct foreign_row {
    const char *parameter, *codes;
    unsigned types;
    const char *beside;
    const char *format;
} foreign_row;

static const char FP8[] = "FP8 with scales";
static const char FP8_BLOCKS[] = "FP8 with block scales (DeepSeek)";
static const char STATIC_INPUTS[] = "compressed-tensors with static activations";
static const char PACKED[] = "compressed-tensors pack-quantized";
static const char NVFP4_PACKED[] = "compressed-tensors nvfp4-pack-quantized";
static const char NVFP4[] = "NVFP4 of ModelOpt";
static const char BITSANDBYTES_4[] = "bitsandbytes 4-bit";
static const char BITSANDBYTES_8[] = "bitsandbytes LLM.int8";
static const char QUANTO[] = "quanto";
static const char TORCHAO[] = "torchao";

static const foreign_row ROWS[] = {
    {"_scale_inv", "", F8, NULL, FP8_BLOCKS},
    {"_scale_2", "", BYTE, NULL, NVFP4},
    {"_scale", "", F8, NULL, FP8},
    {".activation_scale", ".weight", F8, NULL, FP8},
    {".qscale_weight", ".weight", F8, NULL, FP8},
    {".qscale_act", ".weight", F8, NULL, FP8},
    {".scale_weight", ".weight", F8, NULL, FP8},
    {".scale_input", ".weight", F8, NULL, FP8},
    {".input_scale", ".weight", F8, NULL, FP8},
    {".output_scale", ".weight", F8, NULL, FP8},
    {".k_scale", ".k_proj.weight", F8 | BYTE, NULL, FP8},
    {".v_scale", ".v_proj.weight", F8 | BYTE, NULL, FP8},
    {".input_scale", ".weight", BYTE, NULL, STATIC_INPUTS},
    {".output_scale", ".weight", BYTE, NULL, STATIC_INPUTS},
    {".input_scale", ".weight_packed", WORD, NULL, STATIC_INPUTS},
    {"_scale", "_packed", WORD, NULL, PACKED},
    {"_zero_point", "_packed", WORD, NULL, PACKED},
    {"_shape", "_packed", WORD, NULL, PACKED},
    {"_g_idx", "_packed", WORD, NULL, PACKED},
    {"_scale", "_packed", U8, NULL, NVFP4_PACKED},
    {"_global_scale", "_packed", U8, NULL, NVFP4_PACKED},
    {".input_global_scale", ".weight_packed", U8, NULL, NVFP4_PACKED},
    {".absmax", "", ANY, ".quant_map", BITSANDBYTES_4},
    {".quant_map", "", ANY, ".absmax", BITSANDBYTES_4},
    {".nested_absmax", "", ANY, ".quant_map", BITSANDBYTES_4},
    {".nested_quant_map", "", ANY, ".quant_map", BITSANDBYTES_4},
    {".nested_offset", "", ANY, ".quant_map", BITSANDBYTES_4},
    {".SCB", ".weight", I8, NULL, BITSANDBYTES_8},
    {".weight_format", ".weight", I8, NULL, BITSANDBYTES_8},
    {".scales", ".qweight", WORD, ".g_idx", "GPTQ"},
    {".qzeros", ".qweight", WORD, ".g_idx", "GPTQ"},
    {".g_idx", ".qweight", WORD, NULL, "GPTQ"},
    {".scales", ".qweight", WORD, ".qzeros", "AWQ"},
    {".scales", ".qweight", WORD, NULL, "GPTQ or AWQ"},
    {".qzeros", ".qweight", WORD, NULL, "AWQ"},
    {".zeros", ".qweight", WORD, NULL, "GPTQ or AWQ"},
    {".scaled_zeros", ".qweight", WORD, NULL, "AWQ"},
    {".s", ".B", WORD, NULL, "Marlin"},
    {".scale", ".W_q", BYTE | WORD | REAL, ".zero", "HQQ"},
    {".zero", ".W_q", BYTE | WORD | REAL, ".scale", "HQQ"},
    {"_scales", "_blocks", U8, NULL, "MXFP4"},
    {"_scales", "", I8, NULL, "EETQ"},
    {"._scale", "._data", BYTE | F8, NULL, QUANTO},
    {"._shift", "._data", BYTE | F8, NULL, QUANTO},
    {"._zeropoint", "._data", BYTE | F8, NULL, QUANTO},
    {".input_scale", ".weight._data", BYTE | F8, NULL, QUANTO},
    {".output_scale", ".weight._data", BYTE | F8, NULL, QUANTO},
    {"_scale", "_qdata", BYTE | WORD | F8, NULL, TORCHAO},
    {"_zero_point", "_qdata", BYTE | WORD | F8, NULL, TORCHAO},
    {":scale", ":qdata", BYTE | WORD | F8, NULL, TORCHAO},
    {":zero_point", ":qdata", BYTE | WORD | F8, NULL, TORCHAO},
    {".scales", ".weight", WORD, ".biases", "MLX"},
    {".biases", ".weight", WORD, ".scales", "MLX"},
    {".codebooks", ".codes", I8 | WORD, NULL, "AQLM"},
    {".scales", ".codes", I8 | WORD, ".codebooks", "AQLM"},
};

static unsigned type_of(const clq_file_dtype *dtype)
{
    switch (dtype->type) {
    case CLQ_S8:
        return I8;
    case CLQ_U8:
        return U8;
    case CLQ_F32:
    case CLQ_F16:
    case CLQ_BF16:
        return REAL;
    default:
        break;
    }
    if (dtype->name[0] == 'F' && dtype->bits > 0 && dtype->bits <= 8) {
        return F8;
    }
    return (dtype->name[0] == 'I' || dtype->name[0] == 'U') && dtype->bits >= 16 ? WORD : 0;
}

/* Length of the name without the suffix; 0 when it does not end so, or is nothing else. */
static size_t stem_of(const char *name, size_t length, const char *suffix)
{
    const size_t bytes = strlen(suffix);
    return length > bytes && strcmp(name + length - bytes, suffix) == 0 ? length - bytes : 0;
}

/* Tensor STEM + suffix: its number, SIZE_MAX when there is none. `scratch` has room for the longest. */
static size_t find(const clq_model *model, const char *name, size_t stem, const char *suffix, char *scratch)
{
    memcpy(scratch, name, stem);
    strcpy(scratch + stem, suffix);
    return clq_model_find(model, scratch);
}

static int is_beside(const clq_model *model, const foreign_row *row, const char *name, size_t stem, char *scratch)
{
    return row->beside == NULL || find(model, name, stem, row->beside, scratch) != SIZE_MAX;
}

static int is_parameter(const clq_model *model, const foreign_row *row, const char *name, size_t length, char *scratch)
{
    const size_t stem = stem_of(name, length, row->parameter);
    const size_t codes = stem > 0 ? find(model, name, stem, row->codes, scratch) : SIZE_MAX;
    return codes != SIZE_MAX && (type_of(&model->tensors[codes].dtype) & row->types) != 0 &&
           is_beside(model, row, name, stem, scratch);
}

static int is_codes(const clq_model *model, const foreign_row *row, const char *name, size_t length, char *scratch)
{
    const size_t stem = stem_of(name, length, row->codes);
    return stem > 0 && find(model, name, stem, row->parameter, scratch) != SIZE_MAX &&
           is_beside(model, row, name, stem, scratch);
}

clq_status clq_foreign_find(const clq_model *model, size_t index, clq_foreign *found, clq_error *error)
{
    enum { LONGEST_SUFFIX = 32 };
    const clq_model_tensor *tensor = &model->tensors[index];
    const size_t length = strlen(tensor->name);
    const unsigned type = type_of(&tensor->dtype) & (F8 | REAL);
    char *scratch = malloc(length + LONGEST_SUFFIX);
    *found = (clq_foreign){CLQ_FOREIGN_NONE, NULL};
    if (scratch == NULL) {
        return clq_fail_memory(error, NULL);
    }
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0] && found->role == CLQ_FOREIGN_NONE; i++) {
        const foreign_row *row = &ROWS[i];
        if (is_parameter(model, row, tensor->name, length, scratch)) {
            *found = (clq_foreign){CLQ_FOREIGN_PARAMETER, row->format};
        } else if ((type & row->types) != 0 && is_codes(model, row, tensor->name, length, scratch)) {
            *found = (clq_foreign){CLQ_FOREIGN_CODES, row->format};
        }
    }
    free(scratch);
    return CLQ_OK;
}
