/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_gemm: the integer matrix product against oneDNN and against what the machine could do, in one run.
 *
 *     bench_gemm [--device SPEC] [--shapes MxNxK,...] [--variants NAME,...] [--rounds N] [--quick] [--json]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gemm_group.h"
#include "gemm_shapes.h"

typedef struct settings {
    const char *device;
    const char *shapes_text, *variants_text, *rounds_text; /* NULL: not given */
    gemm_shape shapes[GEMM_MAX_SHAPES];
    size_t shape_count;
    char names[256];
    gemm_variants variants;
    int quick;
    bench_timing timing;
    bench_report report;
} settings;

enum { DEFAULT_ROUNDS = 15, QUICK_ROUNDS = 5 };

static const char default_variants[] = "cpu,cpu-avx2";

static int usage(void)
{
    fprintf(stderr,
            "usage: bench_gemm [--device SPEC] [--shapes MxNxK,...] [--variants NAME,...] [--rounds N] [--quick] "
            "[--json]\n");
    return 2;
}

static int parse(settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            s->report.json = 1;
        } else if (strcmp(argv[i], "--quick") == 0) {
            s->quick = 1;
        } else if (i + 1 < argc && strcmp(argv[i], "--device") == 0) {
            s->device = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--shapes") == 0) {
            s->shapes_text = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--variants") == 0) {
            s->variants_text = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0) {
            s->rounds_text = argv[++i];
        } else {
            return 0;
        }
    }
    return 1;
}

static int choose_shapes(settings *s)
{
    s->shape_count = s->shapes_text != NULL ? gemm_shapes_parse(s->shapes_text, s->shapes)
                     : s->quick             ? gemm_shapes_quick(s->shapes)
                                            : gemm_shapes_default(s->shapes);
    if (s->shape_count == 0) {
        fprintf(stderr, "bench_gemm: --shapes is '%s'; 1 to %d of MxNxK are needed, each dimension 1 to 65536\n",
                s->shapes_text, GEMM_MAX_SHAPES);
    }
    return s->shape_count > 0;
}

/* Names that the context does not know are an error when they were asked for. */
static int choose_variants(settings *s, clq_context *context)
{
    const char *text = s->variants_text != NULL ? s->variants_text : default_variants;
    size_t count = 0;
    if (strlen(text) >= sizeof s->names) {
        fprintf(stderr, "bench_gemm: --variants is too long\n");
        return 0;
    }
    strcpy(s->names, text);
    for (char *name = strtok(s->names, ","); name != NULL; name = strtok(NULL, ",")) {
        clq_error error;
        const clq_status status = clq_context_force_variant(context, name, &error);
        if (status == CLQ_OK && count < GEMM_MAX_VARIANTS) {
            s->variants[count++] = name;
        } else if (s->variants_text != NULL) {
            fprintf(stderr, "bench_gemm: --variants, %s: %s\n", name,
                    status == CLQ_OK ? "more than there is room for" : error.message);
            return 0;
        }
    }
    s->variants[count] = NULL;
    (void)clq_context_force_variant(context, NULL, NULL);
    return 1;
}

/* Variants that are slow would hold up everything else, unless someone asks for exactly that. */
static int has_variants(const settings *s, const gemm_shape *shape)
{
    return gemm_shape_suits_variants(shape) || (s->shapes_text != NULL && s->variants_text != NULL);
}

static int measure_group(settings *s, clq_context *context, const gemm_product *product, const gemm_product *neighbour,
                         int calls)
{
    static const gemm_variants none = {NULL};
    gemm_group group;
    int failed;
    gemm_group_create(&group, context, product, neighbour, calls,
                      has_variants(s, &product->shape) ? s->variants : none);
    failed = bench_run(group.rows, group.row_count, &s->timing);
    bench_report_rows(&s->report, group.rows, group.row_count);
    gemm_group_destroy(&group);
    return failed;
}

static int measure(settings *s, clq_context *context, const gemm_shape *shape, int a_is_u8)
{
    gemm_product product, neighbour;
    gemm_shape beside;
    const int has_neighbour = gemm_shape_neighbour(shape, &beside);
    int failed;
    gemm_product_create(&product, shape, a_is_u8);
    if (has_neighbour) {
        gemm_product_create(&neighbour, &beside, a_is_u8);
    }
    failed = measure_group(s, context, &product, has_neighbour ? &neighbour : NULL, 1);
    if (gemm_shape_is_small(shape)) {
        failed += measure_group(s, context, &product, NULL, GEMM_MANY_CALLS);
    }
    if (has_neighbour) {
        gemm_product_destroy(&neighbour);
    }
    gemm_product_destroy(&product);
    return failed;
}

static void begin(settings *s, const clq_context *context)
{
    char text[200];
    clq_device_info info;
    const int threads = peer_gemm_threads();
    bench_fact facts[2];
    clq_context_device(context, &info);
    snprintf(text, sizeof text, "clquant on %.100s; %s", info.name, peer_gemm_version());
    facts[0] = (bench_fact){"compute_units", info.compute_units};
    facts[1] = (bench_fact){"peer_threads", (uint64_t)threads};
    bench_report_begin(&s->report, text, facts, threads > 0 ? 2 : 1, s->timing.rounds);
    if (threads > 0 && info.type == CLQ_DEVICE_CPU && (uint32_t)threads != info.compute_units) {
        fprintf(stderr, "bench_gemm: the device has %u compute units and oneDNN %d threads: no fair comparison\n",
                info.compute_units, threads);
    }
}

int main(int argc, char **argv)
{
    settings s = {.device = "auto",
                  .timing = {.warm_seconds = 0.01, .turn_seconds = 0.01},
                  .report = {.unit = "GOPS",
                             .unit_key = "gops",
                             .time_unit = "us",
                             .times_per_second = 1e6,
                             .who_width = 38,
                             .peers = 1}};
    clq_context *context;
    clq_error error;
    int failed = 0;
    if (!parse(&s, argc, argv)) {
        return usage();
    }
    s.timing.rounds = s.rounds_text != NULL ? atoi(s.rounds_text) : s.quick ? QUICK_ROUNDS : DEFAULT_ROUNDS;
    if (s.timing.rounds < 1 || s.timing.rounds > BENCH_MAX_ROUNDS) {
        fprintf(stderr, "bench_gemm: rounds is %d, 1 to %d is possible\n", s.timing.rounds, BENCH_MAX_ROUNDS);
        return 2;
    }
    if (!choose_shapes(&s)) {
        return 2;
    }
    if (clq_context_create(&context, s.device, &error) != CLQ_OK) {
        fprintf(stderr, "bench_gemm: %s\n", error.message);
        return 1;
    }
    if (!choose_variants(&s, context)) {
        clq_context_destroy(&context);
        return 2;
    }
    begin(&s, context);
    for (size_t i = 0; i < s.shape_count; i++) {
        failed += measure(&s, context, &s.shapes[i], 0);
        failed += measure(&s, context, &s.shapes[i], 1);
    }
    bench_report_end(&s.report);
    clq_context_destroy(&context);
    return failed != 0;
}
