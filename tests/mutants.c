/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs trials of kernels that have been spoiled, and tells which of them a trial misses (scripts/mutate-kernels.sh).
 *
 *     mutants --sources DIR [TARGETS]  write every target's programs, or some, and their kernels' names to DIR
 *     mutants [--trial] --targets [TARGETS]
 *                                      try every target as it is, or some, and tell how long its trial takes, and which
 *                                      take more than 50 ms
 *     mutants --work [TARGETS]         tell how much each trial does, and fail where that is more than it may
 *     mutants [--trial] [--all | --interpreted] PLAN [FIRST COUNT]
 *                                      run a plan's lines: NAME, KIND, WHERE, TEXT and TARGETS between tabs; in all
 *                                      targets, else in one after the other until one sees it. Interpreted: a few small
 *                                      cases, however long they take, for a device that has an opinion of its own;
 *                                      trial: without the verification of what the trial trusts, which is `same` then
 *
 * KIND is `line` (WHERE is FILE:LINE, which TEXT takes the place of), `prefix` (TEXT goes before every source, \n for
 * a new line), `changes` (the same, with changes behind it: " %% OLD => NEW") or `option` (TEXT is added to the options
 * of every build). For each target: caught, a trial differs; refused, it does not build or run; crashed and hangs, told
 * by the process it ran in; else the verification of clquant/verify.h runs the spoiled kernel, and it is `missed` where
 * any byte differs or it does not come to its end, `same` where none does.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mutant_compiler.h"
#include "mutant_work.h"

enum { MOST_JOBS = 65536 };

/*
 * A trial takes a second or two of the processor. One that takes longer hangs; so does one that only waits. The
 * verification, of a kernel whose trial ended, takes ten times as long for some.
 */
enum { MOST_SECONDS = 4, MOST_SECONDS_VERIFYING = 60, MOST_SECONDS_WAITING = 120 };

typedef enum outcome { SAME, MISSED, CAUGHT, REFUSED, CRASHED, HANGS, OUTCOMES } outcome;

static const char *const outcome_names[OUTCOMES] = {"same", "missed", "caught", "refused", "crashed", "hangs"};

static int is_interpreted, is_trial_alone;

/* ---- one target ---- */

static unsigned spent_milliseconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (unsigned)(usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 + usage.ru_stime.tv_sec * 1000 +
                      usage.ru_stime.tv_usec / 1000);
}

/* The system ends the process by SIGXCPU then. */
static void limit_processor_time(unsigned most)
{
    struct rlimit limit;
    if (mutant_compiler.now.name[0] != '\0' && !is_interpreted && getrlimit(RLIMIT_CPU, &limit) == 0) {
        limit.rlim_cur = spent_milliseconds() / 1000 + 1 + most;
        (void)setrlimit(RLIMIT_CPU, &limit);
    }
}

/* What a child tells its parent. */
typedef struct result {
    unsigned char outcome;
    unsigned char is_trusted; /* no outcome yet: the trial trusts it, and the verification begins */
    unsigned milliseconds;    /* of the processor */
} result;

static int tell(int to, outcome ended, int is_trusted, unsigned milliseconds)
{
    result r;
    memset(&r, 0, sizeof r);
    r.outcome = (unsigned char)ended;
    r.is_trusted = (unsigned char)is_trusted;
    r.milliseconds = milliseconds;
    return write(to, &r, sizeof r) == (ssize_t)sizeof r;
}

/* Tells `to`, where there is one, that the trial trusts the target. */
static outcome run_target(const mutant_target *target, int to)
{
    clq_error error;
    int same = 1;
    memset(&error, 0, sizeof error);
    limit_processor_time(MOST_SECONDS);
    if (mutant_target_try(target, is_interpreted ? MUTANT_SMALL : MUTANT_TRIAL, &same, &error) != CLQ_OK) {
        if (getenv("CLQ_MUTANTS_TALK") != NULL) {
            fprintf(stderr, "%s: %s\n%s\n", target->name, error.message, error.build_log);
        }
        return REFUSED;
    }
    if (!same || is_interpreted || is_trial_alone) {
        return same ? SAME : CAUGHT;
    }
    if (to >= 0 && !tell(to, MISSED, 1, 0)) {
        return MISSED;
    }
    limit_processor_time(MOST_SECONDS_VERIFYING);
    if (mutant_target_try(target, MUTANT_VERIFICATION, &same, &error) != CLQ_OK) {
        return MISSED;
    }
    return same ? SAME : MISSED;
}

/* ---- plans ---- */

typedef struct job {
    const mutant *what;
    int target;
} job;

static mutant *mutants;
static job *jobs;
static size_t mutant_count, job_count;
static int wants_all;

static int is_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name)) {
        if ((at == list || at[-1] == ',') && (at[length] == '\0' || at[length] == ',')) {
            return 1;
        }
    }
    return strcmp(list, "*") == 0;
}

/* One line of a plan; returns whether it is one. */
static int read_mutant(char *line, mutant *m)
{
    char *fields[5];
    char *at = line;
    memset(m, 0, sizeof *m);
    for (int i = 0; i < 5; i++) {
        fields[i] = at;
        at = strchr(at, i < 4 ? '\t' : '\0');
        if (at == NULL) {
            return 0;
        }
        if (i < 4) {
            *at++ = '\0';
        }
    }
    snprintf(m->name, sizeof m->name, "%.127s", fields[0]);
    snprintf(m->kind, sizeof m->kind, "%.15s", fields[1]);
    (void)sscanf(fields[2], "%63[^:]:%u", m->file, &m->line);
    snprintf(m->text, sizeof m->text, "%s", fields[3]);
    memmove(line, fields[4], strlen(fields[4]) + 1);
    return 1;
}

/* Of the targets of a list, in its order. */
static void add_jobs(const mutant *m, char *list)
{
    for (const char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ",")) {
        for (int t = 0; t < mutant_target_count(); t++) {
            if (strcmp(name, mutant_target_at(t)->name) == 0 && job_count < MOST_JOBS) {
                jobs[job_count++] = (job){m, t};
            }
        }
    }
}

static void read_plan(const char *path, size_t first, size_t count)
{
    static char line[65536];
    FILE *file = fopen(path, "r");
    size_t number = 0;
    if (file == NULL) {
        fprintf(stderr, "mutants: cannot read the plan %s: %s\n", path, strerror(errno));
        exit(2);
    }
    mutants = calloc(count < 16384 ? count : 16384, sizeof *mutants);
    jobs = calloc(MOST_JOBS, sizeof *jobs);
    while (mutants != NULL && jobs != NULL && mutant_count < count && fgets(line, sizeof line, file) != NULL) {
        mutant *m = &mutants[mutant_count];
        if (number++ < first) {
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        if (!read_mutant(line, m)) {
            fprintf(stderr, "mutants: line %zu of %s has no five fields between tabs\n", number, path);
            exit(2);
        }
        mutant_count++;
        add_jobs(m, line);
    }
    fclose(file);
}

/* ---- processes ---- */

/* What comes after job `i`, which ended so: a mutant that is seen in one target is not tried in the others, unless all
 * are wanted. */
static size_t job_after(size_t i, outcome ended)
{
    size_t next = i + 1;
    while (!wants_all && ended != SAME && next < job_count && jobs[next].what == jobs[i].what) {
        next++;
    }
    return next;
}

static void run_jobs(size_t first, int to)
{
    for (size_t i = first; i < job_count;) {
        const unsigned before = spent_milliseconds();
        outcome ended;
        mutant_compiler.now = *jobs[i].what;
        ended = run_target(mutant_target_at(jobs[i].target), to);
        if (!tell(to, ended, 0, spent_milliseconds() - before)) {
            break;
        }
        i = job_after(i, ended);
    }
}

/* Whether a child says nothing and computes nothing either: of a busy machine it may get little. */
static int only_waits(pid_t child, int from)
{
    struct pollfd waiting = {from, POLLIN, 0};
    struct timespec before = {0, 0};
    struct timespec spent = {0, 0};
    clockid_t clock;
    do {
        before = spent;
        if (poll(&waiting, 1, MOST_SECONDS_WAITING * 1000) != 0) {
            return 0;
        }
    } while (clock_getcpuclockid(child, &clock) == 0 && clock_gettime(clock, &spent) == 0 &&
             (spent.tv_sec != before.tv_sec || spent.tv_nsec != before.tv_nsec));
    return 1;
}

/* The next outcome of a child; a child that ends or takes too long gives one as well, and is no more then. */
static result next_result(pid_t *child, int from)
{
    int is_trusted = 0;
    int is_late = only_waits(*child, from);
    int ended = 0;
    result r;
    memset(&r, 0, sizeof r);
    while (!is_late && read(from, &r, sizeof r) == (ssize_t)sizeof r) {
        if (!r.is_trusted) {
            return r;
        }
        is_trusted = 1;
        is_late = only_waits(*child, from);
    }
    if (is_late) {
        kill(*child, SIGKILL);
    }
    waitpid(*child, &ended, 0);
    r.outcome = is_trusted ? MISSED : is_late || (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGXCPU) ? HANGS : CRASHED;
    r.milliseconds = r.outcome == HANGS && !is_late ? MOST_SECONDS * 1000 : 0;
    *child = 0;
    return r;
}

static int run_plan(void)
{
    int missed = 0;
    pid_t child = 0;
    int ends[2] = {-1, -1};
    for (size_t i = 0; i < job_count;) {
        result r;
        if (child == 0) {
            if (ends[0] >= 0) {
                close(ends[0]);
            }
            if (pipe(ends) != 0 || (child = fork()) < 0) {
                fprintf(stderr, "mutants: no process: %s\n", strerror(errno));
                return 2;
            }
            if (child == 0) {
                close(ends[0]);
                run_jobs(i, ends[1]);
                _exit(0);
            }
            close(ends[1]);
        }
        r = next_result(&child, ends[0]);
        missed += r.outcome == MISSED;
        printf("%s\t%s\t%s\t%u\n", jobs[i].what->name, mutant_target_at(jobs[i].target)->name, outcome_names[r.outcome],
               r.milliseconds);
        fflush(stdout);
        i = job_after(i, (outcome)r.outcome);
    }
    if (child != 0) {
        waitpid(child, NULL, 0);
    }
    return missed > 0;
}

/* ---- the targets as they are ---- */

static int write_sources(const char *folder, const char *wanted)
{
    char path[512];
    snprintf(path, sizeof path, "%s/targets", folder);
    mutant_compiler.record_folder = folder;
    mutant_compiler.record = fopen(path, "w");
    if (mutant_compiler.record == NULL) {
        fprintf(stderr, "mutants: cannot write %s: %s\n", path, strerror(errno));
        return 2;
    }
    for (int t = 0; t < mutant_target_count(); t++) {
        const mutant_target *target = mutant_target_at(t);
        clq_error error;
        if (!is_listed(wanted, target->name)) {
            continue;
        }
        fprintf(mutant_compiler.record, "target %s\n", target->name);
        if (mutant_target_ready(target, &error) != CLQ_OK) {
            fprintf(stderr, "mutants: %s is left out: %s\n", target->name, error.message);
        }
    }
    return fclose(mutant_compiler.record) != 0;
}

/* Kernels that users are given stay under this; those whose instruction is emulated are for who asks for them. */
static const double most_milliseconds = 50;

/* All must be trusted, and be the same in all that mutants are compared by. What takes long is told, but no failure:
 * that is for work (below), which does not rest on what else a machine does. */
static int try_targets(const char *wanted)
{
    int failed = 0;
    int slow = 0;
    for (int t = 0; t < mutant_target_count(); t++) {
        const mutant_target *target = mutant_target_at(t);
        double milliseconds;
        outcome found;
        if (!is_listed(wanted, target->name)) {
            continue;
        }
        found = run_target(target, -1);
        mutant_compiler.launches = 0;
        mutant_compiler.transfers = 0;
        milliseconds = mutant_target_milliseconds(target);
        printf("%s\t%s\t%.1f ms once compiled, %u launches, %u transfers%s\n", target->name, outcome_names[found],
               milliseconds, mutant_compiler.launches / MUTANT_TURNS, mutant_compiler.transfers / MUTANT_TURNS,
               milliseconds > most_milliseconds ? ": LONG" : "");
        fflush(stdout);
        failed += found == CAUGHT || found == MISSED;
        slow += milliseconds > most_milliseconds;
    }
    printf("%d of these trials take more than %.0f ms of the processor\n", slow, most_milliseconds);
    return failed > 0;
}

/* How much each trial does, without running it: no more than is allowed; and whether each has a target. */
static int count_work(const char *wanted)
{
    int failed = mutant_list_lacks();
    for (int t = 0; t < mutant_target_count(); t++) {
        const mutant_target *target = mutant_target_at(t);
        failed += is_listed(wanted, target->name) && !mutant_work_tell(target);
    }
    return failed > 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--trial") == 0) {
        is_trial_alone = 1;
        argc--;
        argv++;
    }
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "--sources") == 0) {
        return write_sources(argv[2], argc == 4 ? argv[3] : "*");
    }
    if ((argc == 2 || argc == 3) && strcmp(argv[1], "--targets") == 0) {
        return try_targets(argc == 3 ? argv[2] : "*");
    }
    if ((argc == 2 || argc == 3) && strcmp(argv[1], "--work") == 0) {
        return count_work(argc == 3 ? argv[2] : "*");
    }
    if (argc > 2 && (strcmp(argv[1], "--all") == 0 || strcmp(argv[1], "--interpreted") == 0)) {
        wants_all = strcmp(argv[1], "--all") == 0;
        is_interpreted = !wants_all;
        argc--;
        argv++;
    }
    if (argc != 2 && argc != 4) {
        fprintf(stderr,
                "usage: mutants --sources DIR [TARGETS] | mutants [--trial] --targets [TARGETS] |\n"
                "       mutants --work [TARGETS] | mutants [--trial] [--all | --interpreted] PLAN [FIRST COUNT]\n");
        return 2;
    }
    read_plan(argv[1], argc == 4 ? (size_t)strtoul(argv[2], NULL, 10) : 0,
              argc == 4 ? (size_t)strtoul(argv[3], NULL, 10) : 16384);
    return run_plan();
}
