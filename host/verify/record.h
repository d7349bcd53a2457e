/* SPDX-License-Identifier: Apache-2.0 */
/* The launches of one case, kept so that another program can repeat them. */
#ifndef CLQ_HOST_VERIFY_RECORD_H
#define CLQ_HOST_VERIFY_RECORD_H

#include "opencl/machine.h"
#include "opencl/runtime/launch.h"

enum { CLQ_VERIFY_MOST_LAUNCHES = 32, CLQ_VERIFY_MOST_MEMORIES = 8 };

enum { CLQ_VERIFY_VALUE = -1, CLQ_VERIFY_NO_MEMORY = -2 };

typedef struct clq_verify_argument {
    int memory; /* number of the memory object, or one of these: a NULL in its place is no value */
    size_t bytes;
    unsigned char *value;
} clq_verify_argument;

typedef struct clq_verify_launch {
    char file[48], kernel[64], options[192];
    cl_uint dimensions;
    size_t global[3], local[3];
    size_t argument_count;
    clq_verify_argument arguments[CLQ_CL_MAX_ARGUMENTS];
} clq_verify_launch;

/* Memory that launches use. Number 0 is the machine's arena. */
typedef struct clq_verify_memory {
    cl_mem object;
    size_t bytes;
    unsigned char *before; /* what it held before the first launch that has it; NULL: nothing that is read */
} clq_verify_memory;

typedef struct clq_verify_record {
    const clq_cl_machine *machine;
    clq_cl_recorder recorder;      /* for the machine's stream */
    const clq_cl_recorder *before; /* whose place it takes */
    clq_verify_launch launches[CLQ_VERIFY_MOST_LAUNCHES];
    size_t launch_count;
    clq_verify_memory memories[CLQ_VERIFY_MOST_MEMORIES];
    size_t memory_count;
    int is_whole; /* nothing was left out for want of room or memory */
} clq_verify_record;

/* From the beginning on, launches of the machine are kept; until the end. Those that are withheld are not made. */
void clq_verify_record_begin(clq_verify_record *record, clq_cl_machine *machine, int withholds);
void clq_verify_record_end(clq_verify_record *record, clq_cl_machine *machine);
void clq_verify_record_release(clq_verify_record *record);

#endif
