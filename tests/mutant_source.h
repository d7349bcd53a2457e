/* SPDX-License-Identifier: Apache-2.0 */
/* A mutant of a plan (mutants.c), and what it makes of a source. */
#ifndef CLQ_TESTS_MUTANT_SOURCE_H
#define CLQ_TESTS_MUTANT_SOURCE_H

enum { MUTANT_TEXT_BYTES = 16384 };

typedef struct mutant {
    char name[128], kind[16], file[64], text[MUTANT_TEXT_BYTES];
    unsigned line;
} mutant;

/* The source, which is freed, changed; NULL without memory. */
char *mutant_source(const mutant *m, char *source);

#endif
