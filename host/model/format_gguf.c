/* SPDX-License-Identifier: Apache-2.0 */
/* The format gguf: which tensors become blocks, and of what type. */
#include <string.h>

#include "format/gguf.h"
#include "model/file_format.h"
#include "model/quantize_blocks.h"

/* The type of all tensors but the output's. */
static clq_block_type block_asked(const clq_file_request *request)
{
    return request->block != CLQ_BLOCK_NONE ? request->block : CLQ_BLOCK_Q8_0;
}

/* Options that would change blocks, which are laid out and rounded in one way. */
static const char *idle_option(const clq_file_request *request)
{
    const struct {
        int given;
        const char *option;
    } options[] = {
        {request->dtype != 0, "--dtype other than q8_0 and q4_0"},
        {request->preset != CLQ_PRESET_SYMMETRIC, "--preset"},
        {request->has_granularity, "--granularity"},
        {request->has_axis || request->axis_pattern_count > 0, "--axis"},
        {request->group_size != 128, "--group-size"},
        {request->has_rounding, "--rounding"},
        {request->has_zero_point_order, "--zero-point-order"},
        {request->has_arithmetic, "--arithmetic"},
        {request->scale != NULL || request->scale_file != NULL, "--scale"},
        {request->zero_point != NULL || request->zero_point_file != NULL, "--zero-point"},
        {request->has_range, "--range"},
        {request->ranges_file != NULL, "--ranges"},
        {request->calibration.kind != CLQ_CALIBRATE_MINMAX, "--calibrate"},
        {request->minimum_rank == 0 || request->minimum_rank == 1, "--min-rank below 2"},
        {request->activations > CLQ_ACTIVATIONS_NONE, "--activations"},
        {request->config_file != NULL, "--emit-config"},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (options[i].given) {
            return options[i].option;
        }
    }
    return NULL;
}

/* The tensor that makes the output: a model without one of its own uses that of the tokens. */
static int is_output(const clq_model *model, const char *name)
{
    return strcmp(name, "output.weight") == 0 ||
           (strcmp(name, "token_embd.weight") == 0 && clq_model_find(model, "output.weight") == SIZE_MAX);
}

/* The output gets the keys of the model, which must have some and be in one file. */
static clq_status prepare(clq_job *job, const clq_model *model, clq_output *output, clq_error *error)
{
    const clq_block_type asked = block_asked(job->request);
    const char *idle = idle_option(job->request);
    uint32_t parts;
    char shown[400];
    CLQ_REQUIRE(
        idle == NULL,
        "%s: not for a .gguf, whose blocks are laid out and rounded in one way; --dtype q8_0 or q4_0, --include "
        "and --exclude choose",
        idle);
    CLQ_TRY(clq_output_gguf_keys(output, model, error));
    parts = clq_gguf_number(model, "split.count");
    clq_printable(shown, sizeof shown, model->path, strlen(model->path));
    CLQ_REQUIRE(parts <= 1,
                "%s: is one of %u parts of a model; a whole one is required, which llama-gguf-split --merge makes",
                shown, (unsigned)parts);
    clq_output_gguf_set(output, "general.file_type", asked == CLQ_BLOCK_Q8_0 ? 7 : 2);
    clq_output_gguf_set(output, "general.quantization_version", 2);
    for (size_t i = 0; asked == CLQ_BLOCK_Q4_0 && i < model->tensor_count; i++) {
        if (is_output(model, model->tensors[i].name)) {
            clq_job_warn(job, "tensor '%s' makes the model's output: it becomes Q8_0, not Q4_0",
                         model->tensors[i].name);
        }
    }
    return CLQ_OK;
}

/* What llama.cpp leaves as it is, by parts of names. */
static const struct {
    const char *part, *reason;
} EXCEPTIONS[] = {
    {"_norm.weight", "a norm"},
    {"ffn_gate_inp", "a router of experts"},
    {"position_embd", "an embedding of positions"},
    {"sam.pos_embd", "an embedding of positions"},
    {".rel_pos", "an embedding of positions"},
    {"attn_rel_b.weight", "a bias by position"},
    {"token_types", "an embedding of types"},
    {".patch_embd", "an embedding of patches"},
    {".patch_merger", "a merger of patches"},
    {"sam.neck.", "a convolution"},
    {"sam.net_", "a convolution"},
    {"ssm_conv1d", "a convolution"},
    {"shortconv.conv.weight", "a convolution"},
    {"altup", "a small projection"},
    {"laurel", "a small projection"},
    {"per_layer_model_proj", "a small projection"},
    {"time_mix_first.weight", "a small mixing weight"},
    {"time_mix_w0.weight", "a small mixing weight"},
    {"time_mix_w1.weight", "a small mixing weight"},
    {"time_mix_w2.weight", "a small mixing weight"},
    {"time_mix_v0.weight", "a small mixing weight"},
    {"time_mix_v1.weight", "a small mixing weight"},
    {"time_mix_v2.weight", "a small mixing weight"},
    {"time_mix_a0.weight", "a small mixing weight"},
    {"time_mix_a1.weight", "a small mixing weight"},
    {"time_mix_a2.weight", "a small mixing weight"},
    {"time_mix_g1.weight", "a small mixing weight"},
    {"time_mix_g2.weight", "a small mixing weight"},
    {"time_mix_decay_w1.weight", "a small mixing weight"},
    {"time_mix_decay_w2.weight", "a small mixing weight"},
    {"time_mix_lerp_fused.weight", "a small mixing weight"},
};

/* Why a float tensor does not become blocks; NULL: it does. *falls_short when its shape is why, not what it is for. */
static const char *exception_of(const clq_model_tensor *tensor, int *falls_short)
{
    const size_t length = strlen(tensor->name);
    *falls_short = 0;
    if (length < 6 || strcmp(tensor->name + length - 6, "weight") != 0) {
        return "its name does not end in weight";
    }
    for (size_t i = 0; i < sizeof EXCEPTIONS / sizeof EXCEPTIONS[0]; i++) {
        if (strstr(tensor->name, EXCEPTIONS[i].part) != NULL) {
            return EXCEPTIONS[i].reason;
        }
    }
    *falls_short = tensor->rank == 0 || tensor->shape[tensor->rank - 1] % CLQ_BLOCK_ELEMENTS != 0;
    return *falls_short ? "its rows are not whole blocks of 32" : NULL;
}

static clq_status begin(const clq_file_request *request, clq_model_plan *plan, clq_error *error)
{
    (void)error; /* all was refused before there was a plan */
    plan->block = block_asked(request);
    plan->stored_type = clq_block_name(plan->block);
    plan->activations = CLQ_ACTIVATIONS_NONE;
    return CLQ_OK;
}

static void choose_tensor(const clq_file_request *request, clq_model_plan *plan, clq_model_plan_tensor *tensor)
{
    int falls_short = 0;
    const char *reason = exception_of(&plan->model->tensors[tensor->index], &falls_short);
    if (reason != NULL) { /* what is named is asked for, whatever it is for */
        clq_model_plan_copy(plan, tensor, falls_short || request->include.count > 0, "%s", reason);
    }
}

/* That of Q4_0 says what codes there are, and no device sees it. */
static clq_status describe_scheme(clq_block_type block, clq_scheme *scheme, clq_error *error)
{
    CLQ_TRY(clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, CLQ_S8, scheme, error));
    scheme->rounding = CLQ_ROUND_AWAY;
    scheme->arithmetic = CLQ_RECIPROCAL;
    if (block == CLQ_BLOCK_Q4_0) {
        scheme->qmin = -8;
        scheme->qmax = 7;
    }
    return CLQ_OK;
}

static clq_status lay_out(const clq_model_plan *plan, clq_model_plan_tensor *tensor, clq_error *error)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    clq_layout *layout = &tensor->q.layout;
    tensor->block = is_output(plan->model, source->name) ? CLQ_BLOCK_Q8_0 : plan->block;
    tensor->falls_short = tensor->block != plan->block;
    tensor->stored_type = clq_block_name(tensor->block);
    tensor->by_host = tensor->block == CLQ_BLOCK_Q4_0; /* no operation rounds like it */
    layout->rank = source->rank;
    memcpy(layout->shape, source->shape, source->rank * sizeof *source->shape);
    layout->granularity = CLQ_PER_GROUP;
    layout->group_size = CLQ_BLOCK_ELEMENTS;
    return describe_scheme(tensor->block, &tensor->q.scheme, error);
}

/* One part: the scales are among the codes. */
static clq_status describe(const clq_file_request *request, const clq_model_plan *plan, clq_model_plan_tensor *tensor,
                           clq_error *error)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    clq_plan_part *codes = &tensor->parts[CLQ_PART_CODES];
    (void)request;
    codes->dtype = tensor->stored_type;
    codes->bytes = tensor->parameters * clq_block_bytes(tensor->block);
    codes->rank = source->rank;
    memcpy(codes->shape, source->shape, source->rank * sizeof *source->shape);
    return clq_part_name(plan->model, source->name, "", "codes", codes, error);
}

const clq_format clq_format_gguf = {.id = CLQ_FORMAT_GGUF,
                                    .name = "gguf",
                                    .has_blocks = 1,
                                    .file_suffix = ".gguf",
                                    .prepare = prepare,
                                    .begin = begin,
                                    .select = choose_tensor,
                                    .lay_out = lay_out,
                                    .describe = describe,
                                    .quantize = clq_blocks_quantize,
                                    .store_scale = clq_blocks_store_scale,
                                    .settle = clq_blocks_settle,
                                    .write_codes = clq_blocks_write};
