/* SPDX-License-Identifier: Apache-2.0 */
/* The work on one device, by one process after the other (verify_device.c): what is heard of them, how they end. */
#ifndef CLQ_HOST_COMMAND_VERBS_VERIFY_WORK_H
#define CLQ_HOST_COMMAND_VERBS_VERIFY_WORK_H

#include "command/verbs/verify_child.h"

enum { CLI_VERIFY_STORY_BYTES = 640, CLI_VERIFY_LOSSES = 20, CLI_VERIFY_LAUNCHED = 8 };

/* The first case that is not judged, where it ended its process, or was ended with it. */
typedef struct cli_lost_case {
    char why[CLI_VERIFY_STORY_BYTES]; /* empty: there is none */
    double seconds;                   /* that it has taken */
    cli_verify_build build;           /* that was compiled then */
    uint32_t silence;                 /* seconds without an answer */
} cli_lost_case;

typedef struct cli_verify_work {
    const cli_options *options;
    cli_verify_run *run;
    cli_progress *progress;
    double begun;
    cli_verify_message message;
    void (*found)(void *cookie, const char *spec);
    void *found_cookie;
    /* of the process at work */
    int is_done, is_at_case;
    char name[256]; /* of the newest case */
    double case_begun;
    cli_verify_build build;                         /* that is being compiled */
    cli_verify_build launched[CLI_VERIFY_LAUNCHED]; /* by the newest case */
    size_t launched_count;
    /* of all of them */
    size_t crashes, silences;
    char first[256]; /* case that ended one */
    cli_lost_case lost;
    cli_verify_build
        builds[CLI_VERIFY_LOSSES * CLI_VERIFY_LAUNCHED]; /* that no compiler, or no launch, came back from */
    size_t build_count;
} cli_verify_work;

double cli_verify_now(void); /* in seconds */

/* ---- verify_listen.c ---- */

typedef enum cli_verify_outcome {
    CLI_VERIFY_HAS_ENDED,
    CLI_VERIFY_WAS_KILLED,
    CLI_VERIFY_IS_SILENT
} cli_verify_outcome;

/*
 * Take what a process tells until it has nothing more to say, or says nothing for too long; when it was killed
 * run->error has the reason.
 */
cli_verify_outcome cli_verify_listen(cli_verify_work *work, cli_verify_child *child);

/* Enter a case that has ended; a case that is begun, or has ended, as people see it. */
clq_status cli_verify_take_case(cli_verify_work *work, clq_verify_case *what, clq_error *error);
void cli_verify_show_case(cli_verify_work *work, const char *name, size_t done, size_t planned);
void cli_verify_show_failure(const cli_verify_work *work, const clq_verify_case *what);

/* ---- verify_lost.c ---- */

/* End a process, or take note that it has ended; in words. */
void cli_verify_end_process(const cli_verify_work *work, cli_child *child, cli_verify_outcome came,
                            char text[CLI_VERIFY_STORY_BYTES]);

/* It ended in the middle of its work: whose fault that is, and what the next one is to do. */
clq_status cli_verify_take_loss(cli_verify_work *work, const char *how, cli_verify_outcome came, clq_error *error);

/* The lost case has failed, and no other process is asked about it. */
clq_status cli_verify_add_lost(cli_verify_work *work, clq_error *error);

/* What cases that were lost make of the run. */
void cli_verify_conclude(cli_verify_work *work);

#endif
