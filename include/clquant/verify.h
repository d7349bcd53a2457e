/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device, or native, against the reference, case by case: every operation, type, granularity, variant and form, on
 * tensors and products around the edges of what kernels take at once, and, of devices, probes of the arithmetic and
 * memory that kernels rely on. Kernels and loops are run directly, those too that a trial would set aside.
 * docs/verify.md tells how cases are named and chosen.
 *
 *     clq_verify_request request;
 *     clq_verify_request_init(&request);
 *     request.extent = CLQ_VERIFY_QUICK;
 *     status = clq_verify(context, &request, NULL, &report, &error);
 *     ...
 *     clq_verify_report_destroy(&report);
 *
 * Threads: a call works in the caller's thread alone, on queues and memory of its own; other threads may use the
 * context meanwhile. A request's texts need to live as long as the call.
 */
#ifndef CLQUANT_VERIFY_H
#define CLQUANT_VERIFY_H

#include <clquant/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many cases. */
typedef enum clq_verify_extent {
    CLQ_VERIFY_QUICK = 0,    /* each value of each dimension, on a few programs of each kernel */
    CLQ_VERIFY_STANDARD = 1, /* every program of every kernel */
    CLQ_VERIFY_FULL = 2      /* on many more tensors and products */
} clq_verify_extent;

typedef struct clq_verify_report clq_verify_report;

/* What is asked. Fill in with clq_verify_request_init, then set what differs. */
typedef struct clq_verify_request {
    uint32_t struct_size;     /* sizeof(clq_verify_request), set by clq_verify_request_init */
    clq_verify_extent extent; /* (default CLQ_VERIFY_STANDARD) */
    uint64_t seed;            /* of the inputs (default 0); cases and their names do not depend on it */
    const char *only;         /* a pattern as in a shell, over the whole of a case's name; NULL: all cases */
    /* A folder that receives one folder for each kernel that is at fault, of devices alone; NULL: none. */
    const char *reproduce;
    /* Why the first case of this call is not run: it counts as CLQ_VERIFY_FAILED for this reason, and its launches are
     * put together for `reproduce`, but not made. NULL: it is run. */
    const char *lost;
    /* Where it was lost while a program was compiled: what the event `compiles` said. Its program for `reproduce` then
     * compiles that alone, and nothing of the case is put together. NULL: while none was. */
    const char *lost_file, *lost_options;
    uint32_t lost_seconds; /* in which it gave no answer, which its program then takes for the fault; 0: it ended */
} clq_verify_request;

/* Set `request` to the defaults given above. */
CLQ_API void clq_verify_request_init(clq_verify_request *request);

/* What became of a case. */
typedef enum clq_verify_verdict {
    CLQ_VERIFY_OK = 0,      /* the reference's bytes, and nothing beside them */
    CLQ_VERIFY_DIFFERS = 1, /* other bytes than the reference's */
    CLQ_VERIFY_FAILED = 2,  /* a kernel does not build, or an OpenCL call failed */
    CLQ_VERIFY_SKIPPED = 3  /* it cannot be run on this device: `reason` */
} clq_verify_verdict;

CLQ_API const char *clq_verify_verdict_name(clq_verify_verdict verdict); /* "differs" */

/* Cells of a picture, down and across, at most. */
enum { CLQ_VERIFY_PICTURE_SIDE = 48 };

/* Where a result first differs, and how much of it does. */
typedef struct clq_verify_difference {
    char operand[32];             /* "codes"; "beside operands": a store where no operand lies */
    uint32_t item;                /* of a batch: which tensor */
    uint64_t index;               /* flat index of the first differing element in the operand */
    char got[64], want[64];       /* as numbers and bits: "0.5 (0x3f000000)" */
    char inputs[256];             /* what that element is made of: "x[7] = 1.5 (0x3fc00000), scale[0] = 0.25 (...)" */
    uint64_t elements, differing; /* of that operand */
    /* That operand as rows and columns, drawn together where it is larger: 255 where all elements of a cell differ, 0
     * where none does. */
    uint32_t rows, columns;                                                   /* cells */
    unsigned char picture[CLQ_VERIFY_PICTURE_SIDE * CLQ_VERIFY_PICTURE_SIDE]; /* rows * columns cells of it */
} clq_verify_difference;

/* Compilers' logs in a report, at most. */
enum { CLQ_VERIFY_LOGS = 64 };

/* A case that has ended. */
typedef struct clq_verify_case {
    const char *name;           /* "quantize/strip/f32-s8/per-channel-0/away-before-divide/17x33/bits/cut" */
    const char *operation;      /* the first part of the name */
    size_t number;              /* its place among all that are planned, from 0 */
    clq_verify_verdict verdict; /* and which of those below are not NULL */
    double seconds;             /* that it took */
    const char *reason;         /* of one that failed or was skipped, else NULL */
    /* Of one that failed, else NULL. In a report, for the whole of the compiler's log: of the first case with this
     * `reason`, where a compiler gave one, and of up to CLQ_VERIFY_LOGS of them. */
    const clq_error *story;
    const clq_verify_difference *difference; /* of one that differs, else NULL */
    const char *reproducer;                  /* the folder that shows the fault, NULL: none was written for it */
    int is_left_out;                         /* skipped for want of time: the event `leaves_out` said so */
} clq_verify_case;

/* What was found. Its memory is the report's own. */
struct clq_verify_report {
    clq_device_info device;       /* that was compared */
    clq_verify_extent extent;     /* of the request */
    uint64_t seed;                /* of the request */
    const clq_verify_case *cases; /* by number; those left out behind the others until clq_verify_report_conclude */
    size_t case_count;            /* of cases */
    size_t planned_count;  /* more than case_count when the call was cancelled or the device was lost, or goes on */
    size_t group_count;    /* of all that are planned: cases of one group share their compiled kernels */
    size_t counts[4];      /* by verdict */
    size_t left_out_count; /* of those that were skipped: for want of time, so that nothing is known of them */
    double seconds;        /* of the call, or of all that a report of one's own was given */
};

/* With all that it points at. */
CLQ_API void clq_verify_report_destroy(clq_verify_report **report);

/*
 * A report of one's own, which calls in several processes fill: made of the facts of another one, without its cases and
 * seconds; a case is entered with copies of its texts. CLQ_OUT_OF_MEMORY.
 */
CLQ_API clq_status clq_verify_report_create(const clq_verify_report *facts, clq_verify_report **report,
                                            clq_error *error);
CLQ_API clq_status clq_verify_report_add(clq_verify_report *report, const clq_verify_case *what, clq_error *error);

/* What the cases of a report amount to, as clq_verify returns it: CLQ_OK, CLQ_MISMATCH or CLQ_DEVICE_ERROR. All of them
 * stand by number then. */
CLQ_API clq_status clq_verify_report_conclude(const clq_verify_report *report, clq_error *error);

/*
 * All may be NULL. They are called in the caller's thread, but for `compiles` and `launches` between cases. `so_far` is
 * the report being made, which stays where it is and does not change while an event lasts or a case runs: `ended` comes
 * before its case is entered.
 */
typedef struct clq_verify_events {
    uint32_t struct_size; /* sizeof(clq_verify_events) */
    void *cookie;         /* handed to each of them */
    /* A case is about to run. */
    void (*begun)(void *cookie, const char *name, size_t number, const clq_verify_report *so_far);
    /* It has a verdict. */
    void (*ended)(void *cookie, const clq_verify_case *what);
    int (*is_cancelled)(void *cookie); /* not 0 ends the call with CLQ_CANCELLED */
    /* Within a case: a kernel's source is about to go to the device's compiler, with these options; and, with NULL for
     * both, it has come back. Not 0: it does not go there, and the case has failed; for what was lost there before. */
    int (*compiles)(void *cookie, const char *file, const char *options);
    /* Within a case: a kernel of this source, with these options, is about to be launched. Not 0: it is not, and the
     * case has failed; for what did not come back before. Probes that are done by the host do not tell. */
    int (*launches)(void *cookie, const char *file, const char *options);
    /* For callers who share the groups of a request between calls in several processes: which group this call is to do
     * next, from case `*first` on (by number; 0: all of it). group_count or more ends the call. NULL: all, in order,
     * which is that of what matters most: of each operation a program of each of its kernels comes first. */
    size_t (*next)(void *cookie, const clq_verify_report *so_far, size_t *first);
    /* Before a folder of that name is written: not 0 where none is wanted, as when another call has written it. */
    int (*is_reproduced)(void *cookie, const char *name);
    /* Before a case: why there is no time for it, which is its `reason` then, as CLQ_VERIFY_SKIPPED; NULL: it is run. A
     * call whose time is up goes through what is left in this way, so that the report names it. */
    const char *(*leaves_out)(void *cookie);
} clq_verify_events;

/*
 * Compare the context's device, or native, with the reference. CLQ_OK: no case differs or failed (left_out_count
 * tells whether all were run). CLQ_MISMATCH: one
 * differs; CLQ_DEVICE_ERROR: none differs and one failed, or the device no longer answers; `error` then tells of the
 * first. A case that fails is that case's verdict, and the others go on: where a context answers no more, in a new one
 * of the same device. CLQ_INVALID_ARGUMENT for the reference, which is what devices are compared with, and where no
 * case has a name that fits `only`; CLQ_IO_ERROR for a folder that cannot be written; CLQ_CANCELLED, CLQ_OUT_OF_MEMORY.
 * *report is made in case of failure too, with what was found until then (NULL when there is no memory for it); the
 * caller destroys it. `events`, `report` and `error` may be NULL.
 */
CLQ_API clq_status clq_verify(clq_context *context, const clq_verify_request *request, const clq_verify_events *events,
                              clq_verify_report **report, clq_error *error);

#ifdef __cplusplus
}
#endif

#endif
