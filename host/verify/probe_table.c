/* SPDX-License-Identifier: Apache-2.0 */
/* All probes. */
#include "verify/probe.h"

#define FLOAT(which, name)                                                                                             \
    {"float", name, clq_verify_probe_arithmetic, which, CLQ_VERIFY_NUMBERS_NORMAL, 0, NULL, clq_verify_float_answer},  \
    {                                                                                                                  \
        "float", name "/subnormal", clq_verify_probe_arithmetic, which, CLQ_VERIFY_NUMBERS_SMALL, 0, NULL,             \
            clq_verify_float_answer                                                                                    \
    }
#define VECTOR(which, name, numbers)                                                                                   \
    {                                                                                                                  \
        "float", name "/vector", clq_verify_probe_arithmetic, which, numbers, 1, NULL, clq_verify_float_answer         \
    }
#define CONVERT(which, name, numbers)                                                                                  \
    {                                                                                                                  \
        "convert", name, clq_verify_probe_arithmetic, which, numbers, 0, NULL, clq_verify_float_answer                 \
    }
#define INTEGER(which, name)                                                                                           \
    {                                                                                                                  \
        "integer", name, clq_verify_probe_arithmetic, which, CLQ_VERIFY_NUMBERS_WORDS, 0, NULL,                        \
            clq_verify_integer_answer                                                                                  \
    }
#define UNALIGNED(type, name) LOAD(type, name, 2), LOAD(type, name, 4), LOAD(type, name, 8), LOAD(type, name, 16)
#define LOAD(type, name, n)                                                                                            \
    {"memory", "unaligned-load/" name #n, clq_verify_probe_vectors, n, 0, 0, type, NULL},                              \
    {                                                                                                                  \
        "memory", "unaligned-store/" name #n, clq_verify_probe_vectors, 100 + n, 0, 0, type, NULL                      \
    }
#define ROW(group, name, run, which)                                                                                   \
    {                                                                                                                  \
        group, name, run, which, 0, 0, NULL, NULL                                                                      \
    }
#define TREE(n) ROW("group", "tree/" #n, clq_verify_probe_group, n)
#define LOOP(n) ROW("loop", "rounds/" #n, clq_verify_probe_loop, n)
#define LOOPS(n) ROW("loop", "rounds-in-all/" #n, clq_verify_probe_loop, 1000000000 + n)
#define RING(n) ROW("group", "barriers/" #n, clq_verify_probe_group, 1000 + n)

const clq_verify_probe clq_verify_probes[] = {
    FLOAT(0, "add"),
    FLOAT(1, "subtract"),
    FLOAT(2, "multiply"),
    FLOAT(3, "fma"),
    FLOAT(4, "multiply-then-add"),
    FLOAT(5, "multiply-then-subtract"),
    FLOAT(6, "fmin"),
    FLOAT(7, "fmax"),
    FLOAT(8, "comparisons"),
    FLOAT(9, "choose"),
    FLOAT(13, "fabs"),
    CONVERT(10, "rint", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(11, "floor", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(12, "ceil", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(20, "int-to-float", CLQ_VERIFY_NUMBERS_WORDS),
    CONVERT(21, "uint-to-float", CLQ_VERIFY_NUMBERS_WORDS),
    CONVERT(31, "int-to-float-rtz", CLQ_VERIFY_NUMBERS_WORDS),
    CONVERT(22, "float-to-int-sat-rte", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(23, "float-to-uint-sat-rte", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(24, "float-to-char-sat-rte", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(25, "float-to-uchar-sat-rte", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(26, "float-to-short-sat-rte", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(27, "float-to-int-sat", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(28, "float-to-ushort-sat", CLQ_VERIFY_NUMBERS_EDGES),
    CONVERT(29, "half-to-float", CLQ_VERIFY_NUMBERS_WORDS),
    CONVERT(30, "float-to-half-rte", CLQ_VERIFY_NUMBERS_EDGES),
    VECTOR(0, "add", CLQ_VERIFY_NUMBERS_NORMAL),
    VECTOR(1, "subtract", CLQ_VERIFY_NUMBERS_NORMAL),
    VECTOR(2, "multiply", CLQ_VERIFY_NUMBERS_NORMAL),
    VECTOR(3, "fma", CLQ_VERIFY_NUMBERS_NORMAL),
    VECTOR(4, "multiply-then-add", CLQ_VERIFY_NUMBERS_NORMAL),
    VECTOR(9, "choose", CLQ_VERIFY_NUMBERS_NORMAL),
    VECTOR(10, "rint", CLQ_VERIFY_NUMBERS_EDGES),
    VECTOR(11, "floor", CLQ_VERIFY_NUMBERS_EDGES),
    VECTOR(13, "fabs", CLQ_VERIFY_NUMBERS_NORMAL),
    VECTOR(22, "float-to-int-sat-rte", CLQ_VERIFY_NUMBERS_EDGES),
    VECTOR(25, "float-to-uchar-sat-rte", CLQ_VERIFY_NUMBERS_EDGES),
    INTEGER(0, "add"),
    INTEGER(1, "subtract"),
    INTEGER(2, "multiply"),
    INTEGER(3, "mul-hi"),
    INTEGER(4, "mul-hi-unsigned"),
    INTEGER(5, "shift-right-arithmetic"),
    INTEGER(6, "shift-right-logical"),
    INTEGER(7, "shift-left"),
    INTEGER(8, "choose-by-sign"),
    INTEGER(9, "select"),
    INTEGER(10, "add-sat"),
    INTEGER(11, "sub-sat"),
    INTEGER(12, "clz"),
    INTEGER(13, "abs"),
    INTEGER(14, "min-max"),
    INTEGER(15, "min-max-unsigned"),
    INTEGER(16, "clamp"),
    INTEGER(17, "to-char-sat"),
    INTEGER(18, "to-uchar-sat"),
    INTEGER(19, "to-short-sat"),
    INTEGER(20, "to-ushort-sat"),
    INTEGER(21, "dot-char-char"),
    INTEGER(22, "dot-uchar-char"),
    INTEGER(23, "nibbles"),
    INTEGER(24, "comparisons"),
    INTEGER(25, "rotate"),
    INTEGER(30, "add-64"),
    INTEGER(31, "subtract-64"),
    INTEGER(32, "multiply-64"),
    INTEGER(33, "mul-hi-64-unsigned"),
    INTEGER(34, "mul-hi-64"),
    INTEGER(35, "shift-right-arithmetic-64"),
    INTEGER(36, "shift-right-logical-64"),
    INTEGER(37, "shift-left-64"),
    INTEGER(38, "multiply-32-to-64"),
    INTEGER(39, "multiply-32-to-64-unsigned"),
    INTEGER(40, "min-max-64"),
    INTEGER(41, "comparisons-64"),
    INTEGER(42, "clz-64"),
    INTEGER(43, "sign-extension"),
    INTEGER(44, "comparisons-extended"),
    UNALIGNED("uchar", "u8x"),
    UNALIGNED("ushort", "u16x"),
    UNALIGNED("uint", "u32x"),
    TREE(1),
    TREE(2),
    TREE(3),
    TREE(7),
    TREE(64),
    TREE(100),
    TREE(128),
    TREE(256),
    RING(3),
    RING(64),
    RING(128),
    LOOP(70000),
    LOOP(200000),
    LOOP(1000000),
    LOOPS(70000),
    LOOPS(200000),
    ROW("memory", "atomics-global", clq_verify_probe_atomic, 0),
    ROW("memory", "atomics-local/1", clq_verify_probe_atomic, 1),
    ROW("memory", "atomics-local/64", clq_verify_probe_atomic, 64),
    ROW("memory", "atomics-local/128", clq_verify_probe_atomic, 128),
    ROW("memory", "sub-buffer/1", clq_verify_probe_sub_buffer, 1),
    ROW("memory", "sub-buffer/3", clq_verify_probe_sub_buffer, 3),
    ROW("memory", "beyond-4-gib", clq_verify_probe_far, 0),
    ROW("memory", "map", clq_verify_probe_map, 0),
    ROW("memory", "use-host-ptr", clq_verify_probe_host_memory, 0),
    ROW("memory", "read-write-offsets", clq_verify_probe_offsets, 0),
    ROW("memory", "copy", clq_verify_probe_copy, 0),
    ROW("queue", "in-order-events", clq_verify_probe_events, 0),
    ROW("queue", "out-of-order-events", clq_verify_probe_events, 1),
    ROW("queue", "two-queues", clq_verify_probe_events, 2),
    ROW("program", "binary", clq_verify_probe_binary, 0),
    {NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
