/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that quantize writes, killed or failing at every call that changes a file: what stands there is the old
 * model, the new one or none to a loader, and the next run makes it what an undisturbed run does.
 */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "folder_tree.h"
#include "killed_run.h"
#include "scratch.h"

#define INDEX_OF(first, second)                                                                                        \
    "{\"weight_map\": {\"a.weight\": \"" first "\", \"a.bias\": \"" first "\", \"b.weight\": \"" second                \
    "\", \"b.bias\": \"" second "\"}}"

static const char CONFIG[] = "{\n  \"architectures\": [\"Net\"],\n  \"hidden\": 16\n}\n";

static void make_whole(void)
{
    tree_weights("whole/model.safetensors", "ab");
    tree_write("whole/config.json", CONFIG);
    tree_write("whole/tokenizer.json", "words\n");
    tree_write("whole/1_Pooling/config.json", "{}\n");
}

static void make_shards(void)
{
    tree_weights("shards/model-00001-of-00002.safetensors", "a");
    tree_weights("shards/model-00002-of-00002.safetensors", "b");
    tree_write("shards/model.safetensors.index.json",
               INDEX_OF("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"));
    tree_write("shards/config.json", CONFIG);
    tree_write("shards/tokenizer.json", "words\n");
    tree_write("shards/sub/deeper/template.txt", "template\n");
}

static int make_inputs(void **state)
{
    scratch_begin(state);
    make_whole();
    make_shards();
    return 0;
}

/* ---- what is there before ---- */

static void nothing(void)
{
}

static void old_whole(void)
{
    tree_weights("out/model.safetensors", "xyz");
    tree_write("out/config.json", "{\"old\": true}");
    tree_write("out/tokenizer.json", "old words\n");
    tree_write("out/notes.txt", "kept\n");
}

static void old_shards(void)
{
    tree_weights("out/old-1.safetensors", "a");
    tree_weights("out/old-2.safetensors", "b");
    tree_write("out/model.safetensors.index.json", INDEX_OF("old-1.safetensors", "old-2.safetensors"));
    tree_write("out/config.json", "{\"old\": true}");
    tree_write("out/tokenizer.json", "words\n");
}

typedef struct job {
    const char *in;
    void (*before)(void);
    int force;
    const char *verb;
} job;

static const job JOBS[] = {
    {"whole", nothing, 0, "quantize"},    {"shards", nothing, 0, "quantize"},    {"shards", old_whole, 1, "quantize"},
    {"whole", old_shards, 1, "quantize"}, {"shards", old_shards, 1, "quantize"},
};

static int start(const job *what, killed_run run, const char *more)
{
    const char *arguments[KILLED_RUN_ARGUMENTS] = {
        what->verb, scratch_path(what->in), "-o", scratch_path("out"), "--device", "reference", "--quiet"};
    size_t count = 7;
    run.err = scratch_path("stderr");
    if (more != NULL) {
        arguments[count++] = more;
    }
    if (what->force) {
        arguments[count++] = "--force";
    }
    return killed_run_start(&run, arguments);
}

static void begin(const job *what)
{
    scratch_remove(scratch_path("out"));
    what->before();
}

static void fails(const job *what, const char *where, long point, const char *why)
{
    size_t length = 0;
    char *said = scratch_read(scratch_path("stderr"), &length);
    char *tree = tree_show("out", 1);
    fail_msg("%s to a folder, %s call %ld: %s\n%s\n%s", what->in, where, point, why, said != NULL ? said : "", tree);
}

/* What an undisturbed run makes. */
static char *expect(const job *what)
{
    const killed_run run = {0};
    begin(what);
    if (start(what, run, NULL) != 0) {
        fails(what, "undisturbed", 0, "failed");
    }
    return tree_show("out", 1);
}

static void assert_tree(const job *what, const char *where, long point, const char *want)
{
    char *got = tree_show("out", 1);
    if (strcmp(got, want) != 0) {
        fails(what, where, point, "the folder is not that of an undisturbed run");
    }
    free(got);
}

/* To a loader it is one of the two, as a whole, or none. `want` has nothing hidden. */
static void assert_no_mixture(const job *what, const char *where, long point, const char *old, const char *want)
{
    char *seen = tree_show("out", 0);
    if (tree_loads("out") && strcmp(seen, old) != 0 && strcmp(seen, want) != 0) {
        fails(what, where, point, "a loader takes a mixture");
    }
    free(seen);
}

/* Of every so manyth call; the jobs, which do much the same at the same call, take different ones. */
static long first_point(size_t number)
{
    return 1 + (long)number % check_stride();
}

/* ---- tests ---- */

static void a_kill_leaves_one_model_or_none_and_is_continued(void **state)
{
    (void)state;
    for (size_t j = 0; j < sizeof JOBS / sizeof JOBS[0]; j++) {
        const job *what = &JOBS[j];
        char *want = expect(what);
        char *old;
        long point = first_point(j);
        begin(what);
        old = tree_show("out", 0);
        for (int code = KILLED_RUN_DIED; code == KILLED_RUN_DIED; point += check_stride()) {
            const killed_run dying = {.die_before = point};
            const killed_run living = {0};
            begin(what);
            code = start(what, dying, NULL);
            assert_no_mixture(what, "killed before", point, old, want);
            if (code == KILLED_RUN_DIED && start(what, living, "--resume") != 0) {
                fails(what, "continued after", point, "failed");
            }
            assert_tree(what, "continued after", point, want);
        }
        assert_true(point > 30);
        free(want);
        free(old);
    }
}

/* Of a call that fails: the old model stays, until the new one is whole; what is to be removed may stay, hidden. */
static void a_failing_call_loses_no_model(void **state)
{
    (void)state;
    for (size_t j = 0; j < sizeof JOBS / sizeof JOBS[0]; j++) {
        const job *what = &JOBS[j];
        const job again = {what->in, what->before, 1, what->verb};
        char *want = expect(what);
        char *old;
        int code = 1;
        int well = 0; /* runs in a row in which nothing failed, or nothing that matters */
        begin(what);
        old = tree_show("out", 0);
        for (long point = first_point(j); well < 12; point += check_stride()) {
            const killed_run failing = {.fail_at = point, .racing = 1};
            const killed_run living = {0};
            begin(what);
            code = start(what, failing, NULL);
            well = code == 0 ? well + check_stride() : 0;
            assert_no_mixture(what, "failing", point, old, want);
            if (code != 0 && code != 1) {
                fails(what, "failing", point, "another exit code than 0 and 1");
            }
            if (code != 0 && start(&again, living, NULL) != 0) {
                fails(what, "again after", point, "failed");
            }
            if (code != 0) {
                assert_tree(what, "again after", point, want);
            }
        }
        free(want);
        free(old);
    }
}

/* A run that fails leaves the folder that was to be made, or what was in it, as if it had not been. */
static void nothing_half_made_stays(void **state)
{
    const job fresh = {"broken", nothing, 0, "quantize"};
    const job over = {"broken", old_whole, 1, "quantize"};
    const killed_run run = {0};
    char *old;
    char *seen;
    (void)state;
    tree_weights("broken/model.safetensors", "ab");
    {
        /* The last element is NaN. */
        size_t length = 0;
        char *bytes = scratch_read(scratch_path("broken/model.safetensors"), &length);
        memset(bytes + length - 16 * sizeof(float) - 4, 0xFF, 4);
        scratch_write("broken/model.safetensors", bytes, length);
        free(bytes);
    }
    tree_write("broken/config.json", CONFIG);
    begin(&fresh);
    assert_int_equal(start(&fresh, run, NULL), 7);
    assert_false(tree_has(".", "out"));
    begin(&over);
    old = tree_show("out", 1);
    assert_int_equal(start(&over, run, NULL), 7);
    seen = tree_show("out", 1);
    assert_string_equal(seen, old);
    free(old);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_leaves_one_model_or_none_and_is_continued),
        cmocka_unit_test(a_failing_call_loses_no_model),
        cmocka_unit_test(nothing_half_made_stays),
    };
    return cmocka_run_group_tests_name("folder_resume", tests, make_inputs, scratch_end);
}
