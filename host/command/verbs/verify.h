/* SPDX-License-Identifier: Apache-2.0 */
/* What `verify` found on one device or several, and how it is told. */
#ifndef CLQ_HOST_COMMAND_VERBS_VERIFY_H
#define CLQ_HOST_COMMAND_VERBS_VERIFY_H

#include <clquant/verify.h>

#include "command/frame/cli.h"
#include "format/text.h"

enum { CLI_VERIFY_DEVICES = 64 };

/* One device. */
typedef struct cli_verify_run {
    char spec[32];
    clq_verify_report *report; /* NULL where it was not even begun */
    clq_status status;         /* of clq_verify, or of opening the device */
    clq_error error;
    int is_late;   /* all that was tried is as it should be, but the time was not enough for all (CLQ_CANCELLED) */
    int is_listed; /* found by cli_verify_devices, which told of drivers that are left out */
} cli_verify_run;

typedef struct cli_verify_result {
    const cli_options *options;
    cli_verify_run *runs;
    size_t count;
    int code; /* the exit code of all */
    int is_cancelled;
} cli_verify_result;

/*
 * verify_device.c: open the device of the options and verify it, which happens in other processes: this one calls no
 * OpenCL. A case that ends its process has failed, and so counts for as much as one that differs (CLQ_MISMATCH). After
 * a signal a case that is not done in time is broken off, and the report is what there is.
 */
void cli_verify_device(const cli_options *options, cli_verify_run *run);

/* The usable devices, but for the reference; in another process too. */
clq_status cli_verify_devices(const cli_options *options, void (*found)(void *cookie, const char *spec), void *cookie,
                              clq_error *error);

/* The cases of one operation, taken together. */
typedef struct cli_verify_sum {
    const char *operation;
    size_t counts[4]; /* by verdict */
    size_t left_out;  /* of those skipped: for want of time */
    double seconds;
} cli_verify_sum;

/* "differs", "failed", "incomplete" (some were left out), "ok", "skipped". */
const char *cli_verify_verdict(const cli_verify_sum *sum);

enum { CLI_VERIFY_OPERATIONS = 64 };

size_t cli_verify_sums(const clq_verify_report *report, cli_verify_sum sums[CLI_VERIFY_OPERATIONS]);
int cli_verify_is_failure(const clq_verify_case *c);
size_t cli_verify_cases(const cli_verify_sum *sum);

/* Cases that failed for one reason, or one that differs, by the first of them. */
typedef struct cli_verify_story {
    const clq_verify_case *first;
    size_t cases;
} cli_verify_story;

typedef struct cli_verify_stories {
    cli_verify_story *list;
    size_t count, capacity;
} cli_verify_stories;

/* All failures of a report, each reason once; 0: there is no memory. To be released. */
int cli_verify_find_stories(const clq_verify_report *report, cli_verify_stories *stories);
void cli_verify_release_stories(cli_verify_stories *stories);

/* Whether two are of one story; the first of those that a failure is of. */
int cli_verify_is_alike(const clq_verify_case *a, const clq_verify_case *b);
const clq_verify_case *cli_verify_first_alike(const cli_verify_stories *stories, const clq_verify_case *c);

const char *cli_verify_extent_name(clq_verify_extent extent);

clq_status cli_verify_print(const cli_verify_result *result, const cli_verify_run *run, clq_error *error);

/* The members of one JSON object that is open already. */
void cli_verify_json(clq_json_writer *json, const cli_verify_result *result);

void cli_verify_junit(clq_text *text, const cli_verify_result *result);
void cli_verify_html(clq_text *text, const cli_verify_result *result);

/* Text within markup: what would be read as markup is written otherwise, and control characters as '?'. */
void cli_verify_escape(clq_text *text, const char *string);

/* The same line by line, each with its end. */
void cli_verify_escape_lines(clq_text *text, const char *string);

#endif
