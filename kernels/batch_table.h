/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a batch in device memory, made once by the host (host/opencl/launch/batch_table.c) and read by the
 * batch_*.cl kernels: a record for each tensor, the schemes, and where the runs begin. 64-bit members first, so that
 * all compilers lay it out alike.
 */
#ifndef CLQ_BATCH_TABLE_H
#define CLQ_BATCH_TABLE_H

#ifdef __OPENCL_C_VERSION__
typedef ulong table_u64;
typedef uint table_u32;
typedef int table_i32;
#else
typedef cl_ulong table_u64;
typedef cl_uint table_u32;
typedef cl_int table_i32;
#endif

/* `first_run` of a tensor that no two runs of minmax share. */
#define BATCH_WHOLE 0xFFFFFFFFu

/* One tensor. */
typedef struct batch_record {
    /* Where its operands begin, in elements of what is stored there (nonfinite: in pairs of ulong). */
    table_u64 source, target, scale, zero_point, range, nonfinite;
    /* As clq_geometry (host/core/layout.h) has them. */
    table_u64 elements, row, segment, segments_per_row, channels, parameters;
    /* minmax: tasks of minmax.cl, or tiles of the columns form; its partial ranges begin at `partial`, and those of
     * parameter p are found as fold_partials of minmax.cl says. */
    table_u64 tasks, pieces, partial, stride, inner, count;
    table_u64 line, lines_per_item, across; /* columns */
    table_u32 first_run, last_run;          /* of minmax, where runs share the tensor */
    table_u32 direct; /* each task of minmax is one parameter: its range is written at once, not folded later */
    table_u32 scheme; /* number in the list of schemes */
    table_i32 mode, qmin, qmax;
    table_u32 unused;
} batch_record;

/*
 * Where a run of work begins: a unit of a tensor. What a unit is depends on the kernel. Run g goes from cut g up to cut
 * g + 1, across any number of tensors; the last cut is behind the last tensor.
 */
typedef struct batch_cut {
    table_u64 unit;
    table_u32 item;
    table_u32 unused;
} batch_cut;

/* What the choice of parameters reads: kernels/choose.clh names the places. */
typedef struct batch_scheme {
    table_u64 reals[4];
    table_i32 integers[16];
} batch_scheme;

#endif
