/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loaders want (docs/models.md): which tensors are left in float and why, the configuration as a whole, scales of
 * inputs, refusals and warnings.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format_files.h"
#include "refusal.h"
#include "scratch.h"

static const char *text_of(const char *path)
{
    static char text[4000];
    size_t length = 0;
    char *all = scratch_read(path, &length);
    assert_non_null(all);
    assert_true(length < sizeof text);
    memcpy(text, all, length + 1);
    free(all);
    return text;
}

/* ---- what is left in float ---- */

static const weights LAYER = {"model.layers.0.q_proj", 4, 64, EVERY_ROW, 8, 0, 0};
static const weights HEAD = {"lm_head", 6, 64, EVERY_ROW, 8, 0, 0};
static const weights EMBEDDING = {"model.embed_tokens", 6, 64, EVERY_ROW, 8, 0, 0};
static const weights ROUTER = {"model.layers.0.mlp.gate", 3, 64, EVERY_ROW, 8, 0, 0};

static const char *write_model(const char *name)
{
    parts list = {.count = 0};
    const char *path;
    parts_add_real(&list, &EMBEDDING);
    parts_add_real(&list, &LAYER);
    parts_add_real(&list, &ROUTER);
    parts_add_real(&list, &HEAD);
    parts_add_plain(&list, "model.norm.weight", "F32", 1, 64, 0);
    parts_add_plain(&list, "A_log", "F32", 2, 3, 5);
    path = parts_write(name, &list);
    parts_release(&list);
    return path;
}

static void loaders_take_linear_layers(void **state)
{
    static const char CONFIG[] = "{\n"
                                 "  \"quantization_config\": {\n"
                                 "    \"quant_method\": \"compressed-tensors\",\n"
                                 "    \"format\": \"int-quantized\",\n"
                                 "    \"quantization_status\": \"compressed\",\n"
                                 "    \"ignore\": [\"lm_head\", \"model.embed_tokens\", \"model.layers.0.mlp.gate\"],\n"
                                 "    \"config_groups\": {\n"
                                 "      \"group_0\": {\n"
                                 "        \"format\": \"int-quantized\",\n"
                                 "        \"targets\": [\"Linear\"],\n"
                                 "        \"weights\": {\n"
                                 "          \"num_bits\": 8,\n"
                                 "          \"type\": \"int\",\n"
                                 "          \"symmetric\": true,\n"
                                 "          \"strategy\": \"channel\",\n"
                                 "          \"dynamic\": false\n"
                                 "        },\n"
                                 "        \"input_activations\": {\n"
                                 "          \"num_bits\": 8,\n"
                                 "          \"type\": \"int\",\n"
                                 "          \"symmetric\": true,\n"
                                 "          \"strategy\": \"token\",\n"
                                 "          \"dynamic\": true\n"
                                 "        },\n"
                                 "        \"output_activations\": null\n"
                                 "      }\n"
                                 "    }\n"
                                 "  }\n"
                                 "}\n";
    clq_file_request request = formats_request(write_model("model.safetensors"), CLQ_FORMAT_COMPRESSED_TENSORS);
    parts want = {.count = 0};
    witness seen = {.told = ""};
    (void)state;
    request.config_file = scratch_path("q.json");
    formats_quantize(&request, &seen);
    parts_add_real(&want, &EMBEDDING);
    parts_add_int(&want, &LAYER);
    parts_add_real(&want, &ROUTER);
    parts_add_real(&want, &HEAD);
    parts_add_plain(&want, "model.norm.weight", "F32", 1, 64, 0);
    parts_add_plain(&want, "A_log", "F32", 2, 3, 5);
    parts_check_file(request.output, &want);
    parts_release(&want);
    assert_string_equal(text_of(request.config_file), CONFIG);
    assert_string_equal(seen.told,
                        "note: linear layers are told by names and shapes: there is no config.json that tells the type "
                        "of the model\n"
                        "left in float for the loader: model.embed_tokens, lm_head, model.layers.0.mlp.gate, A_log; "
                        "--include takes those that are a matrix called MODULE.weight\n");
}

static void what_is_asked_for_is_taken(void **state)
{
    static const char *const NAMES[] = {"lm_head.*", "*.q_proj.weight"};
    clq_file_request request = formats_request(write_model("model.safetensors"), CLQ_FORMAT_COMPRESSED_TENSORS);
    parts want = {.count = 0};
    witness seen = {.told = ""};
    (void)state;
    request.include = (clq_name_list){NAMES, 2};
    request.config_file = scratch_path("q.json");
    formats_quantize(&request, &seen);
    parts_add_real(&want, &EMBEDDING);
    parts_add_int(&want, &LAYER);
    parts_add_real(&want, &ROUTER);
    parts_add_int(&want, &HEAD);
    parts_add_plain(&want, "model.norm.weight", "F32", 1, 64, 0);
    parts_add_plain(&want, "A_log", "F32", 2, 3, 5);
    parts_check_file(request.output, &want);
    parts_release(&want);
    assert_non_null(strstr(seen.told, "quantized because --include names them, though loaders want them in float: "
                                      "lm_head\n"));
    assert_null(strstr(text_of(request.config_file), "lm_head"));
}

/* What config.json says of the type of the model, and of tied embeddings. */
static void a_configuration_is_known(void **state)
{
    static const weights TRANSPOSED = {"h.0.attn.c_attn", 4, 64, EVERY_ROW, 8, 0, 0};
    static const char *const NAMES[] = {"lm_head.*"};
    static const struct {
        const char *config, *told;
        int taken, tied;
    } EACH[] = {
        {"{\"model_type\":\"gpt2\"}", "left in float for the loader: lm_head, h.0.attn.c_attn; --include takes them\n",
         0, 0},
        {"{\"model_type\":\"llama\"}", "left in float for the loader: lm_head; --include takes them\n", 1, 0},
        {"{\"model_type\":\"of today\"}",
         "note: linear layers are told by names and shapes: models of type 'of today' are not among those that were "
         "tried\n",
         1, 0},
        {"{\"architectures\":[\"Strange\"],\"x\":[{}]}", "models of type 'Strange' are not among", 1, 0},
        {"{\"model_type\":", "config.json beside the input is not used: config.json", 1, 0},
        {"{\"tie_word_embeddings\":true,\"model_type\":\"llama\"}",
         "tensor 'lm_head.weight' is copied: output head and embeddings are one tensor (config.json)", 0, 1},
    };
    parts have = {.count = 0};
    const char *input;
    (void)state;
    parts_add_real(&have, &TRANSPOSED);
    parts_add_real(&have, &HEAD);
    input = parts_write("model.safetensors", &have);
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        clq_file_request request = formats_request(input, CLQ_FORMAT_COMPRESSED_TENSORS);
        parts want = {.count = 0};
        witness seen = {.told = ""};
        scratch_write("config.json", EACH[i].config, strlen(EACH[i].config));
        if (EACH[i].tied) {
            request.include = (clq_name_list){NAMES, 1};
        }
        (EACH[i].taken ? parts_add_int : parts_add_real)(&want, &TRANSPOSED);
        parts_add_real(&want, &HEAD);
        formats_quantize(&request, &seen);
        parts_check_file(request.output, &want);
        if (strstr(seen.told, EACH[i].told) == NULL) {
            fail_msg("%s: told is: %s", EACH[i].config, seen.told);
        }
        parts_release(&want);
    }
    scratch_remove(scratch_path("config.json"));
    parts_release(&have);
}

/* ---- activations ---- */

static const char *write_ranges(const char *tensors)
{
    char text[600];
    snprintf(text, sizeof text, "{\"clquant_ranges\":1,\"tensors\":[%s]}", tensors);
    return scratch_write("ranges.json", text, strlen(text));
}

static void inputs_have_scales_of_their_own(void **state)
{
    static const weights SECOND = {"model.layers.0.k_proj", 4, 64, EVERY_ROW, 8, 0, 0};
    parts have = {.count = 0};
    parts want = {.count = 0};
    witness seen = {.told = ""};
    clq_file_request request;
    (void)state;
    parts_add_real(&have, &LAYER);
    parts_add_real(&have, &SECOND);
    request = formats_request(parts_write("in.safetensors", &have), CLQ_FORMAT_COMPRESSED_TENSORS);
    request.activations = CLQ_ACTIVATIONS_STATIC;
    request.config_file = scratch_path("q.json");
    request.ranges_file =
        write_ranges("{\"name\":\"model.layers.0.q_proj\",\"granularity\":\"tensor\",\"lo\":-255,\"hi\":51},"
                     "{\"name\":\"model.layers.0.k_proj.input\",\"granularity\":\"channel\",\"axis\":0,"
                     "\"lo\":[1,-2],\"hi\":[25.5,3]}");
    formats_quantize(&request, &seen);
    parts_add_int(&want, &LAYER);
    parts_add_int(&want, &SECOND);
    parts_put_f32(parts_add(&want, LAYER.module, ".input_scale", "F32", 1, 1, 0, 4)->bytes, 0, 2.0f);
    parts_put_f32(parts_add(&want, SECOND.module, ".input_scale", "F32", 1, 1, 0, 4)->bytes, 0, (float)(25.5 / 127.5));
    parts_check_file(request.output, &want);
    assert_non_null(strstr(seen.told, "note: inputs of 2 modules: 1 ranges are called MODULE, 1 MODULE.input\n"));
    assert_non_null(strstr(text_of(request.config_file), "\"strategy\": \"tensor\",\n          \"dynamic\": false"));
    parts_release(&have);
    parts_release(&want);
}

/* ---- refusals and warnings ---- */

static void u8_codes(clq_file_request *r)
{
    r->dtype = CLQ_U8;
}
static void s4_codes(clq_file_request *r)
{
    r->dtype = CLQ_S4;
}
static void u4_in_words(clq_file_request *r)
{
    r->format = CLQ_FORMAT_PACK_QUANTIZED;
    r->dtype = CLQ_U4;
}
static void tensor_in_words(clq_file_request *r)
{
    r->format = CLQ_FORMAT_PACK_QUANTIZED;
    r->has_granularity = 1;
    r->granularity = CLQ_PER_TENSOR;
}
static void activations_in_words(clq_file_request *r)
{
    r->format = CLQ_FORMAT_PACK_QUANTIZED;
    r->activations = CLQ_ACTIVATIONS_DYNAMIC_TOKEN;
}
static void activations_of_clquant(clq_file_request *r)
{
    r->format = CLQ_FORMAT_CLQUANT;
    r->activations = CLQ_ACTIVATIONS_DYNAMIC_TOKEN;
}
static void config_of_clquant(clq_file_request *r)
{
    r->format = CLQ_FORMAT_CLQUANT;
    r->config_file = scratch_path("q.json");
}
static void groups_in_integers(clq_file_request *r)
{
    r->activations = CLQ_ACTIVATIONS_DYNAMIC_TOKEN;
    formats_by_group(r, 32);
}
static void asymmetric_in_integers(clq_file_request *r)
{
    r->activations = CLQ_ACTIVATIONS_DYNAMIC_TOKEN;
    r->preset = CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC;
}
static void static_without_ranges(clq_file_request *r)
{
    r->activations = CLQ_ACTIVATIONS_STATIC;
}
static void static_without_the_range(clq_file_request *r)
{
    r->activations = CLQ_ACTIVATIONS_STATIC;
    r->ranges_file = write_ranges("{\"name\":\"other\",\"granularity\":\"tensor\",\"lo\":0,\"hi\":1}");
}
static void static_with_two_ranges(clq_file_request *r)
{
    r->activations = CLQ_ACTIVATIONS_STATIC;
    r->ranges_file =
        write_ranges("{\"name\":\"model.layers.0.q_proj\",\"granularity\":\"tensor\",\"lo\":0,\"hi\":1},"
                     "{\"name\":\"model.layers.0.q_proj.input\",\"granularity\":\"tensor\",\"lo\":0,\"hi\":1}");
}
static void far_zero_point(clq_file_request *r)
{
    static const double SCALE[] = {1.0};
    static const int32_t FAR[] = {-9};
    r->format = CLQ_FORMAT_PACK_QUANTIZED;
    r->dtype = CLQ_S4;
    r->scale = SCALE;
    r->scale_count = 1;
    r->zero_point = FAR;
    r->zero_point_count = 1;
}
static void along_columns(clq_file_request *r)
{
    r->has_axis = 1;
    r->axis = 1;
}
static void asymmetric(clq_file_request *r)
{
    r->preset = CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC;
}
static void in_groups(clq_file_request *r)
{
    formats_by_group(r, 32);
}
static void without_activations(clq_file_request *r)
{
    r->activations = CLQ_ACTIVATIONS_NONE;
}
static void asymmetric_in_words(clq_file_request *r)
{
    asymmetric(r);
    r->format = CLQ_FORMAT_PACK_QUANTIZED;
}
static void odd_groups(clq_file_request *r)
{
    formats_by_group(r, 48);
}
static void long_groups(clq_file_request *r)
{
    formats_by_group(r, 128);
}
static void nothing(clq_file_request *r)
{
    (void)r;
}

static void what_a_format_cannot_hold_is_refused(void **state)
{
    static const struct {
        void (*change)(clq_file_request *r);
        const char *part;
    } EACH[] = {
        {u8_codes, "--format: compressed-tensors holds s8 codes, not u8; --format pack-quantized holds s4 and s8"},
        {s4_codes, "--format: compressed-tensors holds s8 codes, not s4"},
        {u4_in_words, "--format pack-quantized holds s4 and s8 codes, not u4; clquant holds all"},
        {tensor_in_words, "pack-quantized has a scale for each row or group: --granularity channel or group"},
        {activations_in_words, "--activations: engines run pack-quantized with activations in float"},
        {activations_of_clquant, "--activations: the format clquant says nothing of activations"},
        {config_of_clquant, "--emit-config: the format clquant has no configuration"},
        {groups_in_integers, "--activations dynamic-token: engines multiply integers where weights are symmetric"},
        {asymmetric_in_integers, "these are asymmetric"},
        {static_without_ranges, "--activations static needs --ranges FILE"},
        {static_without_the_range, "no range for the inputs of 1 of 1 modules, the first 'model.layers.0.q_proj'"},
        {static_with_two_ranges, "ranges of 'model.layers.0.q_proj' and of 'model.layers.0.q_proj.input'"},
        {far_zero_point, "zero point outside -8 to 7, which pack-quantized cannot hold"},
        {along_columns, "--format: compressed-tensors has one scale for each row: --axis 0"},
    };
    const char *input = write_model("model.safetensors");
    witness seen = {.told = ""};
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        clq_file_request request = formats_request(input, CLQ_FORMAT_COMPRESSED_TENSORS);
        scratch_remove(request.output);
        EACH[i].change(&request);
        REFUSED(CLQ_INVALID_ARGUMENT, EACH[i].part, formats_call(&request, &seen, e));
        assert_int_equal(access(request.output, F_OK), -1);
    }
}

static void what_engines_do_not_run_is_told(void **state)
{
    static const struct {
        void (*change)(clq_file_request *r);
        const char *part;
    } EACH[] = {
        {asymmetric, "vLLM does not run int-quantized weights that are asymmetric, transformers does"},
        {in_groups, "vLLM does not run int-quantized weights that are in groups"},
        {without_activations, "vLLM does not run int-quantized weights that are without quantized activations"},
        {asymmetric_in_words, "does not load pack-quantized weights that are asymmetric"},
        {odd_groups, "tensor 'model.layers.0.q_proj.weight' is copied: a group size of 48 does not divide a row of 64"},
        {long_groups, "is copied: a group size of 128 does not divide a row of 64"},
        {nothing, "engines need a quantization_config in config.json as well: --emit-config FILE writes it"},
    };
    const char *input = write_model("model.safetensors");
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        clq_file_request request = formats_request(input, CLQ_FORMAT_COMPRESSED_TENSORS);
        witness seen = {.told = ""};
        EACH[i].change(&request);
        formats_quantize(&request, &seen);
        if (strstr(seen.told, EACH[i].part) == NULL) {
            fail_msg("told is: %s", seen.told);
        }
        assert_true(strstr(seen.told, "vLLM") == NULL || i < 3);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(loaders_take_linear_layers),
    cmocka_unit_test(what_is_asked_for_is_taken),
    cmocka_unit_test(a_configuration_is_known),
    cmocka_unit_test(inputs_have_scales_of_their_own),
    cmocka_unit_test(what_a_format_cannot_hold_is_refused),
    cmocka_unit_test(what_engines_do_not_run_is_told),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    code = check_main("formats_loaders", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}
