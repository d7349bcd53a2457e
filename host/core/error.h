/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way errors are made and passed on, in the library, the file layer and the command.
 *
 * A function that can fail returns clq_status and takes `clq_error *error` last; `error` may be NULL. It has at
 * most one label, `done:`, reached on success and failure alike, and all its handles start as NULL. The macros
 * ending in _TO need that label and a local `clq_status status`.
 */
#ifndef CLQ_HOST_CORE_ERROR_H
#define CLQ_HOST_CORE_ERROR_H

#include <clquant/clquant.h>

#if defined(__GNUC__)
#define CLQ_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define CLQ_PRINTF(format_index, first_index)
#endif

/* Fill `error` (when not NULL) with a one-line message and return `status`. Clears the OpenCL fields. */
clq_status clq_fail(clq_error *error, clq_status status, const char *format, ...) CLQ_PRINTF(3, 4);

/* Put "context: " before the message that `error` holds already and give it this status, which is returned. */
clq_status clq_fail_in(clq_error *error, clq_status status, const char *format, ...) CLQ_PRINTF(3, 4);

/* Copy `text` with every control character and broken UTF-8 byte written as \xNN, cut to `capacity` with "...". */
void clq_printable(char *out, size_t capacity, const char *text, size_t length);

/* Keep a compiler's log in `error`: all of it, or its beginning and end, with a line between that says how many bytes
 * were left out. */
void clq_keep_log(clq_error *error, const char *log);

/* The line of a compiler's log that tells most, with its length: the first one with "error:", else with "error" or
 * "Error", else the first that is not blank; of an empty log an empty one. */
const char *clq_log_line(const char *log, size_t *length);

/* Return the status of a failed call. */
#define CLQ_TRY(call)                                                                                                  \
    do {                                                                                                               \
        const clq_status clq_try_status_ = (call);                                                                     \
        if (clq_try_status_ != CLQ_OK) {                                                                               \
            return clq_try_status_;                                                                                    \
        }                                                                                                              \
    } while (0)

/* The same for functions that clean up: sets `status` and goes to `done`. */
#define CLQ_TRY_TO(call)                                                                                               \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status != CLQ_OK) {                                                                                        \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

/* Refuse an argument: return CLQ_INVALID_ARGUMENT with a message unless `condition` holds. Needs a local `error`. */
#define CLQ_REQUIRE(condition, ...)                                                                                    \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return clq_fail(error, CLQ_INVALID_ARGUMENT, __VA_ARGS__);                                                 \
        }                                                                                                              \
    } while (0)

#endif
