/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that must be refused with a story, and calls that must be accepted. */
#ifndef CLQ_TESTS_REFUSAL_H
#define CLQ_TESTS_REFUSAL_H

#include <string.h>

#include "check.h"

/* Fail unless `got` and error->status are `want` and the message is one line that contains `part`. */
void refusal_check(clq_status got, clq_status want, const clq_error *error, const char *part, const char *file,
                   int line);

/* `call` uses `e` as its clq_error; it is made twice, the second time with NULL. `part` must be in the message. */
#define REFUSED(want, part, call)                                                                                      \
    do {                                                                                                               \
        clq_error refused_error_;                                                                                      \
        clq_error *e = &refused_error_;                                                                                \
        memset(e, 0x55, sizeof *e);                                                                                    \
        refusal_check((call), (want), e, (part), __FILE__, __LINE__);                                                  \
        e = NULL;                                                                                                      \
        assert_int_equal((call), (want));                                                                              \
    } while (0)

#define ACCEPTED(call)                                                                                                 \
    do {                                                                                                               \
        clq_error accepted_error_;                                                                                     \
        clq_error *e = &accepted_error_;                                                                               \
        check_ok((call), e, #call);                                                                                    \
    } while (0)

#endif
