/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command/verbs/verify_child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- telling ---- */

typedef struct teller {
    int pipe, leash;
    pthread_mutex_t lock; /* of the pipe and the message: while a call compiles, a thread of the library's own logs */
    cli_verify_message message;
    cli_verify_build launched; /* the newest one of the case at work */
    cli_verify_message left_out;
    int begins_lost, has_begun; /* the first case is one that was lost; the case at work was told */
    size_t next, end;           /* groups that were given out with another one */
    pthread_mutex_t order_lock; /* of what follows, which another thread receives */
    pthread_cond_t answered;
    int has_answer;
    cli_verify_order answer;
    cli_verify_builds builds;
    int is_late;
    char late[CLI_VERIFY_LATE_BYTES];
} teller;

static cli_verify_message *begin_message(teller *t)
{
    pthread_mutex_lock(&t->lock);
    memset(&t->message, 0, sizeof t->message);
    return &t->message;
}

/* Where nobody reads any more, the leash ends this process. */
static void end_message(teller *t)
{
    (void)cli_verify_send(t->pipe, &t->message);
    pthread_mutex_unlock(&t->lock);
}

static void tell_device(void *cookie, const char *spec)
{
    cli_verify_message *m = begin_message(cookie);
    m->kind = CLI_VERIFY_DEVICE;
    snprintf(m->spec, sizeof m->spec, "%s", spec);
    end_message(cookie);
}

static void tell_log(void *cookie, clq_log_level level, const char *text)
{
    cli_verify_message *m = begin_message(cookie);
    cli_verify_message_text(m, CLI_VERIFY_LOG, text);
    m->level = level;
    end_message(cookie);
}

static const char *is_too_late(void *cookie)
{
    teller *t = cookie;
    int is_late;
    pthread_mutex_lock(&t->order_lock);
    is_late = t->is_late;
    pthread_mutex_unlock(&t->order_lock);
    return is_late ? t->late : NULL;
}

/* What was left out is told before anything else. */
static void tell_left_out(teller *t)
{
    if (t->left_out.count > 0) {
        pthread_mutex_lock(&t->lock);
        (void)cli_verify_send(t->pipe, &t->left_out);
        pthread_mutex_unlock(&t->lock);
        t->left_out.count = 0;
    }
}

static void leave_out(teller *t, const clq_verify_case *what)
{
    if (!cli_verify_message_name(&t->left_out, what->number, what->name)) {
        tell_left_out(t);
        (void)cli_verify_message_name(&t->left_out, what->number, what->name); /* there is room in an empty one */
    }
}

/* Of what will be left out only the name is told, with many others. */
static void tell_begun(void *cookie, const char *name, size_t number, const clq_verify_report *so_far)
{
    teller *t = cookie;
    cli_verify_message *m;
    (void)so_far;
    t->launched.file[0] = '\0';
    t->has_begun = t->begins_lost || is_too_late(t) == NULL;
    t->begins_lost = 0;
    if (!t->has_begun) {
        return;
    }
    tell_left_out(t);
    m = begin_message(t);
    cli_verify_message_text(m, CLI_VERIFY_BEGUN, name);
    m->number = number;
    end_message(cookie);
}

static int is_build(const cli_verify_build *b, const char *file, const char *options)
{
    return strcmp(b->file, file) == 0 && strcmp(b->options, options) == 0;
}

void cli_verify_builds_add(cli_verify_builds *builds, const cli_verify_build *build)
{
    if (builds->count < CLI_VERIFY_BUILDS) {
        builds->list[builds->count++] = *build;
    }
}

static int was_lost(teller *t, const char *file, const char *options, int is_launched)
{
    size_t i = 0;
    int found;
    pthread_mutex_lock(&t->order_lock);
    while (i < t->builds.count &&
           (t->builds.list[i].is_launched != is_launched || !is_build(&t->builds.list[i], file, options))) {
        i++;
    }
    found = i < t->builds.count;
    pthread_mutex_unlock(&t->order_lock);
    return found;
}

static void tell_build(teller *t, cli_verify_kind kind, const char *file, const char *options)
{
    cli_verify_message *m = begin_message(t);
    m->kind = kind;
    snprintf(m->file, sizeof m->file, "%s", file != NULL ? file : "");
    snprintf(m->options, sizeof m->options, "%s", options != NULL ? options : "");
    end_message(t);
}

static int tell_compiles(void *cookie, const char *file, const char *options)
{
    if (file != NULL && was_lost(cookie, file, options, 0)) {
        return 1;
    }
    tell_build(cookie, CLI_VERIFY_COMPILES, file, options);
    return 0;
}

/* Of many launches one after the other it is told once. */
static int tell_launches(void *cookie, const char *file, const char *options)
{
    teller *t = cookie;
    if (was_lost(t, file, options, 1)) {
        return 1;
    }
    if (!is_build(&t->launched, file, options)) {
        snprintf(t->launched.file, sizeof t->launched.file, "%s", file);
        snprintf(t->launched.options, sizeof t->launched.options, "%s", options);
        tell_build(t, CLI_VERIFY_LAUNCHES, file, options);
    }
    return 0;
}

static void tell_ended(void *cookie, const clq_verify_case *what)
{
    teller *t = cookie;
    if (!t->has_begun && what->is_left_out) {
        leave_out(t, what);
        return;
    }
    cli_verify_message_case(begin_message(cookie), what);
    end_message(cookie);
}

/* The message that asks is filled in. */
static cli_verify_order ask(teller *t)
{
    cli_verify_order answer;
    end_message(t);
    pthread_mutex_lock(&t->order_lock);
    while (!t->has_answer) { /* where nobody is left to give one, the leash ends this process */
        pthread_cond_wait(&t->answered, &t->order_lock);
    }
    t->has_answer = 0;
    answer = t->answer;
    pthread_mutex_unlock(&t->order_lock);
    return answer;
}

static size_t ask_next(void *cookie, const clq_verify_report *so_far, size_t *first)
{
    teller *t = cookie;
    cli_verify_message *m;
    cli_verify_order answer;
    if (t->next < t->end) {
        *first = 0;
        return t->next++;
    }
    tell_left_out(t);
    m = begin_message(t);
    m->kind = CLI_VERIFY_ASKS;
    m->facts = *so_far;
    answer = ask(t);
    *first = answer.first;
    t->next = answer.number == SIZE_MAX ? SIZE_MAX : answer.number + 1;
    t->end = answer.end;
    return answer.number;
}

static int ask_fault(void *cookie, const char *name)
{
    cli_verify_message_text(begin_message(cookie), CLI_VERIFY_FAULT, name);
    return ask(cookie).number != 0;
}

static void tell_done(teller *t, const cli_verify_run *run)
{
    cli_verify_message *m;
    tell_left_out(t);
    m = begin_message(t);
    m->kind = CLI_VERIFY_DONE;
    m->error = run->error;
    m->error.status = run->status;
    snprintf(m->spec, sizeof m->spec, "%s", run->spec);
    end_message(t);
}

void cli_verify_late_reason(const cli_options *options, char text[CLI_VERIFY_LATE_BYTES])
{
    snprintf(text, CLI_VERIFY_LATE_BYTES, "not reached: %" PRIu64 " s were over (--budget)", options->verify.budget);
}

/* ---- the process ---- */

static void follow_order(teller *t, const cli_verify_order *order)
{
    if (order->kind == CLI_VERIFY_INTERRUPT) {
        cli_interrupt();
        return;
    }
    pthread_mutex_lock(&t->order_lock);
    if (order->kind == CLI_VERIFY_AVOID) {
        cli_verify_builds_add(&t->builds, &order->build);
    } else if (order->kind == CLI_VERIFY_LATE) {
        t->is_late = 1;
    } else {
        t->answer = *order;
        t->has_answer = 1;
        pthread_cond_signal(&t->answered);
    }
    pthread_mutex_unlock(&t->order_lock);
}

/* The thread that was for signals is not in this process, and they are blocked here. An order is written at once, and
 * read so. */
static void *follow_leash(void *cookie)
{
    teller *t = cookie;
    for (;;) {
        cli_verify_order order;
        const ssize_t got = read(t->leash, &order, sizeof order);
        if (got == (ssize_t)sizeof order) {
            follow_order(t, &order);
        } else if (got >= 0 || errno != EINTR) {
            _exit(1);
        }
    }
    return NULL;
}

typedef struct start {
    const cli_verify_part *part;
    int leash[2];
} start;

static void work(int answer, void *cookie)
{
    const start *s = cookie;
    teller *t = calloc(1, sizeof *t);
    cli_verify_run run;
    pthread_t thread;
    (void)close(s->leash[1]);
    for (size_t i = 0; i < s->part->strange_count; i++) {
        (void)close(s->part->strange[i]);
    }
    memset(&run, 0, sizeof run);
    if (t == NULL) {
        return;
    }
    t->pipe = answer;
    t->leash = s->leash[0];
    t->is_late = s->part->is_late;
    t->begins_lost = s->part->lost != NULL;
    cli_verify_late_reason(s->part->options, t->late);
    if (s->part->builds != NULL) {
        t->builds = *s->part->builds;
    }
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_init(&t->order_lock, NULL);
    pthread_cond_init(&t->answered, NULL);
    if (pthread_create(&thread, NULL, follow_leash, t) != 0) {
        run.status = clq_fail(&run.error, CLQ_OUT_OF_MEMORY, "no thread for the device");
    } else if (s->part->lists) {
        run.status = cli_verify_list(s->part->options, tell_device, t, &run.error);
    } else {
        const clq_verify_events events = {
            sizeof events, t,        tell_begun, tell_ended, cli_is_cancelled, tell_compiles,
            tell_launches, ask_next, ask_fault,  is_too_late};
        cli_verify_open(s->part, &events, tell_log, &run);
    }
    tell_done(t, &run);
}

int cli_verify_child_start(cli_verify_child *child, const cli_verify_part *part)
{
    start s = {part, {-1, -1}};
    int started;
    int reason;
    if (pipe(s.leash) != 0) {
        return 0;
    }
    (void)fcntl(s.leash[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(s.leash[1], F_SETFD, FD_CLOEXEC);
    (void)fcntl(s.leash[1], F_SETFL, O_NONBLOCK); /* nobody waits for a process that stands still */
    started = cli_child_start(&child->child, work, &s);
    reason = errno;
    (void)close(s.leash[0]);
    child->leash = s.leash[1];
    if (!started) {
        (void)close(s.leash[1]);
        errno = reason;
    }
    return started;
}

void cli_verify_child_order(const cli_verify_child *child, const cli_verify_order *order)
{
    _Static_assert(sizeof *order <= _POSIX_PIPE_BUF, "an order is written whole or not at all");
    (void)!write(child->leash, order, sizeof *order);
}
