/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `clquant bench` as programs see it: one JSON object with the fields of docs/benchmarking.md, whatever is measured,
 * and exit code 5 with a row that says so when a result is wrong. The command runs in a child process of the test, with
 * peers of the test's own. CLQ_TEST_DEVICE names the device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/verbs/bench_verb.h"
#include "format/json.h"
#include "scratch.h"

/* A peer that is right, wrong or not there, by what it is told. */
typedef struct conversion {
    clq_dtype from, to;
    const void *source;
    void *target;
    size_t count;
    float scale;
} conversion;

static int peer_is_wrong;

static const char *peer_name(void)
{
    return "peer \"1\"";
}

static int peer_threads(void)
{
    return 0;
}

static void *reorder_create(clq_dtype from, clq_dtype to, void *source, void *target, size_t count, float scale)
{
    conversion *c = from == CLQ_F32 || to == CLQ_F32 ? malloc(sizeof *c) : NULL;
    if (c != NULL) {
        *c = (conversion){from, to, source, target, count, scale};
    }
    return c;
}

static int reorder_run(void *cookie)
{
    const conversion *c = cookie;
    for (size_t i = 0; i < c->count; i++) {
        if (c->from == CLQ_F32) {
            ((int8_t *)c->target)[i] = (int8_t)(((const float *)c->source)[i] * c->scale * 1.5f);
        } else {
            ((float *)c->target)[i] = (float)((const int8_t *)c->source)[i] * c->scale;
        }
    }
    if (!peer_is_wrong && c->from == CLQ_F32) { /* no wrong row, then: C's own codes */
        native_quantize(CLQ_F32, c->source, c->count, 1.0f / c->scale, c->target);
    }
    return 0;
}

static const bench_peers peers = {.name = peer_name,
                                  .threads = peer_threads,
                                  .reorder_name = "peer reorder",
                                  .reorder_create = reorder_create,
                                  .reorder_run = reorder_run,
                                  .reorder_destroy = free};

/* The command with these words, in a child; what it printed on stdout is in `path`. Returns its exit code. */
static int run(const char *path, const char *const *words)
{
    const char *device = getenv("CLQ_TEST_DEVICE");
    pid_t child = -1;
    int status = 0;
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *arguments[32] = {NULL};
        char name[] = "clquant", verb[] = "bench", option[] = "--device", json[] = "--json";
        int count = 0;
        arguments[count++] = name;
        arguments[count++] = verb;
        arguments[count++] = option;
        arguments[count++] = strdup(device != NULL && device[0] != '\0' ? device : "auto");
        arguments[count++] = json;
        for (size_t i = 0; words[i] != NULL && count < 31; i++) {
            arguments[count++] = strdup(words[i]);
        }
        if (freopen(path, "w", stdout) == NULL) {
            _exit(99);
        }
        setenv("CLQUANT_CACHE_DIR", scratch_path("cache"), 1); /* not what builds of others have left */
        cli_bench_set_peers(&peers);
        _exit(cli_run(count, arguments));
    }
    assert_true(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether the device computes in this process; asked in a child, since what a driver starts does not survive a fork. */
enum { HOST_MEMORY = 1, OPENCL = 2 }; /* bits of what is told of it */

static int device_facts(void)
{
    const char *device = getenv("CLQ_TEST_DEVICE");
    pid_t child = -1;
    int status = 0;
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        clq_context *context = NULL;
        clq_device_info info;
        if (clq_context_create(device != NULL && device[0] != '\0' ? device : "auto", &context, NULL) != CLQ_OK) {
            _exit(99);
        }
        clq_context_device(context, &info);
        _exit((info.type == CLQ_DEVICE_CPU || info.type == CLQ_DEVICE_REFERENCE ? HOST_MEMORY : 0) |
              (info.platform >= 0 ? OPENCL : 0));
    }
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= (HOST_MEMORY | OPENCL));
    return WEXITSTATUS(status);
}

static int device_is_host(void)
{
    return (device_facts() & HOST_MEMORY) != 0;
}

/* What the rows said, summed up. */
typedef struct seen {
    size_t rows, measured, failed, unsupported, copies, roofs, peers, beside, with_peer;
    uint64_t reported_failures;
} seen;

/* Members of a row, in order: 's' a string, 't' a string or null, 'u' a whole number, 'f' a number above 0 or null. */
static const struct {
    const char *name, *other;
    char kind;
} members[] = {{"operation", NULL, 's'},
               {"problem", NULL, 's'},
               {"shape", NULL, 's'},
               {"elements", NULL, 'u'},
               {"role", NULL, 's'},
               {"who", NULL, 's'},
               {"way", NULL, 't'},
               {"variant", NULL, 't'},
               {"outcome", NULL, 's'},
               {"median_seconds", NULL, 'f'},
               {"best_seconds", NULL, 'f'},
               {"gb_per_second", "gops", 'f'},
               {"best_gb_per_second", "best_gops", 'f'},
               {"fraction", NULL, 'f'},
               {"best_fraction", NULL, 'f'},
               {"copy_fraction", NULL, 'f'},
               {"best_copy_fraction", NULL, 'f'},
               {"peer", NULL, 't'},
               {"peer_ratio", NULL, 'f'},
               {"best_peer_ratio", NULL, 'f'},
               {"target", NULL, 'f'},
               {"beside", NULL, 't'},
               {"cost", NULL, 'f'},
               {"best_cost", NULL, 'f'},
               {"limit", NULL, 'f'}};

enum { MEMBERS = sizeof members / sizeof members[0], OUTCOME = 8, ROLE = 4, MEDIAN = 9, PEER = 17, BESIDE = 21 };

/* The text of a string, "" for null, "+" for a number. */
static void read_member(clq_json *json, size_t number, char *out, size_t capacity)
{
    clq_json_kind kind = CLQ_JSON_NULL;
    char *text = NULL;
    size_t length = 0;
    double value = 0.0;
    uint64_t whole = 0;
    out[0] = '\0';
    assert_int_equal(clq_json_key(json, &text, &length, NULL), CLQ_OK);
    if (strcmp(text, members[number].name) != 0 &&
        (members[number].other == NULL || strcmp(text, members[number].other) != 0)) {
        fail_msg("member %zu of a row is '%s', expected '%s'", number, text, members[number].name);
    }
    free(text);
    assert_int_equal(clq_json_peek(json, &kind, NULL), CLQ_OK);
    if (kind == CLQ_JSON_NULL) {
        assert_true(members[number].kind == 't' || members[number].kind == 'f');
        assert_int_equal(clq_json_skip(json, NULL), CLQ_OK);
    } else if (members[number].kind == 'u') {
        assert_int_equal(clq_json_u64(json, &whole, NULL), CLQ_OK);
    } else if (members[number].kind == 'f') {
        assert_int_equal(clq_json_double(json, &value, NULL), CLQ_OK);
        assert_true(value > 0.0);
        snprintf(out, capacity, "+");
    } else {
        assert_int_equal(clq_json_string(json, &text, &length, NULL), CLQ_OK);
        snprintf(out, capacity, "%s", text);
        free(text);
    }
}

static void read_row(clq_json *json, seen *s)
{
    char values[MEMBERS][64];
    int more = 0;
    size_t count = 0;
    assert_int_equal(clq_json_enter(json, CLQ_JSON_OBJECT, NULL), CLQ_OK);
    for (;; count++) {
        assert_int_equal(clq_json_next(json, CLQ_JSON_OBJECT, count == 0, &more, NULL), CLQ_OK);
        if (!more) {
            break;
        }
        assert_true(count < MEMBERS);
        read_member(json, count, values[count], sizeof values[count]);
    }
    assert_int_equal(count, MEMBERS);
    s->rows++;
    s->measured += strcmp(values[OUTCOME], "measured") == 0;
    s->failed += strcmp(values[OUTCOME], "failed") == 0;
    s->unsupported += strcmp(values[OUTCOME], "unsupported") == 0;
    assert_true((strcmp(values[OUTCOME], "measured") == 0) == (values[MEDIAN][0] != '\0'));
    s->copies += strcmp(values[ROLE], "copy") == 0;
    s->roofs += strcmp(values[ROLE], "roof") == 0;
    s->peers += strcmp(values[ROLE], "peer") == 0;
    s->with_peer += values[PEER][0] != '\0';
    s->beside += values[BESIDE][0] != '\0';
}

static void read_rows(clq_json *json, seen *s)
{
    int more = 0;
    int first = 1;
    assert_int_equal(clq_json_enter(json, CLQ_JSON_ARRAY, NULL), CLQ_OK);
    for (;; first = 0) {
        assert_int_equal(clq_json_next(json, CLQ_JSON_ARRAY, first, &more, NULL), CLQ_OK);
        if (!more) {
            return;
        }
        read_row(json, s);
    }
}

/* The whole object: its members in order, and its end. */
static seen read_report(const char *path)
{
    static const char *const names[] = {"version",       "command", "device",       "platform", "driver",
                                        "compute_units", "threads", "instructions", "peer",     "peer_threads",
                                        "rounds",        "rows",    "memory_bytes", "failed",   "error"};
    enum { NAMES = sizeof names / sizeof names[0] };
    seen s = {0};
    size_t length = 0;
    char *text = scratch_read(path, &length);
    clq_json json;
    int more = 0;
    assert_non_null(text);
    clq_json_init(&json, text, length, "report");
    assert_int_equal(clq_json_enter(&json, CLQ_JSON_OBJECT, NULL), CLQ_OK);
    for (size_t i = 0;; i++) {
        char *name = NULL;
        size_t name_length = 0;
        assert_int_equal(clq_json_next(&json, CLQ_JSON_OBJECT, i == 0, &more, NULL), CLQ_OK);
        if (!more) {
            assert_int_equal(i, s.reported_failures > 0 ? NAMES : NAMES - 1);
            break;
        }
        assert_true(i < NAMES);
        assert_int_equal(clq_json_key(&json, &name, &name_length, NULL), CLQ_OK);
        assert_string_equal(name, names[i]);
        if (strcmp(name, "rows") == 0) {
            read_rows(&json, &s);
        } else if (strcmp(name, "failed") == 0) {
            assert_int_equal(clq_json_u64(&json, &s.reported_failures, NULL), CLQ_OK);
        } else {
            assert_int_equal(clq_json_skip(&json, NULL), CLQ_OK);
        }
        free(name);
    }
    assert_int_equal(clq_json_end(&json, NULL), CLQ_OK);
    free(text);
    return s;
}

static const char *write_shapes(void)
{
    static const char text[] = "# plain, cut, and a product\n4096\n64x27 axis=0\n10x3 axis=1 # three channels\n\n"
                               "16x100 group=32\n\t4095 offset=1\n5x7x9\n2x8x128\n";
    return scratch_write("shapes", text, sizeof text - 1);
}

static void describes_every_row(void **state)
{
    const char *shapes = write_shapes();
    const char *report = scratch_path("report.json");
    const char *const words[] = {"minmax", "quantize", "dequantize", "fake-quantize", "dynamic-quantize", "histogram",
                                 "gemm",   "--rounds", "1",          "--quick",       "--shapes",         shapes,
                                 NULL};
    seen s;
    (void)state;
    peer_is_wrong = 0;
    assert_int_equal(run(report, words), 0);
    s = read_report(report);
    assert_int_equal(s.failed, 0);
    assert_int_equal(s.reported_failures, 0);
    /* Four tensors beside a plain one, in 5 operations, and 5 dynamic ones beside their passes, in 3 types; packed B of
     * two products exported, twice imported and on the host copied; of the one with groups two types of 16 bits. */
    assert_int_equal(s.beside, 3 * (4 * 5 + 5) + 2 * (device_is_host() ? 4 : 3) + 2);
    assert_true(s.copies > 0);
    if (device_is_host()) {
        /* Plain tensors of four sizes, three of them added; a peer for f32, in both arithmetics of quantize and in
         * dequantize. */
        assert_int_equal(s.peers, 4 * 2 * 3);
        assert_int_equal(s.with_peer, 4 * (2 + 1));
        assert_true(s.roofs >= 6 * 3 && s.unsupported >= 4);
    } else { /* what C or a peer makes of the host's memory is not beside what a device makes of its own */
        assert_int_equal(s.peers, 0);
        assert_int_equal(s.with_peer, 0);
    }
}

static void measures_batches(void **state)
{
    const char *report = scratch_path("report.json");
    const char *const words[] = {"batch", "--rounds", "1", "--quick", "--sweep", NULL};
    seen s;
    (void)state;
    assert_int_equal(run(report, words), 0);
    s = read_report(report);
    assert_int_equal(s.rows, 3 * 3 * 5); /* 1, 10 and 100 tensors, three ways, five operations */
    assert_int_equal(s.measured, s.rows);
    assert_int_equal(s.beside, 2 * 3 * 5);
}

/* Both ways of each quick list of experts beside each other, and the reading of B as well where it is the host's: two
 * lists of codes, the same of f16 and bf16, and two with B of 4 bits, beside which stands that of 8. */
static void measures_batches_of_products(void **state)
{
    const char *report = scratch_path("report.json");
    const char *const words[] = {"gemm-batch", "--rounds", "1", "--quick", NULL};
    seen s;
    (void)state;
    assert_int_equal(run(report, words), 0);
    s = read_report(report);
    assert_int_equal(s.beside, 2 * 2 * 3 + 2 * 3);
    assert_int_equal(s.failed, 0);
    assert_true(s.measured >= s.beside + (device_is_host() ? 2 * 3 + 2 : 0));
}

/* Three ways of three operations and a product, two of each beside the third. */
static void measures_launches(void **state)
{
    const char *report = scratch_path("report.json");
    const char *const words[] = {"launch", "--rounds", "1", NULL};
    seen s;
    (void)state;
    if ((device_facts() & OPENCL) == 0) { /* without queues */
        assert_int_equal(run(report, words), 1);
        return;
    }
    assert_int_equal(run(report, words), 0);
    s = read_report(report);
    assert_int_equal(s.rows, 3 * 4);
    assert_int_equal(s.measured, s.rows);
    assert_int_equal(s.beside, 2 * 4);
}

static void says_when_a_result_is_wrong(void **state)
{
    const char *shapes = write_shapes();
    const char *report = scratch_path("report.json");
    const char *const words[] = {"quantize", "--quiet", "--rounds", "1", "--quick", "--shapes", shapes, NULL};
    seen s;
    int code = 0;
    (void)state;
    peer_is_wrong = 1;
    code = run(report, words);
    peer_is_wrong = 0;
    s = read_report(report);
    if (!device_is_host()) { /* no peer was asked */
        assert_int_equal(s.peers, 0);
        assert_int_equal(code, 0);
    } else {
        assert_int_equal(code, 5);
        assert_int_equal(s.failed, 4); /* a plain tensor of each size */
        assert_int_equal(s.reported_failures, 4);
        assert_int_equal(s.with_peer, 0); /* nothing is compared with it */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(describes_every_row), cmocka_unit_test(measures_batches),
                                       cmocka_unit_test(measures_batches_of_products),
                                       cmocka_unit_test(measures_launches),
                                       cmocka_unit_test(says_when_a_result_is_wrong)};
    if (getenv("CLQ_TEST_FILTER") != NULL) {
        cmocka_set_test_filter(getenv("CLQ_TEST_FILTER"));
    }
    return cmocka_run_group_tests_name("bench command", tests, scratch_begin, scratch_end);
}
