/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of JSON strings: a part of json.c in a file of its own. */
#ifndef CLQ_HOST_FORMAT_JSON_STRING_H
#define CLQ_HOST_FORMAT_JSON_STRING_H

#include "format/json.h"

/* CLQ_BAD_FILE: "WHAT, byte AT: rule". */
clq_status clq_json_refuse(const clq_json *json, size_t at, clq_error *error, const char *format, ...) CLQ_PRINTF(4, 5);

/* Check the string whose quote stands next, and step over it: *begin and *end enclose what is between its quotes. */
clq_status clq_json_scan_string(clq_json *json, size_t *begin, size_t *end, clq_error *error);

/*
 * Decode a checked string, ending it with a NUL; returns the length without it, which is at most end - begin, since no
 * escape is shorter than what it stands for.
 */
size_t clq_json_decode_string(const clq_json *json, size_t begin, size_t end, char *out);

#endif
