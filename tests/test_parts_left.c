/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What parts leave beside an output: that nothing of it stays where nobody needs it, that it is found by whatever name,
 * and that no hole in it is taken for data.
 */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clquant/clquant.h>

#include "check.h"
#include "folder_tree.h"
#include "part_runs.h"
#include "scratch.h"

static const char *const FIRST_JOURNAL = ".q.safetensors.part-1-of-2.journal";
static const char *const PARTIAL = "out/.q.safetensors.partial";

static void both_parts(const part_job *what)
{
    part_must(part_run(what, 1, 2, NULL), "a part", 1);
    part_must(part_run(what, 2, 2, NULL), "a part", 2);
}

static int join_of(const char *out, const char *check)
{
    const char *const arguments[] = {"join", scratch_path(out), "--check", check, NULL};
    const killed_run run = {.out = scratch_path("stdout"), .err = scratch_path("stderr")};
    return killed_run_start(&run, arguments);
}

/* A folder is joined as one by the name of its weights too, and weights alone by that of the folder they lie in. */
static void joins_what_the_parts_were_to_make(void **state)
{
    const part_job *folder = &PART_JOBS[PART_FOLDER_JOB];
    const part_job alone = {"in", "out/model.safetensors.index.json", {"--format", "compressed-tensors"}};
    const part_job another = {"in/model-1.safetensors", "out/q.safetensors", {NULL}};
    part_expected want = part_expect(folder);
    (void)state;
    part_begin(folder);
    both_parts(folder);
    part_must(join_of("out/model.safetensors.index.json", "all"), "join by the index", 0);
    part_assert_joined(&want, "by the index", 0);
    part_free_expected(&want);
    want = part_expect(&alone);
    part_begin(&alone);
    both_parts(&alone);
    part_must(join_of("out", "all"), "join by the folder", 0);
    part_assert_joined(&want, "by the folder", 0);
    part_free_expected(&want);
    /* Parts of the one are none of the other, and which output is meant is not guessed. */
    part_begin(&alone);
    part_must(part_run(&alone, 1, 2, NULL), "a part", 1);
    part_refuses(part_run(&(part_job){"in", "out", {"--format", "compressed-tensors"}}, 2, 2, NULL), 2,
                 "begun as a file by itself");
    part_must(part_run(&another, 1, 2, NULL), "a part of another output", 1);
    part_refuses(join_of("out", "all"), 2, "parts of several outputs");
}

/* Before any of the calls that a part may fail in: nothing stays of a part alone, and of others all of what they did.
 */
static void leaves_nothing_of_a_part_that_fails(void **state)
{
    static const size_t KINDS[] = {0, PART_SHARDED_JOB, PART_FOLDER_JOB};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        const part_job *what = &PART_JOBS[KINDS[k]];
        part_expected want = part_expect(what);
        int failed = 1;
        for (long point = 1; failed; point += check_stride()) {
            const killed_run run = {.fail_at = point, .racing = 1};
            char *left;
            part_begin(what);
            failed = part_run_with(what, 1, 2, run, NULL) != 0;
            if (failed && tree_has(".", "out")) {
                left = tree_show("out", 1);
                if (left[0] != '\0') {
                    fail_msg("job %zu, call %ld fails: this is left:\n%s", KINDS[k], point, left);
                }
                free(left);
            }
            part_begin(what);
            part_must(part_run(what, 2, 2, NULL), "the other part", point);
            (void)part_run_with(what, 1, 2, run, NULL);
            part_must(part_run(what, 1, 2, "--resume"), "a part that is done again", point);
            part_must(part_join(what), "join", point);
            part_assert_joined(&want, "after a failure", point);
        }
        part_free_expected(&want);
    }
}

/* Journals stand where the file does that a link leads to, and either name finds them. */
static void follows_a_link(void **state)
{
    const part_job real = PART_JOBS[0];
    const part_job linked = {real.in, "links/l.safetensors", {NULL}};
    part_expected want = part_expect(&real);
    (void)state;
    scratch_remove(scratch_path("links"));
    assert_int_equal(mkdir(scratch_path("links"), 0777), 0);
    assert_int_equal(symlink("../out/q.safetensors", scratch_path(linked.out)), 0);
    part_must(part_run(&linked, 1, 2, "--force"), "a part", 1);
    part_must(part_run(&real, 2, 2, "--force"), "a part by the other name", 2);
    assert_true(tree_has("out", FIRST_JOURNAL));
    part_refuses(part_whole(&real, NULL), 2, "part 1 of 2 of it is there");
    part_must(part_join(&linked), "join", 0);
    part_assert_joined(&want, "through a link", 0);
    assert_false(tree_has("links", ".l.safetensors.partial"));
    part_must(part_run(&real, 2, 2, "--force"), "a part", 2);
    part_must(part_run(&linked, 1, 2, "--force"), "a part by the other name", 1);
    part_must(part_join(&real), "join", 0);
    part_assert_joined(&want, "beside a link", 0);
    part_free_expected(&want);
}

/* A part that died when it had just begun hides no other. */
static void sees_behind_a_torn_journal(void **state)
{
    const part_job *what = &PART_JOBS[0];
    part_expected want = part_expect(what);
    (void)state;
    part_begin(what);
    both_parts(what);
    assert_int_equal(truncate(scratch_path("out/.q.safetensors.part-1-of-2.journal"), 10), 0);
    part_refuses(part_join(what), 2, "part 1 of 2 is not finished");
    part_must(part_run(what, 1, 2, NULL), "a part", 1);
    part_must(part_join(what), "join", 0);
    part_assert_joined(&want, "torn", 0);
    /* That of another number, which is first in order and is needed for nothing. */
    part_begin(what);
    both_parts(what);
    scratch_write("out/.q.safetensors.part-1-of-1.journal", "clquant", 7);
    part_must(part_join(what), "join", 0);
    part_assert_joined(&want, "torn", 1);
    part_free_expected(&want);
}

/* What a part wrote is gone when the file is: whoever begins a new one does not count it. */
static void sees_what_is_lost(void **state)
{
    const part_job *what = &PART_JOBS[0];
    part_expected want = part_expect(what);
    (void)state;
    part_begin(what);
    both_parts(what);
    scratch_remove(scratch_path(PARTIAL));
    part_must(part_run(what, 2, 2, "--force"), "a part that begins anew", 2);
    part_refuses(join_of("out/q.safetensors", "none"), 2, "part 1 of 2 is not there");
    part_must(part_run(what, 1, 2, NULL), "a part", 1);
    part_must(join_of("out/q.safetensors", "none"), "join", 0);
    part_assert_joined(&want, "lost", 0);
    /* Without --force nothing is thrown away. */
    part_begin(what);
    part_must(part_run(what, 1, 2, NULL), "a part", 1);
    scratch_remove(scratch_path(PARTIAL));
    part_refuses(part_run(what, 2, 2, NULL), 2, "what part 1 of 2 wrote of it is not there any more");
    assert_true(tree_has("out", FIRST_JOURNAL));
    part_free_expected(&want);
}

/* ---- shares of the shards, each in a file system of its own ---- */

static clq_file_request share_request(uint32_t share, const char *output)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = scratch_path("in/model.safetensors.index.json");
    request.output = output;
    request.part = 1;
    request.parts = 1;
    request.first_share = share;
    request.own_shares = 1;
    request.shares = 2;
    return request;
}

/* Each is quantized and joined by itself, and knows nothing of the other. */
static void write_share(clq_context *context, uint32_t share, const char *output)
{
    const clq_file_request request = share_request(share, output);
    clq_error error;
    if (clq_file_quantize(context, &request, NULL, NULL, &error) != CLQ_OK ||
        clq_file_join(context, &request, NULL, NULL, &error) != CLQ_OK) {
        fail_msg("share %u: %s", (unsigned)share, error.message);
    }
}

static void writes_shares_in_folders_of_their_own(void **state)
{
    static const char *const SHARDS[] = {"q-00001-of-00002.safetensors", "q-00002-of-00002.safetensors"};
    const part_job what = {"in/model.safetensors.index.json", "out/q.safetensors.index.json", {NULL}};
    part_expected want = part_expect(&what);
    clq_context *context = NULL;
    clq_file_request request;
    clq_error error;
    (void)state;
    assert_int_equal(clq_context_create("reference", &context, &error), CLQ_OK);
    part_begin(&what);
    scratch_remove(scratch_path("other"));
    assert_int_equal(mkdir(scratch_path("other"), 0777), 0);
    write_share(context, 0, scratch_path(what.out));
    write_share(context, 1, scratch_path("other/q.safetensors.index.json"));
    assert_true(tree_has("out", SHARDS[0]) && !tree_has("out", SHARDS[1]));
    assert_true(tree_has("other", SHARDS[1]) && !tree_has("other", SHARDS[0]));
    assert_true(tree_has("out", "q.safetensors.index.json") && tree_has("other", "q.safetensors.index.json"));
    /* What the other has begun is not gone on with, and a shard of its is not replaced. */
    request = share_request(1, scratch_path(what.out));
    request.replace = 1;
    assert_int_equal(clq_file_quantize(context, &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "another rank writes the shard of this name"));
    assert_int_equal(
        rename(scratch_path("other/q-00002-of-00002.safetensors"), scratch_path("out/q-00002-of-00002.safetensors")),
        0);
    part_assert_joined(&want, "shares", 2);
    part_begin(&what);
    request = share_request(0, scratch_path(what.out));
    assert_int_equal(clq_file_quantize(context, &request, NULL, NULL, &error), CLQ_OK);
    request = share_request(1, scratch_path(what.out));
    request.resume = 1;
    assert_int_equal(clq_file_quantize(context, &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "other shards are to be written here now"));
    request = share_request(0, scratch_path("out/one.safetensors"));
    assert_int_equal(clq_file_quantize(context, &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "would be a single file"));
    request.first_share = 2;
    assert_int_equal(clq_file_quantize(context, &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
    clq_context_destroy(&context);
    part_free_expected(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_what_the_parts_were_to_make),
        cmocka_unit_test(leaves_nothing_of_a_part_that_fails),
        cmocka_unit_test(follows_a_link),
        cmocka_unit_test(sees_behind_a_torn_journal),
        cmocka_unit_test(sees_what_is_lost),
        cmocka_unit_test(writes_shares_in_folders_of_their_own),
    };
    return cmocka_run_group_tests_name("parts_left", tests, part_make_inputs, scratch_end);
}
