/* SPDX-License-Identifier: Apache-2.0 */
/* The work on one device, by some processes (verify_device.c): what they are given, what is heard of them, how they
 * end. */
#ifndef CLQ_HOST_COMMAND_VERBS_VERIFY_WORK_H
#define CLQ_HOST_COMMAND_VERBS_VERIFY_WORK_H

#include "command/verbs/verify_child.h"

enum { CLI_VERIFY_STORY_BYTES = 640, CLI_VERIFY_WORKERS = 4, CLI_VERIFY_FAULTS = 20 };

/* The first case that is not judged, where it ended its process, or was ended with it. */
typedef struct cli_lost_case {
    char why[CLI_VERIFY_STORY_BYTES]; /* empty: there is none */
    double seconds;                   /* that it has taken */
    cli_verify_build build;           /* that was compiled then */
    uint32_t silence;                 /* seconds without an answer */
} cli_lost_case;

/* A group of cases from one of them on, by number. */
typedef struct cli_verify_piece {
    size_t group, first;
} cli_verify_piece;

/* The place of a process: when it has ended in the middle of a group, another one goes on in its place. */
typedef struct cli_verify_worker {
    cli_verify_child child;
    int is_alive;
    int is_waiting;   /* for a group, of which there is none for now */
    int is_dismissed; /* it knows that there is none any more */
    int is_done, is_at_case;
    int has_asked; /* for a group: the device is open */
    int goes_on;   /* `piece` is to be begun by a new process */
    cli_verify_piece piece;
    char name[256]; /* of the newest case */
    size_t number;
    double case_begun, silence;
    cli_verify_build build;                         /* that is being compiled */
    cli_verify_build launched[CLI_VERIFY_LAUNCHED]; /* by the newest case */
    size_t launched_count;
    cli_lost_case lost;
} cli_verify_worker;

typedef struct cli_verify_work {
    const cli_options *options;
    cli_verify_run *run;
    cli_progress *progress;
    double begun;
    cli_verify_message message;
    void (*found)(void *cookie, const char *spec);
    void *found_cookie;
    cli_verify_worker workers[CLI_VERIFY_WORKERS];
    size_t most;                                  /* of them that may be at work; 0: not known yet */
    size_t next_group;                            /* all before it have been given out */
    cli_verify_piece put_off[CLI_VERIFY_WORKERS]; /* that were given back */
    size_t put_off_count;
    int is_over; /* nothing more is given out */
    int is_late; /* the time is up: what is given out is only named */
    size_t crashes, silences;
    char first[256]; /* of the cases that ended one */
    size_t first_number;
    cli_verify_builds builds;            /* that no compiler, or no launch, came back from */
    char faults[CLI_VERIFY_FAULTS][256]; /* names of folders */
    size_t fault_count;
} cli_verify_work;

/* ---- verify_case.c ---- */

double cli_verify_now(void); /* in seconds */

/* Enter a case that has ended, or those of a message that were left out; a case that is begun, or has ended, as people
 * see it. */
clq_status cli_verify_take_case(cli_verify_work *work, cli_verify_worker *worker, clq_verify_case *what,
                                clq_error *error);
clq_status cli_verify_take_left_out(cli_verify_work *work, const cli_verify_message *message, clq_error *error);
void cli_verify_show_case(cli_verify_work *work, const char *name, size_t done, size_t planned);
void cli_verify_show_failure(const cli_verify_work *work, const clq_verify_case *what);

/* ---- verify_start.c ---- */

/* A process in that place; 0 with run->error when none can be started. */
int cli_verify_start(cli_verify_work *work, cli_verify_worker *worker, int lists);

/* Nothing more is done: the processes are killed. */
void cli_verify_stop(cli_verify_work *work);

/* ---- verify_share.c ---- */

/* Answer a process that asks for a group, once it is known how many there may be; or whether to write a folder. */
clq_status cli_verify_take_question(cli_verify_work *work, cli_verify_worker *worker, const clq_verify_report *facts,
                                    clq_error *error);
void cli_verify_answer_fault(cli_verify_work *work, const cli_verify_worker *worker, const char *name);

/* Those that wait get what there is, or are dismissed when nothing is left to do. */
void cli_verify_share(cli_verify_work *work);

/* A process that never came to ask for a group, since a device may be for one process alone, is done without; 0: none
 * is left then. */
int cli_verify_do_without(cli_verify_work *work, cli_verify_worker *worker, const char *why);

/* What is left of the group of a process that has ended is for one that is there; 0: there is none. */
int cli_verify_give_back(cli_verify_work *work, const cli_verify_worker *worker);

/* The case of a process that has ended is for one that is alone to go on with; 0: this one was alone. */
int cli_verify_put_off(cli_verify_work *work, const cli_verify_worker *worker);

/* ---- verify_listen.c ---- */

typedef enum cli_verify_outcome {
    CLI_VERIFY_HAS_ENDED,
    CLI_VERIFY_IS_SILENT,
    CLI_VERIFY_IS_LATE /* the time for the device is up */
} cli_verify_outcome;

/* Whether the time for the device is up. */
int cli_verify_is_late(const cli_verify_work *work);

/* Take what the processes tell until none is left. */
void cli_verify_listen(cli_verify_work *work);

/* ---- verify_lost.c ---- */

/* A process has ended, or is to be ended, in the middle of its work: whose fault that is, and who goes on with it. */
clq_status cli_verify_lose(cli_verify_work *work, cli_verify_worker *worker, cli_verify_outcome came, clq_error *error);

/* The lost case has failed, and no other process is asked about it. */
clq_status cli_verify_add_lost(cli_verify_work *work, cli_verify_worker *worker, clq_error *error);

/* What all cases, and those that were lost, make of the run. */
void cli_verify_conclude(cli_verify_work *work);

/* A run in which all is as it should be has not ended well where cases were left out. */
void cli_verify_conclude_late(cli_verify_run *run, const cli_options *options);

#endif
