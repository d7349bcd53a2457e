/* SPDX-License-Identifier: Apache-2.0 */
/* A message is a number of bytes and the structure itself, without the zeros that most of them end in. */
#include "command/verbs/verify_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void put_text(char *to, size_t capacity, const char *from)
{
    snprintf(to, capacity, "%s", from != NULL ? from : "");
}

void cli_verify_message_text(cli_verify_message *message, cli_verify_kind kind, const char *text)
{
    message->kind = kind;
    put_text(message->text, sizeof message->text, text);
}

void cli_verify_message_case(cli_verify_message *message, const clq_verify_case *what)
{
    message->kind = CLI_VERIFY_ENDED;
    message->what = *what;
    if (what->difference != NULL) {
        message->difference = *what->difference;
    }
    if (what->story != NULL) {
        message->error = *what->story;
    }
    put_text(message->text, sizeof message->text, what->name);
    put_text(message->operation, sizeof message->operation, what->operation);
    put_text(message->reason, sizeof message->reason, what->reason);
    put_text(message->reproducer, sizeof message->reproducer, what->reproducer);
}

int cli_verify_message_name(cli_verify_message *message, size_t number, const char *name)
{
    const size_t room = sizeof message->text;
    const size_t length = strlen(name) + 1;
    if (message->count == 0) {
        message->kind = CLI_VERIFY_LEFT_OUT;
        message->number = number;
        message->text_bytes = 0;
    }
    if (message->text_bytes + length >= room || number != message->number + message->count) {
        return 0;
    }
    snprintf(message->text + message->text_bytes, room - message->text_bytes, "%s\n", name);
    message->text_bytes += length;
    message->count++;
    return 1;
}

/* ---- the pipe ---- */

static int write_all(int pipe, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count > 0) {
        const ssize_t done = write(pipe, at, count);
        if (done <= 0 && errno != EINTR) {
            return 0;
        }
        at += done > 0 ? done : 0;
        count -= done > 0 ? (size_t)done : 0;
    }
    return 1;
}

static int read_all(int pipe, void *bytes, size_t count)
{
    char *at = bytes;
    while (count > 0) {
        const ssize_t done = read(pipe, at, count);
        if (done == 0 || (done < 0 && errno != EINTR)) {
            return 0;
        }
        at += done > 0 ? done : 0;
        count -= done > 0 ? (size_t)done : 0;
    }
    return 1;
}

int cli_verify_send(int pipe, const cli_verify_message *message)
{
    const char *bytes = (const char *)message;
    size_t count = sizeof *message;
    while (count > 0 && bytes[count - 1] == 0) {
        count--;
    }
    return write_all(pipe, &count, sizeof count) && write_all(pipe, bytes, count);
}

/* Which of them there are is told by the sender's addresses. */
static void point_into(cli_verify_message *message)
{
    clq_verify_case *what = &message->what;
    message->text[sizeof message->text - 1] = '\0';
    what->name = message->text;
    what->operation = message->operation;
    what->reason = what->reason != NULL ? message->reason : NULL;
    what->difference = what->difference != NULL ? &message->difference : NULL;
    what->reproducer = what->reproducer != NULL ? message->reproducer : NULL;
    what->story = what->story != NULL ? &message->error : NULL;
    message->facts.cases = NULL;
}

int cli_verify_receive(int pipe, cli_verify_message *message)
{
    size_t count = 0;
    memset(message, 0, sizeof *message);
    if (!read_all(pipe, &count, sizeof count) || count > sizeof *message || !read_all(pipe, message, count)) {
        return 0;
    }
    point_into(message);
    return 1;
}
