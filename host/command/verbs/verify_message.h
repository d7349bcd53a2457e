/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that verifies tells the one that started it, over a pipe: both are the same program. */
#ifndef CLQ_HOST_COMMAND_VERBS_VERIFY_MESSAGE_H
#define CLQ_HOST_COMMAND_VERBS_VERIFY_MESSAGE_H

#include <clquant/verify.h>

typedef enum cli_verify_kind {
    CLI_VERIFY_DEVICE,   /* `spec`: one of those there are */
    CLI_VERIFY_LOG,      /* `level` and `text` */
    CLI_VERIFY_ASKS,     /* for a group of cases: `facts` of the report, without its cases. Awaits an answer */
    CLI_VERIFY_BEGUN,    /* `text`: the name of a case; `number` */
    CLI_VERIFY_COMPILES, /* within a case: source `file` with `options`; an empty one: no more */
    CLI_VERIFY_LAUNCHES, /* within a case: a kernel of `file` with `options` */
    CLI_VERIFY_ENDED,    /* `what` */
    CLI_VERIFY_LEFT_OUT, /* `text`: names, a line for each, of the cases from `number` on, for which there was no time
                          */
    CLI_VERIFY_FAULT,    /* `text`: the name of a folder that is to be written. Awaits an answer */
    CLI_VERIFY_DONE      /* `spec`, `error` with its status: the last one */
} cli_verify_kind;

typedef struct cli_verify_message {
    cli_verify_kind kind;
    char spec[32];
    clq_log_level level;
    clq_verify_report facts;
    clq_error error; /* of a case that ended: its story */
    size_t number;
    clq_verify_case what; /* once received it points into the message */
    clq_verify_difference difference;
    char text[4096];          /* of a case: the name */
    size_t count, text_bytes; /* names in the text, and with their ends how long they are */
    char operation[64], reason[1344], reproducer[4096];
    char file[64], options[256];
} cli_verify_message;

/* Fill in a case, whose texts are copied; or texts alone. What is too long is cut. */
void cli_verify_message_case(cli_verify_message *message, const clq_verify_case *what);
void cli_verify_message_text(cli_verify_message *message, cli_verify_kind kind, const char *text);

/* One more name in a message of what was left out, which begins anew where `count` is 0. 0: it does not fit, or another
 * number would be next. */
int cli_verify_message_name(cli_verify_message *message, size_t number, const char *name);

/* Write or read a whole message; 0 when the other side is gone, or has broken off in the middle. */
int cli_verify_send(int pipe, const cli_verify_message *message);
int cli_verify_receive(int pipe, cli_verify_message *message);

#endif
