/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantize --part and join: the bytes and the report of one run, whatever the number of parts, their order and their
 * deaths; and nothing is joined that does not belong together.
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
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "folder_tree.h"
#include "part_runs.h"
#include "scratch.h"

static void shuffle(unsigned *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const unsigned j = (unsigned)(scratch_random(&part_seed) % (i + 1));
        order[i] = order[j];
        order[j] = i + 1;
    }
}

static void gives_the_bytes_of_one_run(void **state)
{
    static const unsigned COUNTS[] = {1, 2, 3, 4, 7, 40};
    (void)state;
    for (size_t j = 0; j < PART_JOB_COUNT; j++) {
        part_expected want = part_expect(&PART_JOBS[j]);
        for (size_t c = 0; c < sizeof COUNTS / sizeof COUNTS[0]; c++) {
            unsigned order[40];
            char *report;
            part_begin(&PART_JOBS[j]);
            shuffle(order, COUNTS[c]);
            if (COUNTS[c] == 2) { /* once the last first: what begins later must leave it as it is */
                order[0] = 2;
                order[1] = 1;
            }
            for (unsigned i = 0; i < COUNTS[c]; i++) {
                part_must(part_run(&PART_JOBS[j], order[i], COUNTS[c], NULL), "a part", (long)order[i]);
            }
            part_must(part_run(&PART_JOBS[j], COUNTS[c], COUNTS[c], "--resume"), "a part that was done", (long)j);
            part_must(part_join(&PART_JOBS[j]), "join", (long)j);
            part_assert_joined(&want, "parts", (long)COUNTS[c]);
            report = part_read_report();
            if (strcmp(report, want.report) != 0) {
                fail_msg("job %zu: the report is not that of one run:\n%s\nbut\n%s", j, report, want.report);
            }
            free(report);
        }
        part_free_expected(&want);
    }
}

/* All parts in processes of their own, at once; how many of them failed. */
static int all_at_once(const part_job *what, unsigned parts)
{
    pid_t children[8];
    int failed = 0;
    for (unsigned i = 0; i < parts; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char out[32], err[32];
            killed_run run = {.racing = 1};
            snprintf(out, sizeof out, "stdout-%u", i);
            snprintf(err, sizeof err, "stderr-%u", i);
            run.out = scratch_path(out);
            run.err = scratch_path(err);
            _exit(part_run_with(what, i + 1, parts, run, NULL));
        }
    }
    for (unsigned i = 0; i < parts; i++) {
        int status = 0;
        char err[32];
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            snprintf(err, sizeof err, "stderr-%u", i);
            fprintf(stderr, "part %u: %s", i + 1, part_text(err));
            failed++;
        }
    }
    return failed;
}

static void runs_at_the_same_time(void **state)
{
    (void)state;
    for (size_t j = 0; j < PART_JOB_COUNT; j++) {
        part_expected want = part_expect(&PART_JOBS[j]);
        part_begin(&PART_JOBS[j]);
        assert_int_equal(all_at_once(&PART_JOBS[j], 4), 0);
        part_must(part_join(&PART_JOBS[j]), "join", (long)j);
        part_assert_joined(&want, "at once", (long)j);
        part_free_expected(&want);
    }
}

/* A part dies before each call that changes a file, and is continued; the other is there already, or comes later. */
static void continues_a_part_from_every_call(void **state)
{
    (void)state;
    for (size_t j = 0; j < PART_JOB_COUNT; j += 3) {
        part_expected want = part_expect(&PART_JOBS[j]);
        long point = 1 + (long)(j % (size_t)check_stride());
        int done_early = 0;
        for (int code = KILLED_RUN_DIED; code == KILLED_RUN_DIED; point += 3 * check_stride()) {
            const unsigned dies = 1 + (unsigned)(point % 2);
            killed_run run = {
                .die_before = point, .power_loss = (int)(point / 2 % 2), .seed = scratch_random(&part_seed)};
            part_begin(&PART_JOBS[j]);
            part_must(point % 4 < 2 ? part_run(&PART_JOBS[j], 3 - dies, 2, NULL) : 0, "the other part", point);
            code = part_run_with(&PART_JOBS[j], dies, 2, run, NULL);
            if (code == KILLED_RUN_DIED && part_join(&PART_JOBS[j]) == 0) {
                /* Both were done but for the flush of the last line of a journal. */
                assert_int_equal(done_early++, 0);
                part_assert_joined(&want, "done", point);
                continue;
            }
            if (code == KILLED_RUN_DIED) {
                part_assert_not_half(&PART_JOBS[j], &want, point);
                part_must(part_run(&PART_JOBS[j], dies, 2, "--resume"), "a part that is continued", point);
            } else {
                assert_int_equal(code, 0);
            }
            part_must(point % 4 < 2 ? 0 : part_run(&PART_JOBS[j], 3 - dies, 2, NULL), "the other part", point);
            part_must(part_join(&PART_JOBS[j]), "join", point);
            part_assert_joined(&want, "continued", point);
        }
        assert_true(point > 10);
        part_free_expected(&want);
    }
}

static void joins_from_every_call(void **state)
{
    static const size_t KINDS[] = {0, PART_SHARDED_JOB, PART_FOLDER_JOB};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        const part_job *what = &PART_JOBS[KINDS[k]];
        part_expected want = part_expect(what);
        long point = 1;
        for (int code = KILLED_RUN_DIED; code == KILLED_RUN_DIED; point += check_stride()) {
            killed_run run = {.die_before = point};
            part_begin(what);
            part_must(part_run(what, 1, 2, NULL), "a part", 1);
            part_must(part_run(what, 2, 2, NULL), "a part", 2);
            code = part_join_with(what, run);
            if (code == KILLED_RUN_DIED) {
                part_assert_not_half(what, &want, point);
                code = part_join(what);
                if (code == 2) { /* all was done but the end of the process */
                    part_refuses(code, 2, "no part of it is there");
                } else {
                    part_must(code, "a join that is done again", point);
                }
                code = KILLED_RUN_DIED;
            } else {
                assert_int_equal(code, 0);
            }
            part_assert_joined(&want, "joined", point);
        }
        assert_true(point > 3);
        part_free_expected(&want);
    }
}

/* Parts of two, of which one died, go on as parts of three, and as one. */
static void goes_on_with_another_number(void **state)
{
    (void)state;
    for (size_t j = 0; j < PART_JOB_COUNT; j++) {
        const killed_run dies = {.die_before = 12 + (long)(scratch_random(&part_seed) % 8)};
        part_expected want = part_expect(&PART_JOBS[j]);
        for (unsigned parts = 1; parts <= 3; parts += 2) {
            part_begin(&PART_JOBS[j]);
            part_must(part_run(&PART_JOBS[j], 1, 2, NULL), "a part", 1);
            (void)part_run_with(&PART_JOBS[j], 2, 2, dies, NULL);
            part_refuses(part_run(&PART_JOBS[j], 1, parts, NULL), 2, "there are parts of 2");
            for (unsigned i = parts; i >= 1; i--) {
                part_must(part_run(&PART_JOBS[j], i, parts, "--resume"), "a part of another number", (long)i);
            }
            part_must(part_join(&PART_JOBS[j]), "join", (long)j);
            part_assert_joined(&want, "another number", (long)parts);
        }
        part_free_expected(&want);
    }
}

static void kills_at_any_time(void **state)
{
    const char *text = getenv("CLQ_TEST_KILLS");
    const int kills = text != NULL && text[0] != '\0' ? atoi(text) : 4;
    (void)state;
    for (int i = 0; i < kills; i++) {
        const part_job *what = &PART_JOBS[(size_t)(scratch_random(&part_seed) % PART_JOB_COUNT)];
        const unsigned parts = 2 + (unsigned)(scratch_random(&part_seed) % 3);
        const unsigned other = 1 + (unsigned)(scratch_random(&part_seed) % 4);
        part_expected want = part_expect(what);
        part_begin(what);
        for (unsigned p = 1; p <= parts; p++) {
            const killed_run run = {.kill_after = 1e-6 * (double)(1 + scratch_random(&part_seed) % 20000),
                                    .racing = i % 2};
            (void)part_run_with(what, p, parts, run, NULL);
            part_assert_not_half(what, &want, i);
        }
        for (unsigned p = 1; p <= other; p++) {
            part_must(part_run(what, p, other, "--resume"), "a part after kills", i);
        }
        part_must(part_join(what), "join", i);
        part_assert_joined(&want, "killed", i);
        part_free_expected(&want);
    }
}

static void refuses_what_does_not_belong_together(void **state)
{
    const part_job *what = &PART_JOBS[0];
    const part_job other = {what->in, what->out, {"--preset", "affine-u8"}};
    const part_job narrow = {what->in, what->out, {"--include", "a*"}};
    const killed_run older = {.version = "0.0.9"};
    (void)state;
    part_begin(what);
    part_refuses(part_join(what), 2, "no part of it is there");
    part_must(part_run(what, 1, 2, NULL), "a part", 1);
    part_refuses(part_join(what), 2, "part 2 of 2 is not there");
    part_refuses(part_run(what, 1, 2, NULL), 2, "part 1 of 2 of it is done");
    part_refuses(part_run(&other, 2, 2, NULL), 2, "\"preset\":\"symmetric\"");
    part_refuses(part_run(&narrow, 2, 2, NULL), 2, "\"include\":");
    part_refuses(part_run_with(what, 2, 2, older, NULL), 2, "0.0.9");
    part_refuses(part_whole(what, NULL), 2, "part 1 of 2 of it is there");
    part_must(part_run(what, 2, 2, NULL), "a part", 2);
    part_damage("out/.q.safetensors.partial", part_file_size("out/.q.safetensors.partial") / 2);
    part_refuses(part_join(what), 3, "is not what it wrote");
    part_refuses(part_join(what), 3, "is not what it wrote"); /* and all is still there */
    part_damage("out/.q.safetensors.partial", part_file_size("out/.q.safetensors.partial") / 2);
    part_damage("out/.q.safetensors.part-2-of-2.journal", 400);
    part_refuses(part_join(what), 3, "part 2 of 2");
    part_damage("out/.q.safetensors.part-2-of-2.journal", 400);
    part_must(part_join(what), "join", 0);
    part_refuses(part_run(what, 1, 2, NULL), 2, "exists; --force");
    part_must(part_run(what, 1, 2, "--force"), "a part that replaces", 1);
    part_must(part_run(what, 2, 2, "--force"), "a part that replaces", 2);
    part_must(part_join(what), "join", 0);
    assert_false(tree_has("out", ".q.safetensors.partial"));
}

/* Bytes that nobody is to read back may be anything. */
static void trusts_if_told_to(void **state)
{
    const part_job *what = &PART_JOBS[0];
    const char *const arguments[] = {"join", scratch_path(what->out), "--check", "none", NULL};
    const killed_run run = {.out = scratch_path("stdout"), .err = scratch_path("stderr")};
    (void)state;
    part_begin(what);
    part_must(part_run(what, 1, 2, NULL), "a part", 1);
    part_refuses(killed_run_start(&run, arguments), 2, "part 2 of 2 is not there");
    part_must(part_run(what, 2, 2, NULL), "a part", 2);
    part_damage("out/.q.safetensors.partial", part_file_size("out/.q.safetensors.partial") / 2);
    part_refuses(part_join(what), 3, "is not what it wrote");
    part_must(killed_run_start(&run, arguments), "join", 0);
    assert_true(tree_has("out", "q.safetensors"));
    /* But not a file that is cut, nor one that was there before. */
    part_must(part_run(what, 1, 2, "--force"), "a part", 1);
    part_must(part_run(what, 2, 2, "--force"), "a part", 2);
    assert_int_equal(truncate(scratch_path("out/.q.safetensors.partial"), 100000), 0);
    part_refuses(killed_run_start(&run, arguments), 3, "have left 100000 bytes of it");
    scratch_remove(scratch_path("out/.q.safetensors.partial"));
    part_refuses(killed_run_start(&run, arguments), 3, "is none of theirs");
}

/* A join that dies when it has given the name is finished by a join alone, or all begins anew. */
static void is_finished_by_a_join(void **state)
{
    const part_job *what = &PART_JOBS[0];
    part_expected want = part_expect(what);
    int placed = 0;
    (void)state;
    for (long point = 1, code = KILLED_RUN_DIED; code == KILLED_RUN_DIED && placed == 0; point++) {
        const killed_run run = {.die_before = point};
        part_begin(what);
        part_must(part_run(what, 1, 2, NULL), "a part", 1);
        part_must(part_run(what, 2, 2, NULL), "a part", 2);
        code = part_join_with(what, run);
        placed = code == KILLED_RUN_DIED && tree_has("out", "q.safetensors") &&
                 !tree_has("out", ".q.safetensors.partial") && tree_has("out", ".q.safetensors.part-1-of-2.journal");
    }
    assert_true(placed);
    part_refuses(part_run(what, 1, 2, "--resume"), 2, "'clquant join' again finishes it");
    assert_false(tree_has("out", ".q.safetensors.partial"));
    part_must(part_run(what, 2, 2, "--force"), "a part that begins anew", 2);
    assert_false(tree_has("out", ".q.safetensors.part-1-of-2.journal"));
    part_must(part_run(what, 1, 2, "--force"), "a part that begins anew", 1);
    part_must(part_join(what), "join", 0);
    part_assert_joined(&want, "anew", 0);
    part_free_expected(&want);
}

/* What is there of other options goes with --force; a run alone takes the place of parts. */
static void begins_anew_by_force(void **state)
{
    const part_job *what = &PART_JOBS[0];
    const part_job other = {what->in, what->out, {"--preset", "affine-u8"}};
    part_expected want = part_expect(&other);
    (void)state;
    part_begin(what);
    part_must(part_run(what, 1, 3, NULL), "a part", 1);
    part_must(part_run(&other, 2, 2, "--force"), "a part of other options", 2);
    assert_false(tree_has("out", ".q.safetensors.part-1-of-3.journal"));
    part_must(part_run(&other, 1, 2, "--force"), "a part of other options", 1);
    part_must(part_join(what), "join", 0);
    part_assert_joined(&want, "by force", 0);
    part_begin(what);
    part_must(part_run(what, 1, 2, NULL), "a part", 1);
    part_must(part_whole(&other, "--force"), "a run alone", 0);
    part_assert_joined(&want, "alone", 0);
    part_free_expected(&want);
}

/* A gate is judged when the tensors are whole; what it refuses stays for another try. */
static void judges_when_joined(void **state)
{
    const part_job strict = {"in/model-1.safetensors", "out/q.safetensors", {"--fail-sqnr-below", "90"}};
    (void)state;
    part_begin(&strict);
    part_must(part_run(&strict, 1, 2, NULL), "a part", 1);
    part_must(part_run(&strict, 2, 2, NULL), "a part", 2);
    part_refuses(part_join(&strict), 6, "below the 90 dB asked for");
    assert_false(tree_has("out", "q.safetensors"));
    assert_true(tree_has("out", ".q.safetensors.part-2-of-2.journal"));
    /* Whichever part has it: all must. */
    part_begin(&strict);
    part_must(part_run(&PART_JOBS[0], 1, 2, NULL), "a part without a gate", 1);
    part_must(part_run(&strict, 2, 2, NULL), "a part", 2);
    part_refuses(part_join(&strict), 2, "all parts must have the same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_bytes_of_one_run),
        cmocka_unit_test(runs_at_the_same_time),
        cmocka_unit_test(continues_a_part_from_every_call),
        cmocka_unit_test(joins_from_every_call),
        cmocka_unit_test(goes_on_with_another_number),
        cmocka_unit_test(kills_at_any_time),
        cmocka_unit_test(refuses_what_does_not_belong_together),
        cmocka_unit_test(trusts_if_told_to),
        cmocka_unit_test(is_finished_by_a_join),
        cmocka_unit_test(begins_anew_by_force),
        cmocka_unit_test(judges_when_joined),
    };
    return cmocka_run_group_tests_name("parts", tests, part_make_inputs, scratch_end);
}
