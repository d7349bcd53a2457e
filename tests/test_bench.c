/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmarks: shapes as text, the runner, and what it compares. No time decides anything here. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../bench/bench.h"
#include "../bench/cache.h"
#include "../bench/gemm_decode_group.h"
#include "../bench/shape.h"
#include "check.h"
#include "scratch.h"

static void reads_shapes(void **state)
{
    static const struct {
        const char *text, *printed;
        int is_product;
        uint64_t elements;
    } rows[] = {{"1", "1", 0, 1},
                {"128Mi", "134217728", 0, UINT64_C(128) << 20},
                {"4Kix3 axis=1", "4096x3 axis=1", 0, 12288},
                {"7x5  group=2   offset=1", "7x5 group=2 offset=1", 0, 35},
                {"7x5 axis=0 offset=0", "7x5 axis=0", 0, 35},
                {"2x3x4 axis=2", "2x3x4 axis=2", 0, 24},
                {"6x4 axis=0 group=2", "6x4 axis=0 group=2", 0, 24},
                {"2x3x4 group=2 axis=1 offset=3", "2x3x4 axis=1 group=2 offset=3", 0, 24},
                {"4x4 axis=1 group=2", "4x4 group=2", 0, 16},
                {"2x3x4x5", "2x3x4x5", 0, 120},
                {"2x3x4 offset=3", "2x3x4 offset=3", 0, 24},
                {"1Ki offset=4096", "1024 offset=4096", 0, 1024},
                {"1024Gi", "1099511627776", 0, UINT64_C(1) << 40},
                {"256x512x1Ki", "256x512x1024", 1, UINT64_C(1) << 27}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bench_shape shape;
        clq_error error = {0};
        char text[BENCH_SHAPE_TEXT];
        if (bench_shape_parse(rows[i].text, &shape, &error) != CLQ_OK) {
            fail_msg("%s: %s", rows[i].text, error.message);
        }
        bench_shape_print(&shape, text, sizeof text);
        assert_string_equal(text, rows[i].printed);
        assert_int_equal(shape.is_product, rows[i].is_product);
        assert_true(bench_shape_elements(&shape) == rows[i].elements);
    }
}

static void refuses_what_is_no_shape(void **state)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "0",
                                        "-1",
                                        "1x",
                                        "1x0",
                                        "1 x 2",
                                        "1k",
                                        "1KiB",
                                        "1.5",
                                        "3,4",
                                        "2Ti",
                                        "1025Gi",
                                        "99999999999999999999",
                                        "1Mix1Mix2",
                                        "4 axis",
                                        "4 axis=",
                                        "4 axis=1",
                                        "4 axis=-1",
                                        "4 axis=0x",
                                        "4x4 axis=1 axis=0",
                                        "4 group=0",
                                        "4 group=",
                                        "4 groups=2",
                                        "4 offset=4097",
                                        "4 offset=1x",
                                        "4 Axis=0",
                                        "1x1x65537",
                                        "1x1x1x1x1x1x1x1x1"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bench_shape shape;
        clq_error error = {0};
        if (bench_shape_parse(texts[i], &shape, &error) != CLQ_INVALID_ARGUMENT) {
            fail_msg("'%s' was taken", texts[i]);
        }
        assert_true(error.message[0] != '\0');
    }
}

static void cuts_one_size_in_many_ways(void **state)
{
    static const uint64_t sizes[] = {1, 8, 9, 27, 1000, UINT64_C(1) << 20};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bench_shape shapes[BENCH_MAX_SHAPES];
        const size_t count = bench_shapes_of_size(sizes[i], shapes);
        assert_true(count > 0 && count <= BENCH_MAX_SHAPES && bench_shape_elements(&shapes[0]) == sizes[i]);
        for (size_t k = 0; k < count; k++) {
            clq_quantization q;
            clq_quantization_init(&q);
            q.layout = shapes[k].layout;
            assert_int_equal(clq_quantization_check(&q, NULL), CLQ_OK);
            assert_true(sizes[i] < 32 || bench_shape_elements(&shapes[k]) <= sizes[i]);
        }
    }
}

/* A row whose runs are counted and do as they are told. */
typedef struct puppet {
    int spoils, runs, checks;
    int run_result, check_result, last_good_run; /* runs after that one fail; 0: none does */
} puppet;

static int puppet_spoil(void *cookie)
{
    ((puppet *)cookie)->spoils++;
    return BENCH_OK;
}

static int puppet_run(void *cookie)
{
    puppet *p = cookie;
    p->runs++;
    return p->last_good_run > 0 && p->runs > p->last_good_run ? BENCH_FAILED : p->run_result;
}

static int puppet_check(void *cookie)
{
    puppet *p = cookie;
    assert_int_equal(p->spoils, 1); /* an old result is overwritten before the one that is looked at */
    assert_int_equal(p->runs, 1);
    p->checks++;
    return p->check_result;
}

static bench_row *puppet_row(bench_group *group, puppet *p)
{
    bench_row *row = bench_add(group, "test", "problem", "1");
    assert_non_null(row);
    row->spoil = puppet_spoil;
    row->run = puppet_run;
    row->check = puppet_check;
    row->cookie = p;
    row->work = 1.0;
    row->elements = 1;
    return row;
}

static void times_only_what_is_right(void **state)
{
    bench_group group = {.count = 0};
    const bench_timing timing = {.rounds = 4};
    puppet good = {0}, wrong = {.check_result = 1}, absent = {.run_result = BENCH_UNSUPPORTED}, breaks = {0};
    size_t failed = 0;
    (void)state;
    breaks.last_good_run = 3;
    puppet_row(&group, &good);
    puppet_row(&group, &wrong);
    puppet_row(&group, &absent);
    puppet_row(&group, &breaks);
    assert_int_equal(bench_run(&group, &timing, &failed, NULL), CLQ_OK);
    assert_int_equal(failed, 2);
    assert_int_equal(group.rows[0].outcome, BENCH_OK);
    assert_int_equal(group.rows[1].outcome, BENCH_FAILED);
    assert_int_equal(group.rows[2].outcome, BENCH_UNSUPPORTED);
    assert_int_equal(group.rows[3].outcome, BENCH_FAILED);
    assert_int_equal(good.runs, 1 + 4);
    assert_int_equal(good.checks, 1);
    assert_int_equal(wrong.runs, 1);
    assert_int_equal(absent.runs, 1);
    assert_int_equal(absent.checks, 0);
    assert_int_equal(breaks.runs, 4);
    assert_true(group.rows[0].best_seconds > 0.0 && group.rows[0].best_seconds <= group.rows[0].median_seconds);
    assert_true(bench_rate(&group.rows[1], BENCH_MEDIAN) <= 0.0);
}

static int asked;

static int stop_at_third(void *cookie, int compiles)
{
    (void)cookie;
    (void)compiles;
    return ++asked > 3;
}

static void stops_when_told_to(void **state)
{
    bench_group group = {.count = 0};
    const bench_timing timing = {.rounds = 4, .stop = stop_at_third};
    puppet p = {0};
    size_t failed = 0;
    (void)state;
    asked = 0;
    puppet_row(&group, &p);
    assert_int_equal(bench_run(&group, &timing, &failed, NULL), CLQ_CANCELLED);
    assert_int_equal(failed, 0);
    assert_int_equal(group.rows[0].outcome, BENCH_STOPPED);
    assert_int_equal(p.runs, 3);
}

static bench_row *timed(bench_group *group, const char *problem, bench_role role, double median, double best)
{
    bench_row *row = bench_add(group, "test", problem, "1000");
    assert_non_null(row);
    row->role = role;
    row->work = 1e9;
    row->elements = 1000;
    row->median_seconds = median;
    row->best_seconds = best;
    return row;
}

static void check_close(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9)) {
        fail_msg("%g, expected %g", found, expected);
    }
}

static void compares_rows(void **state)
{
    bench_group group = {.count = 0};
    bench_row *dynamic = NULL;
    (void)state;
    timed(&group, "a", BENCH_PLAIN, 2.0, 1.0);
    timed(&group, "a", BENCH_ROOF, 1.0, 0.8); /* the lowest roof counts */
    timed(&group, "a", BENCH_ROOF, 0.5, 0.5);
    timed(&group, "b", BENCH_ROOF, 9.0, 9.0); /* of another problem */
    timed(&group, "a", BENCH_PEER, 8.0, 8.0);
    timed(&group, "a", BENCH_PEER, 4.0, 3.0); /* the fastest peer counts */
    timed(&group, "c", BENCH_COPY, 1.0, 1.0);
    timed(&group, "c", BENCH_COPY, 0.1, 0.1)->elements = 10; /* of another size */
    dynamic = timed(&group, "d", BENCH_PLAIN, 3.0, 3.0);
    dynamic->elements = 2000;
    dynamic->beside[0] = 0;
    dynamic->beside[1] = 1;
    dynamic->beside_count = 2;
    check_close(bench_rate(&group.rows[0], BENCH_MEDIAN), 0.5);
    check_close(bench_rate(&group.rows[0], BENCH_BEST), 1.0);
    check_close(bench_fraction(&group, &group.rows[0], BENCH_MEDIAN), 0.5);
    check_close(bench_fraction(&group, &group.rows[0], BENCH_BEST), 0.8);
    check_close(bench_copy_fraction(&group, &group.rows[0], BENCH_MEDIAN), 0.5);
    assert_true(bench_peer(&group, &group.rows[0]) == &group.rows[5]);
    assert_null(bench_peer(&group, &group.rows[1]));
    assert_null(bench_peer(&group, dynamic));
    check_close(bench_fraction(&group, dynamic, BENCH_MEDIAN), 0.0);
    check_close(bench_cost(&group, dynamic, BENCH_MEDIAN), 3.0 / (2.0 * (2.0 + 1.0)));
    check_close(bench_cost(&group, dynamic, BENCH_BEST), 3.0 / (2.0 * (1.0 + 0.8)));
    group.rows[1].outcome = BENCH_FAILED;
    check_close(bench_cost(&group, dynamic, BENCH_MEDIAN), 0.0);
    check_close(bench_fraction(&group, &group.rows[0], BENCH_MEDIAN), 0.25);
    while (group.count < BENCH_MAX_ROWS) {
        timed(&group, "a", BENCH_PLAIN, 1.0, 1.0);
    }
    assert_null(bench_add(&group, "test", "one too many", "1"));
}

/* A processor's cache, as the system tells of it; `index` is its number among those of the processor. */
static void write_cache(const char *folder, int index, const char *level, const char *shared, const char *size)
{
    const char *const names[] = {"level", "shared_cpu_list", "size"};
    const char *const texts[] = {level, shared, size};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        FILE *file = NULL;
        assert_true(snprintf(path, sizeof path, "%s/index%d", folder, index) < (int)sizeof path);
        assert_true(mkdir(path, 0700) == 0 || i > 0);
        assert_true(snprintf(path, sizeof path, "%s/index%d/%s", folder, index, names[i]) < (int)sizeof path);
        file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fprintf(file, "%s\n", texts[i]) > 0);
        assert_int_equal(fclose(file), 0);
    }
}

static const char *make_processor(int number)
{
    static char path[256];
    assert_true(snprintf(path, sizeof path, "%s/cpu%d", scratch_path("cpu"), number) < (int)sizeof path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(snprintf(path, sizeof path, "%s/cpu%d/cache", scratch_path("cpu"), number) < (int)sizeof path);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

/* Two caches of the third level that two processors share each, and what lies before them. */
static void adds_up_the_farthest_caches(void **state)
{
    static const char *const shared[] = {"0-1", "0-1", "2,3", "2,3"};
    static const char *const alone[] = {"0", "1", "2", "3"};
    const char *folder = scratch_path("cpu");
    (void)state;
    assert_true(bench_host_cache_bytes(folder) == 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    for (int i = 0; i < 4; i++) {
        const char *processor = make_processor(i);
        write_cache(processor, 0, "1", alone[i], "32K");
        write_cache(processor, 1, "3", shared[i], "96M");
        write_cache(processor, 2, "2", alone[i], "1024K");
    }
    assert_true(bench_host_cache_bytes(folder) == UINT64_C(2) * 96 << 20);
}

static void keeps_weights_out_of_caches(void **state)
{
    (void)state;
    assert_true(gemm_decode_all_bytes(0) == UINT64_C(256) << 20);
    assert_true(gemm_decode_all_bytes(UINT64_C(64) << 20) == UINT64_C(256) << 20);
    assert_true(gemm_decode_all_bytes(UINT64_C(96) << 20) == UINT64_C(512) << 20);
    assert_true(gemm_decode_all_bytes(UINT64_C(1152) << 20) == UINT64_C(8) << 30);
    assert_true(gemm_decode_all_bytes(UINT64_MAX) == GEMM_DECODE_MOST_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_shapes),
                                       cmocka_unit_test(refuses_what_is_no_shape),
                                       cmocka_unit_test(cuts_one_size_in_many_ways),
                                       cmocka_unit_test(times_only_what_is_right),
                                       cmocka_unit_test(stops_when_told_to),
                                       cmocka_unit_test(compares_rows),
                                       cmocka_unit_test(adds_up_the_farthest_caches),
                                       cmocka_unit_test(keeps_weights_out_of_caches)};
    return cmocka_run_group_tests_name("bench", tests, scratch_begin, scratch_end);
}
