/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tuned values: each value of each tunable gives the bytes of the reference; what ships for devices by their names;
 * tables as text, whole and damaged, and beside the program cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_case.h"
#include "inputs.h"
#include "inputs_gemm.h"
#include "opencl/runtime/tuning.h"
#include "refusal.h"
#include "scratch.h"

static size_t number_of(const char *name)
{
    const clq_tunable *all = NULL;
    const size_t count = clq_tunables(&all);
    size_t i = 0;
    while (i < count && strcmp(all[i].name, name) != 0) {
        i++;
    }
    assert_true(i < count);
    return i;
}

static void set_value(clq_tuned_value *table, const char *name, uint32_t value)
{
    table[number_of(name)] = (clq_tuned_value){value, 1};
}

/* ---- every value of every tunable ---- */

static void use_untuned(void)
{
    clq_tuned_value untuned[CLQ_TUNE_COUNT];
    ACCEPTED(clq_tuning_untuned(check_device(), untuned, e));
    ACCEPTED(clq_tuning_use(check_device(), untuned, e));
}

/* A table with that value, and with what makes it count. */
static void use_value(const clq_tunable *t, size_t number, uint32_t value)
{
    clq_tuned_value table[CLQ_TUNE_COUNT];
    ACCEPTED(clq_tuning_untuned(check_device(), table, e));
    if (strstr(t->name, ".grid-lanes") != NULL || strstr(t->name, ".group") != NULL) {
        static const char *const families[] = {"minmax", "walk", "histogram", "batch"};
        for (size_t i = 0; i < 4; i++) {
            if (strncmp(t->name, families[i], strlen(families[i])) == 0) {
                char grid[32];
                snprintf(grid, sizeof grid, "%s.grid", families[i]);
                set_value(table, grid, 1);
            }
        }
    }
    if (strcmp(t->name, "dynamic.segment") == 0) {
        set_value(table, "minmax.grid", 1);
        set_value(table, "walk.grid", 1);
    }
    table[number] = (clq_tuned_value){value, 1};
    ACCEPTED(clq_tuning_use(check_device(), table, e));
}

static void check_nothing_set_aside(const char *where)
{
    size_t aside = 1;
    ACCEPTED(clq_tuning_set_aside(check_device(), &aside, e));
    if (aside != 0) {
        fail_msg("%s: %zu kernels were set aside", where, aside);
    }
}

/* One tensor on the reference and on the device as it chooses. */
static void compare_tensor(const char *where, clq_operation operation, const clq_layout *layout, unsigned turn)
{
    check_case c;
    check_result want, got;
    check_case_init(&c, where, operation);
    c.q.layout = *layout;
    inputs_scheme(&c.q.scheme, CLQ_S8, turn % INPUTS_OPTIONS);
    inputs_case(&c, inputs_parameters_kind_of_turn(turn), inputs_kind_of_turn(turn));
    if (check_device_holds_case(&c)) {
        check_run(check_reference(), "reference", &c, &want);
        check_run(check_device(), where, &c, &got);
        check_same(&c, where, &want, &got);
        check_result_free(&want);
        check_result_free(&got);
    }
    inputs_free(&c);
}

static void compare_tensors(const char *where, clq_operation operation, int in_columns, unsigned turn)
{
    clq_layout layout = inputs_layout_flat(5000 + check_below(3000));
    if (!in_columns) {
        compare_tensor(where, operation, &layout, turn);
    }
    layout.rank = 2;
    layout.shape[0] = 700;
    layout.shape[1] = 3 + turn % 4; /* elements between two channels: one */
    layout.granularity = in_columns ? CLQ_PER_CHANNEL : CLQ_PER_GROUP;
    layout.axis = 1;
    layout.group_size = 3;
    compare_tensor(where, operation, &layout, turn + 1);
}

static void compare_batch(const char *where, clq_operation operation)
{
    batch_case b;
    batch_place place;
    batch_result want, got;
    clq_batch *batch = NULL;
    batch_case_init(&b, where, operation, 6);
    for (size_t i = 0; i < b.count; i++) {
        b.cases[i].q.layout = i == 0 ? inputs_layout_flat(9000) : inputs_layout_small();
    }
    batch_case_fill(&b);
    batch_place_begin(&place, check_reference(), &b);
    batch_place_run_each(&place, &b);
    batch_place_read(&place, &b, &want);
    batch_place_end(&place, &b);
    batch_place_begin(&place, check_device(), &b);
    ACCEPTED(clq_batch_create(check_device(), operation, place.items, b.count, &batch, e));
    ACCEPTED(clq_batch_run(batch, e));
    batch_place_read(&place, &b, &got);
    clq_batch_destroy(&batch);
    batch_place_end(&place, &b);
    batch_same(&b, where, &want, &got);
    batch_result_free(&want);
    batch_result_free(&got);
    batch_case_free(&b);
}

static void compare_product(const char *where, uint64_t m, uint64_t n, uint64_t k, int packed)
{
    check_gemm c;
    check_gemm_result want, got;
    check_gemm_init(&c, where, m, n, k);
    inputs_gemm_zero_points(&c);
    inputs_gemm_output(&c, CLQ_S8);
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    check_gemm_run(check_reference(), "reference", &c, &want);
    c.packed = packed;
    check_gemm_run(check_device(), where, &c, &got);
    check_gemm_same(&c, where, &want, &got);
    check_gemm_result_free(&want);
    check_gemm_result_free(&got);
    inputs_gemm_free(&c);
}

enum { BATCHED = 3 }; /* operations in batches */

/* Of values that make other programs, each operation takes one: compiling takes nearly all of the time. With
 * CLQ_TEST_STRIDE of all values every so manyth operation, another one with each. */
static int makes_programs(const clq_tunable *t)
{
    static const char *const parts[] = {"lanes", "group", "blocks", "vectors"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(t->name, parts[i]) != NULL) {
            return 1;
        }
    }
    return 0;
}

/* How many values take turns at the operations: each value has one at least. */
static size_t share_of(const clq_tunable *t)
{
    const size_t values = makes_programs(t) ? t->value_count - 1 : 1; /* its values but the one that is used anyway */
    const size_t stride = (size_t)check_stride();
    const size_t share = values > stride ? values : stride;
    size_t operations = (t->operations & CLQ_TUNABLE_BATCH) != 0 ? BATCHED : 0;
    for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
        operations += t->operations >> operation & 1;
    }
    return share < operations ? share : operations > 0 ? operations : 1;
}

static void compare_all(const char *where, const clq_tunable *t, size_t candidate, unsigned turn)
{
    static const clq_operation batched[BATCHED] = {CLQ_OP_MINMAX, CLQ_OP_QUANTIZE, CLQ_OP_DYNAMIC_QUANTIZE};
    const int in_columns = strncmp(t->name, "columns", 7) == 0;
    const size_t share = share_of(t);
    size_t met = 0;
    for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
        if ((t->operations >> operation & 1) != 0 && met++ % share == candidate % share) {
            compare_tensors(where, (clq_operation)operation, in_columns, turn);
        }
    }
    for (size_t i = 0; i < BATCHED && (t->operations & CLQ_TUNABLE_BATCH) != 0; i++) {
        if (met++ % share == candidate % share) {
            compare_batch(where, batched[i]);
        }
    }
    if ((t->operations & CLQ_TUNABLE_GEMM) != 0) {
        compare_product(where, 1 + turn % 8, 70, 1100, turn % 2 != 0);
        compare_product(where, 25, 70, 90, turn % 2 == 0);
    }
}

static void every_value(void **state)
{
    const clq_tunable *all = NULL;
    const size_t count = clq_tunables(&all);
    unsigned turn = 0;
    (void)state;
    for (size_t i = 0; i < count && check_device() != NULL; i++) {
        clq_tuned_value untuned[CLQ_TUNE_COUNT];
        size_t candidate = 0;
        ACCEPTED(clq_tuning_untuned(check_device(), untuned, e));
        for (size_t v = 0; v < all[i].value_count; v++) {
            char where[64];
            snprintf(where, sizeof where, "%s %u", all[i].name, (unsigned)all[i].values[v]);
            if (all[i].values[v] != untuned[i].value) {
                use_value(&all[i], i, all[i].values[v]);
                compare_all(where, &all[i], candidate++, turn++);
                check_nothing_set_aside(where);
            }
        }
    }
    if (check_device() != NULL) {
        use_untuned();
    }
    check_needs_device();
}

/* ---- tables ---- */

static void plan_of(clq_context *context, clq_operation operation, clq_plan *plan)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = 4096;
    ACCEPTED(clq_plan_operation(context, operation, &q, plan, e));
}

/* Whether a value ships for the device that the operation depends on: then it says so untuned. */
static int ships_for(clq_operation operation)
{
    const clq_tunable *all = NULL;
    const size_t count = clq_tunables(&all);
    clq_tuned_value untuned[CLQ_TUNE_COUNT];
    int ships = 0;
    ACCEPTED(clq_tuning_untuned(check_device(), untuned, e));
    for (size_t i = 0; i < count; i++) {
        ships |= untuned[i].is_tuned && (all[i].operations >> operation & 1) != 0;
    }
    return ships;
}

static int says_tuned(clq_context *context, clq_operation operation)
{
    clq_plan plan;
    plan_of(context, operation, &plan);
    return strstr(plan.reason, "; tuned") != NULL;
}

/* Kept beside the program cache, by which a later context goes; gone with the folder. */
static void kept_and_read_again(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const char *folder = scratch_path("cache");
        char path[4096] = "";
        clq_context *contexts[2] = {NULL, NULL};
        clq_device_info info;
        char spec[32];
        clq_tuned_value table[CLQ_TUNE_COUNT], again[CLQ_TUNE_COUNT];
        clq_context_device(check_device(), &info);
        snprintf(spec, sizeof spec, "%d:%d", (int)info.platform, (int)info.device);
        for (int i = 0; i < 2; i++) {
            ACCEPTED(clq_context_create(spec, &contexts[i], e));
        }
        ACCEPTED(clq_tuning_present(contexts[0], table, e));
        set_value(table, "walk.items", 64);
        REFUSED(CLQ_IO_ERROR, "there is no folder", clq_tuning_store(contexts[0], table, NULL, 0, e));
        ACCEPTED(clq_context_set_cache(contexts[0], folder, e));
        ACCEPTED(clq_tuning_store(contexts[0], table, path, sizeof path, e));
        assert_non_null(strstr(path, ".tuning"));
        assert_true(says_tuned(contexts[0], CLQ_OP_QUANTIZE));
        assert_int_equal(says_tuned(contexts[1], CLQ_OP_QUANTIZE), ships_for(CLQ_OP_QUANTIZE));
        ACCEPTED(clq_context_set_cache(contexts[1], folder, e));
        assert_true(says_tuned(contexts[1], CLQ_OP_QUANTIZE));
        assert_false(says_tuned(contexts[1], CLQ_OP_CHOOSE_PARAMETERS)); /* its time does not depend on it */
        ACCEPTED(clq_tuning_present(contexts[1], again, e));
        assert_memory_equal(again, table, sizeof table);
        ACCEPTED(clq_context_set_cache(contexts[1], NULL, e));
        assert_int_equal(says_tuned(contexts[1], CLQ_OP_QUANTIZE), ships_for(CLQ_OP_QUANTIZE));
        clq_context_destroy(&contexts[0]);
        clq_context_destroy(&contexts[1]);
    }
    check_needs_device();
}

/* The text with one line in the place of another, and a checksum that is right. */
static void damaged(const char *text, const char *line, const char *instead, const char *message)
{
    char changed[2 * CLQ_TUNING_TEXT_BYTES(CLQ_TUNE_COUNT)];
    const char *at = strstr(text, line);
    clq_tuned_value table[CLQ_TUNE_COUNT];
    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, instead, at + strlen(line));
    REFUSED(strstr(message, "is for") != NULL ? CLQ_UNSUPPORTED : CLQ_BAD_FILE, message,
            clq_tuning_parse(check_device(), changed, strlen(changed), table, e));
}

static void wrong_tables(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        char text[CLQ_TUNING_TEXT_BYTES(CLQ_TUNE_COUNT)];
        clq_tuned_value table[CLQ_TUNE_COUNT], read[CLQ_TUNE_COUNT];
        ACCEPTED(clq_tuning_untuned(check_device(), table, e));
        set_value(table, "walk.items", 64);
        set_value(table, "gemm.tiles", 8);
        ACCEPTED(clq_tuning_print(check_device(), table, text, e));
        ACCEPTED(clq_tuning_parse(check_device(), text, strlen(text), read, e));
        assert_memory_equal(read, table, sizeof table);
        for (size_t bytes = 0; bytes < strlen(text); bytes++) { /* cut anywhere */
            clq_error error;
            assert_int_equal(clq_tuning_parse(check_device(), text, bytes, read, &error), CLQ_BAD_FILE);
        }
        damaged(text, "clquant tuning 1", "clquant tuning 2", "line 1: this is no table");
        damaged(text, "\ndevice ", "\ndevice another ", "the table is for device another");
        damaged(text, "\nplatform ", "\nplatform another ", "the table is for platform another");
        damaged(text, "\ndevice ", "\nthing ", "names no platform, or no device");
        damaged(text, "walk.items 64", "walk.items 63", "walk.items cannot be '63'");
        damaged(text, "walk.items 64", "walk.items 99999999999999999999", "walk.items cannot be");
        damaged(text, "walk.items 64", "walk.items ", "walk.items cannot be ''");
        damaged(text, "walk.items 64", "walk.items 64 ", "walk.items cannot be '64 '");
        damaged(text, "walk.items 64", "walk.itens 64", "nothing that can be tuned is called so: 'walk.itens 64'");
        damaged(text, "walk.items 64", "\033[2J", "nothing that can be tuned is called so: '\\x1b");
        damaged(text, "gemm.tiles 8", "walk.items 64", "walk.items stands there twice");
        damaged(text, "walk.items 64", "walk.items 32", "the checksum does not fit");
        damaged(text, "checksum ", "checksum 0", "the checksum does not fit");
        damaged(text, "checksum ", "checksum none", "the checksum does not fit");
        table[number_of("walk.items")].value = 63;
        REFUSED(CLQ_INVALID_ARGUMENT, "walk.items cannot be 63", clq_tuning_use(check_device(), table, e));
        REFUSED(CLQ_UNSUPPORTED, "has nothing to tune", clq_tuning_present(check_reference(), table, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "no argument may be NULL", clq_tuning_present(NULL, table, e));
    }
    check_needs_device();
}

/* Every value tuned, those behind the 64th too, in memory of just that many; and nothing else is touched. */
static void whole_tables(void **state)
{
    const clq_tunable *all = NULL;
    const size_t count = clq_tunables(&all);
    (void)state;
    if (check_device() != NULL) {
        clq_tuned_value *table = calloc(count, sizeof *table);
        clq_tuned_value *read = calloc(count, sizeof *read);
        char *text = malloc(CLQ_TUNING_TEXT_BYTES(count));
        assert_true(table != NULL && read != NULL && text != NULL && count == clq_tunables(NULL));
        for (size_t i = 0; i < count; i++) {
            table[i] = (clq_tuned_value){all[i].values[all[i].value_count - 1], 1};
        }
        ACCEPTED(clq_tuning_print(check_device(), table, text, e));
        ACCEPTED(clq_tuning_parse(check_device(), text, strlen(text), read, e));
        assert_memory_equal(read, table, count * sizeof *table);
        ACCEPTED(clq_tuning_use(check_device(), table, e));
        memset(read, 0, count * sizeof *read);
        ACCEPTED(clq_tuning_present(check_device(), read, e));
        assert_memory_equal(read, table, count * sizeof *table);
        for (size_t i = 0; i < count; i++) { /* a table with one less is another one */
            table[i].is_tuned = 0;
            ACCEPTED(clq_tuning_use(check_device(), table, e));
            ACCEPTED(clq_tuning_present(check_device(), read, e));
            assert_memory_equal(read, table, count * sizeof *table);
            table[i].is_tuned = 1;
        }
        use_untuned();
        free(table);
        free(read);
        free(text);
    }
    check_needs_device();
}

/* As version 0.1.0 writes them: whatever the library becomes, it reads them. */
static void tables_of_version_0_1(void **state)
{
    static const char values[] = "minmax.items 64\nwalk.lanes 8\ngemm.tiles 8\ngemm.pack-items 128\n";
    (void)state;
    if (check_device() != NULL) {
        char text[CLQ_TUNING_TEXT_BYTES(4)];
        clq_tuned_value table[CLQ_TUNE_COUNT], expected[CLQ_TUNE_COUNT];
        clq_device_info info;
        clq_context_device(check_device(), &info);
        snprintf(text, sizeof text,
                 "clquant tuning 1\nlibrary 0.1.0\nplatform %s\nplatform version OpenCL 3.0 PoCL\ndevice %s\n"
                 "version OpenCL 3.0\ndriver 3.1+debian\npointer 8\ntunables d2c09ed30587dfd6\n%schecksum none\n",
                 info.platform_name, info.name, values);
        ACCEPTED(clq_tuning_untuned(check_device(), expected, e));
        set_value(expected, "minmax.items", 64);
        set_value(expected, "walk.lanes", 8);
        set_value(expected, "gemm.tiles", 8);
        set_value(expected, "gemm.pack-items", 128);
        ACCEPTED(clq_tuning_parse(check_device(), text, strlen(text), table, e));
        assert_memory_equal(table, expected, sizeof table);
        ACCEPTED(clq_tuning_print(check_device(), table, text, e));
        assert_true(strstr(text, "minmax.items 64\n") != NULL &&
                    strstr(text, "\ngemm.pack-items 128\nchecksum ") != NULL);
    }
    check_needs_device();
}

/* ---- what ships ---- */

static int takes(const char *name, uint32_t value)
{
    const clq_tunable *t = clq_cl_tunable((clq_tunable_number)number_of(name));
    for (size_t i = 0; i < t->value_count; i++) {
        if (t->values[i] == value) {
            return 1;
        }
    }
    return 0;
}

/* Values of untuned devices and those that ship are among those that there are. */
static void values_are_listed(void **state)
{
    (void)state;
#define CLQ_TUNABLE(identifier, name, operations, makes_program, on_cpu, elsewhere, values, unit, meaning)             \
    assert_true(takes(name, on_cpu) && takes(name, elsewhere));
#include "tunables.def"
#define CLQ_TUNED(platform, device, type, identifier, value)                                                           \
    assert_true(takes(clq_cl_tunable(CLQ_TUNE_##identifier)->name, value));
#include "tuned.def"
}

static uint32_t lanes_on(const char *platform, const char *name, clq_device_type type, int *is_tuned)
{
    clq_cl_tunings tunings;
    clq_device_info info;
    uint32_t lanes;
    memset(&info, 0, sizeof info);
    info.type = type;
    snprintf(info.platform_name, sizeof info.platform_name, "%s", platform);
    snprintf(info.name, sizeof info.name, "%s", name);
    ACCEPTED(clq_cl_tunings_init(&tunings, &info, e));
    lanes = tunings.first->values[CLQ_TUNE_WALK_LANES];
    *is_tuned = clq_cl_tuned_text(tunings.first, UINT32_C(1) << CLQ_OP_QUANTIZE)[0] != '\0';
    assert_int_equal(tunings.first->programs[0] != '\0', memchr(tunings.first->is_tuned, 1, CLQ_TUNE_COUNT) != NULL);
    clq_cl_tunings_destroy(&tunings);
    return lanes;
}

static void known_devices(void **state)
{
    int is_tuned = 0;
    (void)state;
    assert_int_equal(lanes_on("rusticl", "llvmpipe (LLVM 15.0.6, 256 bits)", CLQ_DEVICE_CPU, &is_tuned), 4);
    assert_true(is_tuned);
    assert_int_equal(lanes_on("rusticl", "radeonsi", CLQ_DEVICE_CPU, &is_tuned), 16);
    assert_false(is_tuned);
    assert_int_equal(lanes_on("another", "llvmpipe", CLQ_DEVICE_CPU, &is_tuned), 16);
    assert_false(is_tuned);
    assert_int_equal(lanes_on("rusticl", "llvmpipe", CLQ_DEVICE_GPU, &is_tuned), 4); /* as on all devices of its kind */
    assert_false(is_tuned);
}

static int warnings;

static void count_warnings(void *cookie, clq_log_level level, const char *message)
{
    (void)cookie;
    warnings += level == CLQ_LOG_WARNING && strstr(message, "is not used") != NULL;
}

/* A damaged file beside the cache is a warning, and the device is as if nobody had tuned it. */
static void damaged_file(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const char *folder = scratch_path("damaged");
        char path[4096] = "";
        clq_context *context = NULL;
        clq_device_info info;
        char spec[32];
        clq_tuned_value table[CLQ_TUNE_COUNT];
        FILE *file;
        clq_context_device(check_device(), &info);
        snprintf(spec, sizeof spec, "%d:%d", (int)info.platform, (int)info.device);
        ACCEPTED(clq_context_create(spec, &context, e));
        clq_context_set_log(context, count_warnings, NULL);
        ACCEPTED(clq_context_set_cache(context, folder, e));
        ACCEPTED(clq_tuning_present(context, table, e));
        set_value(table, "walk.items", 64);
        ACCEPTED(clq_tuning_store(context, table, path, sizeof path, e));
        file = fopen(path, "r+");
        assert_non_null(file);
        assert_int_equal(fputc('C', file), 'C');
        assert_int_equal(fclose(file), 0);
        ACCEPTED(clq_context_set_cache(context, folder, e));
        assert_int_equal(warnings, 1);
        assert_int_equal(says_tuned(context, CLQ_OP_QUANTIZE), ships_for(CLQ_OP_QUANTIZE));
        clq_context_destroy(&context);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_value),         cmocka_unit_test(values_are_listed),     cmocka_unit_test(known_devices),
    cmocka_unit_test(kept_and_read_again), cmocka_unit_test(wrong_tables),          cmocka_unit_test(damaged_file),
    cmocka_unit_test(whole_tables),        cmocka_unit_test(tables_of_version_0_1),
};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("tuning", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
