/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that show a fault with nothing but OpenCL. */
#ifndef CLQ_HOST_VERIFY_REPRODUCE_H
#define CLQ_HOST_VERIFY_REPRODUCE_H

#include "format/text.h"
#include "verify/subject.h"

typedef struct clq_verify_record clq_verify_record; /* record.h */

/* What a program is written from: the case with its arena, its launches, and what came of it. */
struct clq_verify_fault {
    const clq_device_info *device;
    const clq_verify_case *what;
    const clq_verify_work *work; /* with `record`: not looked at where a compiler is at fault */
    const clq_verify_record *record;
    const char *build_log;  /* empty: none */
    const char *built_file; /* the source that its compiler did not come back from, NULL: it did */
    const char *built_options;
    uint64_t refused_bytes; /* of a buffer that the driver did not give, 0: it did */
    uint32_t limit_seconds; /* in which the device gave no answer; 0: it did */
};

clq_status clq_verify_make_folder(const char *path, clq_error *error); /* one that is there is well */

/* Write all files of a fault into `folder`, which is made. */
clq_status clq_verify_reproduce(const clq_verify_fault *fault, const char *folder, clq_error *error);

/* ---- reproduce_program.c ---- */

/* The program in C; files are looked for where it is started. */
clq_status clq_verify_program(clq_text *text, const clq_verify_fault *fault, clq_error *error);

/* ---- reproduce_plain.c ---- */

/* What plain.c has of a probe: the probe itself, and what that needs. */
clq_status clq_verify_put_plain(clq_text *text, const char *probe, clq_error *error);

/* ---- reproduce_source.c ---- */

/* One file without includes; lines that name the library's files are left out, since they are not there. */
clq_status clq_verify_put_source(clq_text *text, const char *file, clq_error *error);

#endif
