/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kernel function of kernels/ that operations run, by the programs' own lists: a launch of it that does nothing,
 * or its file when the compiler refuses it, is found before first use, and the operation gives the reference's bytes
 * all the same, by other kernels or by the host.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <clquant/opencl.h>
#include <clquant/tune.h>

#include "batch_case.h"
#include "inputs.h"
#include "inputs_gemm.h"
#include "opencl/runtime/cache.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/tuning.h"
#include "refusal.h"
#include "scratch.h"

/* ---- what the library builds and launches, by the linker's names ---- */

enum { MOST = 256, NAME = 64 };

typedef struct names {
    size_t count;
    char list[MOST][NAME];
} names;

static names built_files;   /* in any run */
static names entry_points;  /* of these files */
static names launched;      /* in any run */
static names launched_here; /* in the present one */
static names built_here;    /* files */
static const char *idle;    /* a kernel whose launches do nothing */
static const char *refused; /* a file that does not build */
static int met;             /* how often one of them was */

static int add_name(names *to, const char *name)
{
    for (size_t i = 0; i < to->count; i++) {
        if (strcmp(to->list[i], name) == 0) {
            return 0;
        }
    }
    assert_true(to->count < MOST && strlen(name) < NAME);
    strcpy(to->list[to->count++], name);
    return 1;
}

/* Every source that the library puts together begins with the place of its first line, behind what a device of the zoo
 * that changes sources puts there. */
static int is_of_file(const char *source, const char *file)
{
    const char *begin = strstr(source, "#line 1 \"");
    char first[NAME + 32];
    snprintf(first, sizeof first, "#line 1 \"kernels/%s\"\n", file);
    return begin != NULL && strncmp(begin, first, strlen(first)) == 0;
}

/* Programs come from a cache, for compiling takes nearly all of the time; what was found of them does not. */
cl_program __real_clq_cl_cache_load(clq_context *context, const char *source, const char *options, clq_cl_found *found);
cl_program __wrap_clq_cl_cache_load(clq_context *context, const char *source, const char *options, clq_cl_found *found);

cl_program __wrap_clq_cl_cache_load(clq_context *context, const char *source, const char *options, clq_cl_found *found)
{
    char file[NAME];
    const char *name = strchr(source, '/') + 1;
    snprintf(file, sizeof file, "%.*s", (int)strcspn(name, "\""), name);
    assert_true(is_of_file(source, file));
    add_name(&built_files, file);
    add_name(&built_here, file);
    if (refused != NULL && strcmp(refused, file) == 0) {
        memset(found, 0, sizeof *found);
        return NULL;
    }
    return __real_clq_cl_cache_load(context, source, options, found);
}

int __wrap_clq_cl_cache_has_verdict(const clq_context *context, const char *what, uint64_t binaries);

int __wrap_clq_cl_cache_has_verdict(const clq_context *context, const char *what, uint64_t binaries)
{
    (void)context;
    (void)what;
    (void)binaries;
    return 0;
}

static int is_refused(cl_program program)
{
    size_t bytes = 0;
    char *source;
    int is_it;
    if (refused == NULL || clGetProgramInfo(program, CL_PROGRAM_SOURCE, 0, NULL, &bytes) != CL_SUCCESS || bytes < 2) {
        return 0;
    }
    source = check_allocate(bytes + 1);
    assert_int_equal(clGetProgramInfo(program, CL_PROGRAM_SOURCE, bytes, source, NULL), CL_SUCCESS);
    is_it = is_of_file(source, refused);
    free(source);
    return is_it;
}

static void note_kernels(cl_program program)
{
    char list[4096] = "";
    assert_int_equal(clGetProgramInfo(program, CL_PROGRAM_KERNEL_NAMES, sizeof list, list, NULL), CL_SUCCESS);
    for (char *name = strtok(list, ";"); name != NULL; name = strtok(NULL, ";")) {
        add_name(&entry_points, name);
    }
}

cl_int __real_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *cookie);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *cookie);

cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *cookie)
{
    cl_int code;
    if (is_refused(program)) {
        met++;
        return CL_BUILD_PROGRAM_FAILURE;
    }
    code = __real_clBuildProgram(program, count, devices, options, notify, cookie);
    if (code == CL_SUCCESS) {
        note_kernels(program);
    }
    return code;
}

cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *events,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *events,
                                     cl_event *event);

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *events,
                                     cl_event *event)
{
    char name[NAME] = "";
    assert_int_equal(clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL), CL_SUCCESS);
    add_name(&launched, name);
    add_name(&launched_here, name);
    if (idle != NULL && strcmp(idle, name) == 0) {
        met++;
        return clEnqueueMarkerWithWaitList(queue, count, events, event);
    }
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

/* ---- tables, by which kernels of other devices are chosen ---- */

typedef struct value {
    const char *name;
    uint32_t value;
} value;

/* Work-items side by side; and what is left without the kernels that this processor prefers. */
static const value side_by_side[] = {{"minmax.grid", 1},   {"walk.grid", 1},           {"histogram.grid", 1},
                                     {"batch.grid", 1},    {"dynamic.segment", 65536}, {"gemm.cpu-amx", 0},
                                     {"gemm.cpu-vnni", 0}, {"gemm.gemv-rows", 0},      {"gemm.slice", 64},
                                     {"gemm.groups", 8},   {"gemm.portable", 1}};
static const value plain[] = {{"dynamic.fused", 0},  {"batch.fused", 0}, {"gemm.cpu-amx", 0},  {"gemm.cpu-vnni", 0},
                              {"gemm.gemv-rows", 0}, {"gemm.slice", 64}, {"gemm.cpu-avx2", 0}, {"gemm.groups", 8}};
static const value of_two_kernels[] = {{"dynamic.fused", 1}, {"dynamic.alone", 0}, {"histogram.slice", 16384},
                                       {"gemm.cpu-amx", 0},  {"gemm.cpu-vnni", 0}, {"gemm.slice", 64},
                                       {"gemm.groups", 8},   {"gemm.cpu-avx2", 1}};

static const struct {
    const char *name;
    const value *values;
    size_t count;
} tables[] = {{"as it is", NULL, 0},
              {"side by side", side_by_side, sizeof side_by_side / sizeof side_by_side[0]},
              {"plain", plain, sizeof plain / sizeof plain[0]},
              {"of two kernels", of_two_kernels, sizeof of_two_kernels / sizeof of_two_kernels[0]}};

enum { SIDE_BY_SIDE = 1, PLAIN = 2, OF_TWO_KERNELS = 3, TABLES = sizeof tables / sizeof tables[0] };

static void use_table(clq_context *context, int number)
{
    const clq_tunable *all = NULL;
    const size_t count = clq_tunables(&all);
    clq_tuned_value table[CLQ_TUNE_COUNT];
    ACCEPTED(clq_tuning_untuned(context, table, e));
    for (size_t i = 0; i < tables[number].count; i++) {
        size_t at = 0;
        while (at < count && strcmp(all[at].name, tables[number].values[i].name) != 0) {
            at++;
        }
        assert_true(at < count);
        table[at] = (clq_tuned_value){tables[number].values[i].value, 1};
    }
    ACCEPTED(clq_tuning_use(context, table, e));
}

/* ---- what is run ---- */

typedef enum kind { ONE, COLUMNS, BATCH, BATCH_COLUMNS, PRODUCT, DEEP_PRODUCT, GROUPS, LOW_GROUPS, KINDS } kind;

/* Pieces of a tensor, so that ranges and counts are folded; in a batch few enough for one kernel, too. */
enum { ELEMENTS = 40000, ELEMENTS_OF_BATCH = 30000, ITEMS = 3 };

static clq_layout layout_of(kind of)
{
    clq_layout layout = inputs_layout_flat(of == BATCH ? ELEMENTS_OF_BATCH : ELEMENTS);
    if (of == COLUMNS || of == BATCH_COLUMNS) {
        layout.rank = 2;
        layout.shape[0] = 1000;
        layout.shape[1] = 5;
        layout.granularity = CLQ_PER_CHANNEL;
        layout.axis = 1;
    }
    return layout;
}

static void run_tensor(clq_context *context, const char *where, clq_operation operation, kind of)
{
    check_case c;
    check_result want, got;
    check_case_init(&c, where, operation);
    c.q.layout = layout_of(of);
    inputs_case(&c, INPUTS_PLAIN, INPUTS_TIES);
    check_run(check_reference(), "reference", &c, &want);
    check_run(context, where, &c, &got);
    check_same(&c, where, &want, &got);
    check_result_free(&want);
    check_result_free(&got);
    inputs_free(&c);
}

static void run_batch(clq_context *context, const char *where, clq_operation operation, kind of)
{
    batch_case b;
    batch_place place;
    batch_result want, got;
    clq_batch *batch = NULL;
    batch_case_init(&b, where, operation, ITEMS);
    for (size_t i = 0; i < b.count; i++) {
        b.cases[i].q.layout = layout_of(of);
        b.cases[i].q.layout.shape[0] -= 7 * i;
    }
    batch_case_fill(&b);
    batch_place_begin(&place, check_reference(), &b);
    batch_place_run_each(&place, &b);
    batch_place_read(&place, &b, &want);
    batch_place_end(&place, &b);
    batch_place_begin(&place, context, &b);
    ACCEPTED(clq_batch_create(context, operation, place.items, b.count, &batch, e));
    ACCEPTED(clq_batch_run(batch, e));
    batch_place_read(&place, &b, &got);
    clq_batch_destroy(&batch);
    batch_place_end(&place, &b);
    batch_same(&b, where, &want, &got);
    batch_result_free(&want);
    batch_result_free(&got);
    batch_case_free(&b);
}

/* B of u8, whose product needs the sums of A's rows; or of s4 in groups along K. */
static void run_product(clq_context *context, const char *where, kind of)
{
    check_gemm c;
    check_gemm_result want, got;
    check_gemm_init(&c, where, of == DEEP_PRODUCT || of == LOW_GROUPS ? 2 : 25, of == LOW_GROUPS ? 137 : 37,
                    of == DEEP_PRODUCT ? 1100 : 70);
    c.problem.a.transposed = 1;
    c.problem.b.dtype = CLQ_U8;
    if (of >= GROUPS) {
        inputs_gemm_groups(&c, 16);
        c.problem.b.dtype = CLQ_S4;
    }
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    check_gemm_run(check_reference(), "reference", &c, &want);
    check_gemm_run(context, where, &c, &got);
    check_gemm_same(&c, where, &want, &got);
    check_gemm_result_free(&want);
    check_gemm_result_free(&got);
    inputs_gemm_free(&c);
}

typedef struct scene {
    int table;
    kind of;
    int operation;
} scene;

typedef struct told {
    int by_host;
    int warnings;
} told;

static void listen(void *cookie, clq_log_level level, const char *message)
{
    told *t = cookie;
    t->warnings += level == CLQ_LOG_WARNING;
    t->by_host += strstr(message, "the host computes it") != NULL;
}

/* On a new context. */
static told play(const scene *s, const char *fault)
{
    char where[200];
    char spec[32];
    clq_device_info info;
    clq_context *context = NULL;
    told t = {0, 0};
    clq_context_device(check_device(), &info);
    snprintf(spec, sizeof spec, "%d:%d", (int)info.platform, (int)info.device);
    snprintf(where, sizeof where, "table '%s', kind %d, %s, without %s", tables[s->table].name, (int)s->of,
             s->of >= PRODUCT ? "gemm" : clq_operation_name((clq_operation)s->operation), fault);
    launched_here.count = built_here.count = 0;
    met = 0;
    ACCEPTED(clq_context_create(spec, &context, e));
    clq_context_set_log(context, listen, &t);
    ACCEPTED(clq_context_set_cache(context, scratch_path("programs"), e));
    use_table(context, s->table);
    if (s->of >= PRODUCT) {
        run_product(context, where, s->of);
    } else if (s->of >= BATCH) {
        run_batch(context, where, (clq_operation)s->operation, s->of);
    } else {
        run_tensor(context, where, (clq_operation)s->operation, s->of);
    }
    clq_context_destroy(&context);
    if (t.by_host > 1) {
        fail_msg("%s: the host was told of %d times", where, t.by_host);
    }
    return t;
}

/* Each is spoiled once for each operation that runs it; where one has kernels of several files, in each way. */
static void spoil_each(const scene *s, names *done, const names *here, const char **spoiled)
{
    const int by_way = s->of < PRODUCT && s->operation == CLQ_OP_DYNAMIC_QUANTIZE && spoiled == &refused;
    for (size_t i = 0; i < here->count; i++) {
        char key[NAME];
        snprintf(key, sizeof key, "%d %d %d %s", s->operation, by_way ? s->table : 0,
                 by_way ? (int)s->of : s->of >= BATCH, here->list[i]);
        if (add_name(done, key)) {
            told t;
            *spoiled = here->list[i];
            t = play(s, here->list[i]);
            *spoiled = NULL;
            if (met == 0 || t.warnings == 0) {
                fail_msg("%s: met %d times, %d warnings", here->list[i], met, t.warnings);
            }
        }
    }
}

/* Tables but the first are for the operations that they change. */
static int is_a_scene(const scene *s)
{
    const int by_parameter = s->operation == CLQ_OP_CHOOSE_PARAMETERS || s->operation == CLQ_OP_MERGE_RANGE;
    const int in_columns = s->of == COLUMNS || s->of == BATCH_COLUMNS;
    const int is_dynamic = s->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const int is_histogram = s->operation == CLQ_OP_HISTOGRAM;
    if (s->of >= PRODUCT) {
        return s->operation == 0 && (s->of < GROUPS || s->table == 0);
    }
    if (s->of >= BATCH && (is_histogram || s->operation == CLQ_OP_MERGE_RANGE)) {
        return 0; /* one by one */
    }
    return s->table == 0              ? !in_columns || !by_parameter
           : in_columns               ? 0
           : s->table == SIDE_BY_SIDE ? !by_parameter
                                      : is_dynamic || (is_histogram && s->table == OF_TWO_KERNELS);
}

static void every_entry_point_has_a_verdict(void **state)
{
    static names idle_done, refused_done;
    (void)state;
    for (int i = 0; i < TABLES * KINDS * CLQ_OP_COUNT && check_device() != NULL; i++) {
        const scene s = {i % TABLES, (kind)(i / TABLES % KINDS), i / TABLES / KINDS};
        names kernels;
        names files;
        if (is_a_scene(&s)) {
            const told t = play(&s, "nothing");
            assert_int_equal(t.warnings, 0);
            kernels = launched_here;
            files = built_here;
            spoil_each(&s, &idle_done, &kernels, &idle);
            spoil_each(&s, &refused_done, &files, &refused);
        }
    }
    check_needs_device();
}

/* ---- the list ---- */

static int is_among(const char *name, const char *const *list, size_t count)
{
    size_t i = 0;
    while (i < count && strcmp(list[i], name) != 0) {
        i++;
    }
    return i < count;
}

/* Whether it is a file or a kernel of other devices than this one, or of only some devices of its kind. */
static int is_of_others(const char *name)
{
    static const char *const of_cpus[] = {
        "dynamic.cl",       "gemm_avx2.cl",           "gemm_vnni.cl",     "gemm_amx.cl",      "dynamic_strip",
        "batch_dynamic.cl", "dynamic_quantize_batch", "gemm_pack_panels", "gemm_pack_nibbles"};
    static const char *const of_gpus[] = {"gemm_mma.cl", "gemm_matrix.cl", "gemm_pack_vectors"};
    static const char *const of_some_cpus[] = {"gemm_avx2.cl", "gemm_vnni.cl", "gemm_amx.cl"};
    const int is_cpu = check_device()->device.type == CLQ_DEVICE_CPU;
    if (strcmp(name, "gemm_portable.cl") == 0) { /* whose tiles are of work-groups of 16 x 16 */
        return check_device()->cl->maximum_group_size < 256;
    }
    return is_cpu ? is_among(name, of_gpus, sizeof of_gpus / sizeof of_gpus[0]) ||
                        is_among(name, of_some_cpus, sizeof of_some_cpus / sizeof of_some_cpus[0])
                  : is_among(name, of_cpus, sizeof of_cpus / sizeof of_cpus[0]) || strcmp(name, "gemm_mma.cl") == 0 ||
                        strcmp(name, "gemm_matrix.cl") == 0;
}

static int has_name(const names *in, const char *name)
{
    names copy = *in;
    return !add_name(&copy, name);
}

/* What was met above is all there is: every file but the probes, and every kernel of those. */
static void nothing_was_left_out(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        DIR *folder = opendir(CLQ_SOURCE_DIR "/kernels");
        struct dirent *entry;
        int files = 0;
        int missing = 0;
        assert_non_null(folder);
        while ((entry = readdir(folder)) != NULL) {
            const char *end = strrchr(entry->d_name, '.');
            if (end == NULL || strcmp(end, ".cl") != 0 || strncmp(entry->d_name, "probe_", 6) == 0) {
                continue;
            }
            files++;
            if (!has_name(&built_files, entry->d_name)) {
                if (!is_of_others(entry->d_name)) {
                    missing++;
                }
                print_message("kernels/%s: %s\n", entry->d_name,
                              is_of_others(entry->d_name) ? "not on this device" : "no scene runs it");
            }
        }
        closedir(folder);
        assert_true(files > 10);
        for (size_t i = 0; i < entry_points.count; i++) {
            if (!has_name(&launched, entry_points.list[i]) && !is_of_others(entry_points.list[i])) {
                print_message("kernel %s: no scene launches it\n", entry_points.list[i]);
                missing++;
            }
        }
        assert_int_equal(missing, 0);
        print_message("%d files, %zu kernels\n", files, entry_points.count);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_entry_point_has_a_verdict),
    cmocka_unit_test(nothing_was_left_out),
};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("entry_points", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
