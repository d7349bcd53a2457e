/* SPDX-License-Identifier: Apache-2.0 */
#include "model/format_gguf.h"

#include <string.h>

#include "format/gguf.h"
#include "model/file_format.h"

/* The type of all tensors but the output's, for a .gguf; else CLQ_BLOCK_NONE. */
static clq_block_type block_asked(const clq_file_request *request)
{
    if (request->output == NULL || !clq_is_gguf_name(request->output)) {
        return CLQ_BLOCK_NONE;
    }
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

clq_status clq_gguf_check_request(const clq_file_request *request, clq_error *error)
{
    const int is_gguf = clq_is_gguf_name(request->output);
    const char *idle = NULL;
    CLQ_REQUIRE((unsigned)request->block <= CLQ_BLOCK_Q4_0, "%d is no type of blocks", (int)request->block);
    CLQ_REQUIRE(is_gguf || request->format != CLQ_FORMAT_GGUF,
                "--format gguf: the name of the output must end in .gguf");
    CLQ_REQUIRE(!is_gguf || request->format == CLQ_FORMAT_BY_OUTPUT || request->format == CLQ_FORMAT_GGUF,
                "a name that ends in .gguf is that of a file in --format gguf, and another format is asked for");
    CLQ_REQUIRE(is_gguf || request->block == CLQ_BLOCK_NONE,
                "--dtype q8_0 and q4_0: such blocks are for an output whose name ends in .gguf");
    if (is_gguf) {
        idle = idle_option(request);
    }
    CLQ_REQUIRE(
        idle == NULL,
        "%s: not for a .gguf, whose blocks are laid out and rounded in one way; --dtype q8_0 or q4_0, --include "
        "and --exclude choose",
        idle);
    return CLQ_OK;
}

/* The tensor that makes the output: a model without one of its own uses that of the tokens. */
static int is_output(const clq_model *model, const char *name)
{
    return strcmp(name, "output.weight") == 0 ||
           (strcmp(name, "token_embd.weight") == 0 && clq_model_find(model, "output.weight") == SIZE_MAX);
}

clq_status clq_gguf_prepare(clq_job *job, const clq_model *model, clq_output *output, clq_error *error)
{
    const clq_block_type asked = block_asked(job->request);
    uint32_t parts;
    char shown[400];
    CLQ_TRY(clq_output_gguf_keys(output, model, error));
    if (asked == CLQ_BLOCK_NONE) {
        return CLQ_OK;
    }
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
    (void)error; /* clq_gguf_check_request came before */
    plan->block = block_asked(request);
    plan->activations = CLQ_ACTIVATIONS_NONE;
    return CLQ_OK;
}

static void choose_tensor(const clq_file_request *request, clq_model_plan *plan, clq_model_plan_tensor *tensor)
{
    int falls_short = 0;
    const char *reason = exception_of(&plan->model->tensors[tensor->index], &falls_short);
    (void)request;
    if (reason != NULL) {
        clq_model_plan_copy(plan, tensor, falls_short, "%s", reason);
    }
}

/* Codes of Q4_0 are the reference's; their scheme says what there is of them, and no device sees it. */
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
    codes->dtype = clq_block_name(tensor->block);
    codes->bytes = tensor->parameters * clq_block_bytes(tensor->block);
    codes->rank = source->rank;
    memcpy(codes->shape, source->shape, source->rank * sizeof *source->shape);
    return clq_part_name(plan->model, source->name, "", "codes", codes, error);
}

const clq_format clq_format_gguf = {.id = CLQ_FORMAT_GGUF,
                                    .name = "gguf",
                                    .begin = begin,
                                    .select = choose_tensor,
                                    .lay_out = lay_out,
                                    .describe = describe};
