/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of `quantize --part` and `join` over small models of every kind, for programs that kill them (killed_run.h). */
#ifndef CLQ_TESTS_PART_RUNS_H
#define CLQ_TESTS_PART_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "killed_run.h"

/* What is quantized into what, in the scratch folder, and with which options. */
typedef struct part_job {
    const char *in, *out;
    const char *options[8];
} part_job;

enum { PART_JOB_COUNT = 14, PART_FOLDER_JOB = PART_JOB_COUNT - 1, PART_FINDING_JOB = 2, PART_SHARDED_JOB = 6 };
extern const part_job PART_JOBS[PART_JOB_COUNT];

extern uint64_t part_seed; /* CLQ_TEST_SEED, or another one each time */

/* Setup of a group: the inputs of the jobs, in a scratch folder. */
int part_make_inputs(void **state);

/* Before a job: nothing is at its output. */
void part_begin(const part_job *what);

/* Exit codes of: one run, with one more option or NULL; a part; join. What they print is in "stdout" and "stderr". */
int part_whole(const part_job *what, const char *more);
int part_run(const part_job *what, unsigned number, unsigned parts, const char *more);
int part_run_with(const part_job *what, unsigned part, unsigned parts, killed_run run, const char *more);
int part_join(const part_job *what);
int part_join_with(const part_job *what, killed_run run);

/* The text of a file, malloc'ed; and a report without what tells of time, device and options. */
char *part_text(const char *name);
char *part_read_report(void);

/* The code is 0; or it is `want`, and the words are in what was said. */
void part_must(int code, const char *what, long number);
void part_refuses(int code, int want, const char *words);

/* What one run makes: files with sizes, modes and hashes, and the report. */
typedef struct part_expected {
    char *files, *report;
} part_expected;
part_expected part_expect(const part_job *what);
void part_free_expected(part_expected *want);

/* These files are there and nothing else; or: nothing stands under the output's name, or what belongs there. */
void part_assert_joined(const part_expected *want, const char *where, long number);
void part_assert_not_half(const part_job *what, const part_expected *want, long number);

void part_damage(const char *name, size_t at); /* change a byte of a file */
size_t part_file_size(const char *name);

#endif
