/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that engines load (docs/models.md): every byte of the tensors from weights whose codes are known beforehand,
 * the configuration as a whole, what is left in float and why, refusals and warnings, and files of others.
 */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/model.h"
#include "format/safetensors.h"
#include "refusal.h"
#include "scratch.h"

/* ---- weights that are a scale of two's power times a code, so that nothing is rounded ---- */

enum { EVERY_ROW = 0 };

typedef struct weights {
    const char *module;
    uint64_t rows, columns;
    uint64_t group; /* elements that share a scale; EVERY_ROW: a row does */
    int bits, asymmetric;
    int centred; /* asymmetric with zero points of 0 */
} weights;

static uint64_t groups_of(const weights *w)
{
    return w->group == EVERY_ROW ? 1 : (w->columns + w->group - 1) / w->group;
}

static uint64_t parameter_of(const weights *w, uint64_t row, uint64_t column)
{
    return row * groups_of(w) + (w->group == EVERY_ROW ? 0 : column / w->group);
}

/* Each row and group has both ends of the codes, so that its range is known. */
static int code_of(const weights *w, uint64_t row, uint64_t column)
{
    const uint64_t place = w->group == EVERY_ROW ? column : column % w->group;
    const int high = (1 << (w->bits - 1)) - 1;
    const int low = w->asymmetric ? -high - 1 : -high;
    if (place < 2) {
        return place == 0 ? low : high;
    }
    return low + (int)((row * 31 + column * 17 + row * column) % (uint64_t)(high - low + 1));
}

static int zero_point_of(const weights *w, uint64_t parameter)
{
    const int half = 1 << (w->bits - 1);
    return w->asymmetric && !w->centred ? (int)(parameter * 5 % (uint64_t)(2 * half)) - half : 0;
}

static float scale_of(uint64_t parameter)
{
    return ldexpf(1.0f, -4 - (int)(parameter % 3));
}

static float real_of(const weights *w, uint64_t row, uint64_t column)
{
    const uint64_t p = parameter_of(w, row, column);
    return (float)(code_of(w, row, column) - zero_point_of(w, p)) * scale_of(p);
}

/* ---- files ---- */

typedef struct part {
    char name[80];
    const char *dtype;
    uint32_t rank;
    uint64_t shape[3];
    uint8_t *bytes; /* malloc'ed */
    uint64_t count;
} part;

enum { MOST_PARTS = 24 };

typedef struct parts {
    part items[MOST_PARTS];
    size_t count;
} parts;

static part *add(parts *list, const char *module, const char *suffix, const char *dtype, uint32_t rank, uint64_t a,
                 uint64_t b, uint64_t element)
{
    part *p = &list->items[list->count++];
    assert_true(list->count <= MOST_PARTS);
    snprintf(p->name, sizeof p->name, "%s%s", module, suffix);
    p->dtype = dtype;
    p->rank = rank;
    p->shape[0] = a;
    p->shape[1] = b;
    p->count = a * (rank > 1 ? b : 1) * element;
    p->bytes = calloc(1, (size_t)p->count + 1);
    assert_non_null(p->bytes);
    return p;
}

static void put_u32(uint8_t *bytes, uint64_t i, uint32_t value)
{
    for (int k = 0; k < 4; k++) {
        bytes[4 * i + (uint64_t)k] = (uint8_t)(value >> (8 * k));
    }
}

static void put_f32(uint8_t *bytes, uint64_t i, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u32(bytes, i, bits);
}

static void add_real(parts *list, const weights *w)
{
    part *p = add(list, w->module, ".weight", "F32", 2, w->rows, w->columns, 4);
    for (uint64_t i = 0; i < w->rows * w->columns; i++) {
        put_f32(p->bytes, i, real_of(w, i / w->columns, i % w->columns));
    }
}

static void add_scale(parts *list, const weights *w)
{
    part *p = add(list, w->module, ".weight_scale", "F32", 2, w->rows, groups_of(w), 4);
    for (uint64_t i = 0; i < w->rows * groups_of(w); i++) {
        put_f32(p->bytes, i, scale_of(i));
    }
}

static void add_int(parts *list, const weights *w)
{
    part *codes = add(list, w->module, ".weight", "I8", 2, w->rows, w->columns, 1);
    for (uint64_t i = 0; i < w->rows * w->columns; i++) {
        codes->bytes[i] = (uint8_t)code_of(w, i / w->columns, i % w->columns);
    }
    add_scale(list, w);
    if (w->asymmetric) {
        part *zero = add(list, w->module, ".weight_zero_point", "I8", 2, w->rows, groups_of(w), 1);
        for (uint64_t i = 0; i < w->rows * groups_of(w); i++) {
            zero->bytes[i] = (uint8_t)zero_point_of(w, i);
        }
    }
}

/* Number `index` of a row of numbers in words: its bits are added. */
static void put_bits(uint8_t *word_bytes, int bits, uint64_t index, int value)
{
    const unsigned raised = (unsigned)(value + (1 << (bits - 1)));
    for (int k = 0; k < bits; k++) {
        const uint64_t bit = index % (uint64_t)(32 / bits) * (uint64_t)bits + (uint64_t)k;
        word_bytes[bit / 8] = (uint8_t)(word_bytes[bit / 8] | (raised >> k & 1u) << (bit % 8));
    }
}

static void add_pack(parts *list, const weights *w)
{
    const uint64_t in_word = (uint64_t)(32 / w->bits);
    const uint64_t words = (w->columns + in_word - 1) / in_word;
    part *codes = add(list, w->module, ".weight_packed", "I32", 2, w->rows, words, 4);
    part *shape;
    for (uint64_t i = 0; i < w->rows * w->columns; i++) {
        const uint64_t word = i / w->columns * words + i % w->columns / in_word;
        put_bits(codes->bytes + 4 * word, w->bits, i % w->columns, code_of(w, i / w->columns, i % w->columns));
    }
    add_scale(list, w);
    shape = add(list, w->module, ".weight_shape", "I64", 1, 2, 0, 8);
    put_u32(shape->bytes, 0, (uint32_t)w->rows);
    put_u32(shape->bytes, 2, (uint32_t)w->columns);
    if (w->asymmetric) {
        part *zero =
            add(list, w->module, ".weight_zero_point", "I32", 2, (w->rows + in_word - 1) / in_word, groups_of(w), 4);
        for (uint64_t i = 0; i < w->rows * groups_of(w); i++) {
            const uint64_t row = i / groups_of(w);
            put_bits(zero->bytes + 4 * (row / in_word * groups_of(w) + i % groups_of(w)), w->bits, row,
                     zero_point_of(w, i));
        }
    }
}

/* A tensor that stays as it is: bytes of its name. */
static void add_plain(parts *list, const char *name, const char *dtype, uint32_t rank, uint64_t a, uint64_t b)
{
    part *p = add(list, name, "", dtype, rank, a, b, strcmp(dtype, "I64") == 0 ? 8 : 4);
    for (uint64_t i = 0; i < p->count / 4; i++) {
        put_f32(p->bytes, i, (float)(i + strlen(name)));
    }
}

static void release(parts *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].bytes);
    }
    list->count = 0;
}

static const char *write_file(const char *name, const parts *list)
{
    clq_safetensors_plan *plan = NULL;
    const char *header, *path;
    uint64_t header_bytes, file_bytes;
    size_t index[MOST_PARTS];
    uint8_t *file;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    for (size_t i = 0; i < list->count; i++) {
        const part *p = &list->items[i];
        assert_int_equal(
            clq_safetensors_plan_tensor(plan, p->name, p->dtype, p->rank, p->shape, p->count, &index[i], NULL), CLQ_OK);
    }
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    file = calloc(1, (size_t)file_bytes);
    assert_non_null(file);
    memcpy(file, header, (size_t)header_bytes);
    for (size_t i = 0; i < list->count; i++) {
        memcpy(file + clq_safetensors_plan_offset(plan, index[i]), list->items[i].bytes, (size_t)list->items[i].count);
    }
    path = scratch_write(name, file, (size_t)file_bytes);
    free(file);
    clq_safetensors_plan_destroy(&plan);
    return path;
}

/* The file has these tensors, bit for bit, and no others. */
static void assert_file(const char *path, const parts *want)
{
    clq_model *model = NULL;
    clq_error error;
    check_ok(clq_model_open(path, &model, &error), &error, path);
    for (size_t i = 0; i < want->count; i++) {
        const part *p = &want->items[i];
        const size_t index = clq_model_find(model, p->name);
        const clq_model_tensor *tensor;
        uint8_t *bytes;
        if (index == SIZE_MAX) {
            fail_msg("%s has no tensor %s", path, p->name);
        }
        tensor = &model->tensors[index];
        assert_string_equal(tensor->dtype.name, p->dtype);
        assert_int_equal(tensor->rank, p->rank);
        assert_memory_equal(tensor->shape, p->shape, p->rank * sizeof *p->shape);
        assert_int_equal(tensor->bytes, p->count);
        bytes = malloc((size_t)p->count + 1);
        assert_non_null(bytes);
        check_ok(clq_model_read_bytes(model, index, 0, p->count, bytes, &error), &error, p->name);
        for (uint64_t k = 0; k < p->count; k++) {
            if (bytes[k] != p->bytes[k]) {
                fail_msg("%s: byte %llu is %02x, required is %02x", p->name, (unsigned long long)k, bytes[k],
                         p->bytes[k]);
            }
        }
        free(bytes);
    }
    assert_int_equal(model->tensor_count, want->count);
    clq_model_close(&model);
}

/* ---- calls ---- */

typedef struct witness {
    char told[4000]; /* messages, a line each */
    uint64_t cancel_at;
    int cancelled;
} witness;

static void see_message(void *cookie, clq_log_level level, const char *message)
{
    witness *w = cookie;
    const size_t used = strlen(w->told);
    snprintf(w->told + used, sizeof w->told - used, "%s%s\n", level == CLQ_LOG_WARNING ? "" : "note: ", message);
}

static void see_progress(void *cookie, const clq_file_progress *now)
{
    witness *w = cookie;
    w->cancelled |= w->cancel_at > 0 && now->done_bytes >= w->cancel_at;
}

static int see_cancelled(void *cookie)
{
    return ((witness *)cookie)->cancelled;
}

static clq_file_request request_of(const char *input, clq_file_format format)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = input;
    request.output = scratch_path("out.safetensors");
    request.format = format;
    request.replace = 1;
    request.allow_empty = 1;
    return request;
}

static clq_status call(const clq_file_request *request, witness *w, clq_error *error)
{
    const clq_file_events events = {.struct_size = sizeof events,
                                    .cookie = w,
                                    .message = see_message,
                                    .progress = see_progress,
                                    .is_cancelled = see_cancelled};
    w->told[0] = '\0';
    return clq_file_quantize(check_reference(), request, &events, NULL, error);
}

static void quantize(const clq_file_request *request, witness *w)
{
    clq_error error;
    check_ok(call(request, w, &error), &error, request->input);
}

static void by_group(clq_file_request *request, uint64_t size)
{
    request->has_granularity = 1;
    request->granularity = CLQ_PER_GROUP;
    request->group_size = size;
}

/* The request that gives these weights their codes. */
static clq_file_request request_for(const char *input, clq_file_format format, const weights *w)
{
    clq_file_request request = request_of(input, format);
    request.dtype = w->bits == 4 ? CLQ_S4 : CLQ_S8;
    request.preset = w->asymmetric ? CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC : CLQ_PRESET_SYMMETRIC;
    if (w->group != EVERY_ROW) {
        by_group(&request, w->group);
    }
    return request;
}

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

/* ---- every byte ---- */

static void check_weights(const weights *w, clq_file_format format, void (*add_expected)(parts *, const weights *))
{
    parts have = {.count = 0};
    parts want = {.count = 0};
    witness seen = {.told = ""};
    clq_file_request request;
    add_real(&have, w);
    add_expected(&want, w);
    request = request_for(write_file("in.safetensors", &have), format, w);
    quantize(&request, &seen);
    assert_file(request.output, &want);
    release(&have);
    release(&want);
}

static void int_quantized_has_every_byte(void **state)
{
    static const weights EACH[] = {
        {"m", 5, 7, EVERY_ROW, 8, 0, 0}, {"m", 5, 7, EVERY_ROW, 8, 1, 0},    {"m", 3, 64, 32, 8, 0, 0},
        {"m", 9, 64, 32, 8, 1, 0},       {"m", 4, 1000, EVERY_ROW, 8, 1, 1}, /* zero points of 0 are written */
    };
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        check_weights(&EACH[i], CLQ_FORMAT_COMPRESSED_TENSORS, add_int);
    }
}

static void pack_quantized_has_every_byte(void **state)
{
    static const uint64_t SHAPES[][2] = {{1, 2}, {5, 7}, {8, 64}, {33, 33}, {17, 128}, {7, 31}, {9, 1000}, {3, 4097}};
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        for (int way = 0; way < 8; way++) {
            weights w = {"m.q", SHAPES[i][0], SHAPES[i][1], EVERY_ROW, way & 1 ? 8 : 4, (way & 2) != 0, 0};
            w.group = way & 4 ? 32 : EVERY_ROW;
            if (w.group == EVERY_ROW || w.columns % 32 == 0) {
                check_weights(&w, CLQ_FORMAT_PACK_QUANTIZED, add_pack);
            }
        }
    }
}

/* Tensors in pieces that begin inside rows, words and bytes; and back through dequantize. */
static void bytes_do_not_depend_on_the_memory(void **state)
{
    static const weights EACH[] = {{"m", 3, 300001, EVERY_ROW, 4, 0, 0},
                                   {"m", 2, 131075, EVERY_ROW, 8, 1, 0},
                                   {"m", 1031, 320, 32, 4, 1, 0}, /* more zero points than are held at once */
                                   {"m", 40003, 9, EVERY_ROW, 4, 1, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        const weights *w = &EACH[i];
        parts have = {.count = 0};
        parts want = {.count = 0};
        witness seen = {.told = ""};
        clq_file_request request;
        clq_file_request back;
        clq_error error;
        add_real(&have, w);
        add_pack(&want, w);
        request = request_for(write_file("in.safetensors", &have), CLQ_FORMAT_PACK_QUANTIZED, w);
        back = request_of(request.output, CLQ_FORMAT_BY_OUTPUT);
        back.output = scratch_path("back.safetensors");
        for (int little = 0; little < 2; little++) {
            request.memory_bytes = back.memory_bytes = little ? UINT64_C(1) << 20 : UINT64_C(256) << 20;
            quantize(&request, &seen);
            assert_file(request.output, &want);
            check_ok(clq_file_dequantize(check_reference(), &back, NULL, NULL, &error), &error, "dequantize");
            assert_file(back.output, &have);
        }
        release(&have);
        release(&want);
    }
}

/* Ended again and again wherever it was, it comes to the same bytes. */
static void a_run_is_resumed(void **state)
{
    weights each[] = {{"a", 64, 4000, 32, 4, 1, 0}, {"b", 64, 4000, 32, 4, 1, 0}, {"c", 64, 4000, 32, 4, 1, 0}};
    parts have = {.count = 0};
    parts want = {.count = 0};
    witness seen = {.told = ""};
    clq_file_request request;
    clq_status status = CLQ_CANCELLED;
    clq_error error;
    int runs = 0;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        add_real(&have, &each[i]);
        add_pack(&want, &each[i]);
    }
    request = request_for(write_file("in.safetensors", &have), CLQ_FORMAT_PACK_QUANTIZED, &each[0]);
    request.memory_bytes = UINT64_C(1) << 20;
    request.resume = 1;
    scratch_remove(request.output);
    while (status == CLQ_CANCELLED && runs < 8) {
        seen.cancelled = 0;
        /* Ranges are found first, in as many bytes as are written then. */
        seen.cancel_at = have.items[0].count * (uint64_t)(4 + runs) + have.items[0].count / 2;
        status = call(&request, &seen, &error);
        runs++;
    }
    check_ok(status, &error, "the last run");
    assert_true(runs >= 2);
    assert_file(request.output, &want);
    release(&have);
    release(&want);
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
    add_real(&list, &EMBEDDING);
    add_real(&list, &LAYER);
    add_real(&list, &ROUTER);
    add_real(&list, &HEAD);
    add_plain(&list, "model.norm.weight", "F32", 1, 64, 0);
    add_plain(&list, "A_log", "F32", 2, 3, 5);
    path = write_file(name, &list);
    release(&list);
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
    clq_file_request request = request_of(write_model("model.safetensors"), CLQ_FORMAT_COMPRESSED_TENSORS);
    parts want = {.count = 0};
    witness seen = {.told = ""};
    (void)state;
    request.config_file = scratch_path("q.json");
    quantize(&request, &seen);
    add_real(&want, &EMBEDDING);
    add_int(&want, &LAYER);
    add_real(&want, &ROUTER);
    add_real(&want, &HEAD);
    add_plain(&want, "model.norm.weight", "F32", 1, 64, 0);
    add_plain(&want, "A_log", "F32", 2, 3, 5);
    assert_file(request.output, &want);
    release(&want);
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
    clq_file_request request = request_of(write_model("model.safetensors"), CLQ_FORMAT_COMPRESSED_TENSORS);
    parts want = {.count = 0};
    witness seen = {.told = ""};
    (void)state;
    request.include = (clq_name_list){NAMES, 2};
    request.config_file = scratch_path("q.json");
    quantize(&request, &seen);
    add_real(&want, &EMBEDDING);
    add_int(&want, &LAYER);
    add_real(&want, &ROUTER);
    add_int(&want, &HEAD);
    add_plain(&want, "model.norm.weight", "F32", 1, 64, 0);
    add_plain(&want, "A_log", "F32", 2, 3, 5);
    assert_file(request.output, &want);
    release(&want);
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
    add_real(&have, &TRANSPOSED);
    add_real(&have, &HEAD);
    input = write_file("model.safetensors", &have);
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        clq_file_request request = request_of(input, CLQ_FORMAT_COMPRESSED_TENSORS);
        parts want = {.count = 0};
        witness seen = {.told = ""};
        scratch_write("config.json", EACH[i].config, strlen(EACH[i].config));
        if (EACH[i].tied) {
            request.include = (clq_name_list){NAMES, 1};
        }
        (EACH[i].taken ? add_int : add_real)(&want, &TRANSPOSED);
        add_real(&want, &HEAD);
        quantize(&request, &seen);
        assert_file(request.output, &want);
        if (strstr(seen.told, EACH[i].told) == NULL) {
            fail_msg("%s: told is: %s", EACH[i].config, seen.told);
        }
        release(&want);
    }
    scratch_remove(scratch_path("config.json"));
    release(&have);
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
    add_real(&have, &LAYER);
    add_real(&have, &SECOND);
    request = request_of(write_file("in.safetensors", &have), CLQ_FORMAT_COMPRESSED_TENSORS);
    request.activations = CLQ_ACTIVATIONS_STATIC;
    request.config_file = scratch_path("q.json");
    request.ranges_file =
        write_ranges("{\"name\":\"model.layers.0.q_proj\",\"granularity\":\"tensor\",\"lo\":-255,\"hi\":51},"
                     "{\"name\":\"model.layers.0.k_proj.input\",\"granularity\":\"channel\",\"axis\":0,"
                     "\"lo\":[1,-2],\"hi\":[25.5,3]}");
    quantize(&request, &seen);
    add_int(&want, &LAYER);
    add_int(&want, &SECOND);
    put_f32(add(&want, LAYER.module, ".input_scale", "F32", 1, 1, 0, 4)->bytes, 0, 2.0f);
    put_f32(add(&want, SECOND.module, ".input_scale", "F32", 1, 1, 0, 4)->bytes, 0, (float)(25.5 / 127.5));
    assert_file(request.output, &want);
    assert_non_null(strstr(seen.told, "note: inputs of 2 modules: 1 ranges are called MODULE, 1 MODULE.input\n"));
    assert_non_null(strstr(text_of(request.config_file), "\"strategy\": \"tensor\",\n          \"dynamic\": false"));
    release(&have);
    release(&want);
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
    by_group(r, 32);
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
    by_group(r, 32);
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
    by_group(r, 48);
}
static void long_groups(clq_file_request *r)
{
    by_group(r, 128);
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
        clq_file_request request = request_of(input, CLQ_FORMAT_COMPRESSED_TENSORS);
        scratch_remove(request.output);
        EACH[i].change(&request);
        REFUSED(CLQ_INVALID_ARGUMENT, EACH[i].part, call(&request, &seen, e));
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
        clq_file_request request = request_of(input, CLQ_FORMAT_COMPRESSED_TENSORS);
        witness seen = {.told = ""};
        EACH[i].change(&request);
        quantize(&request, &seen);
        if (strstr(seen.told, EACH[i].part) == NULL) {
            fail_msg("told is: %s", seen.told);
        }
        assert_true(strstr(seen.told, "vLLM") == NULL || i < 3);
    }
}

/* ---- files of others ---- */

static clq_status dequantize(const char *path, clq_error *error)
{
    clq_file_request request = request_of(path, CLQ_FORMAT_BY_OUTPUT);
    request.output = scratch_path("back.safetensors");
    return clq_file_dequantize(check_reference(), &request, NULL, NULL, error);
}

static void files_of_others_are_read(void **state)
{
    static const weights EACH[] = {{"m", 9, 64, 32, 4, 1, 0}, {"m", 5, 7, EVERY_ROW, 8, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        parts have = {.count = 0};
        parts want = {.count = 0};
        clq_error error;
        add_pack(&have, &EACH[i]);
        add_real(&want, &EACH[i]);
        check_ok(dequantize(write_file("theirs.safetensors", &have), &error), &error, "dequantize");
        assert_file(scratch_path("back.safetensors"), &want);
        release(&have);
        release(&want);
    }
}

static void no_shape(parts *p)
{
    snprintf(p->items[2].name, sizeof p->items[2].name, "elsewhere");
}
static void other_rows(parts *p)
{
    p->items[2].bytes[0]++;
}
static void other_columns(parts *p)
{
    p->items[2].bytes[8] = 100;
}
static void negative_shape(parts *p)
{
    memset(p->items[2].bytes + 8, 0xff, 8);
}
static void short_zero_points(parts *p)
{
    p->items[3].shape[0]--;
    p->items[3].count = p->items[3].shape[0] * p->items[3].shape[1] * 4;
}
static void own_order(parts *p)
{
    add_plain(p, "m.weight_g_idx", "I32", 1, 64, 0);
}
static void both_names(parts *p)
{
    add_plain(p, "m.weight", "F32", 2, 9, 64);
}

static void files_that_do_not_fit_together_are_refused(void **state)
{
    static const weights W = {"m", 9, 64, 32, 4, 1, 0};
    static const weights NARROW = {"m", 9, 4, EVERY_ROW, 4, 0, 0};
    static const struct {
        void (*change)(parts *p);
        const char *part; /* NULL: it is none of these, and copied */
    } EACH[] = {
        {no_shape, NULL},
        {other_rows, "the shape beside it has other rows"},
        {other_columns, "its rows hold codes of neither 4 nor 8 bits"},
        {negative_shape, "the shape beside it has other rows"},
        {short_zero_points, "the zero points of such rows are words with a column for each scale of a row"},
        {own_order, "columns in an order of their own (_g_idx) are not supported"},
        {both_names, "the file holds the tensor under its real name as well"},
    };
    parts narrow = {.count = 0};
    clq_error error;
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        parts have = {.count = 0};
        const char *path;
        add_pack(&have, &W);
        EACH[i].change(&have);
        path = write_file("theirs.safetensors", &have);
        if (EACH[i].part != NULL) {
            REFUSED(CLQ_BAD_FILE, EACH[i].part, dequantize(path, e));
        } else {
            check_ok(dequantize(path, &error), &error, "dequantize");
            assert_file(scratch_path("back.safetensors"), &have);
        }
        release(&have);
    }
    add_pack(&narrow, &NARROW);
    REFUSED(CLQ_BAD_FILE, "its rows are so short that codes of 4 and of 8 bits could be meant",
            dequantize(write_file("theirs.safetensors", &narrow), e));
    release(&narrow);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(int_quantized_has_every_byte),
    cmocka_unit_test(pack_quantized_has_every_byte),
    cmocka_unit_test(bytes_do_not_depend_on_the_memory),
    cmocka_unit_test(a_run_is_resumed),
    cmocka_unit_test(loaders_take_linear_layers),
    cmocka_unit_test(what_is_asked_for_is_taken),
    cmocka_unit_test(a_configuration_is_known),
    cmocka_unit_test(inputs_have_scales_of_their_own),
    cmocka_unit_test(what_a_format_cannot_hold_is_refused),
    cmocka_unit_test(what_engines_do_not_run_is_told),
    cmocka_unit_test(files_of_others_are_read),
    cmocka_unit_test(files_that_do_not_fit_together_are_refused),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    code = check_main("formats", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}
