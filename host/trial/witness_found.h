/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printed by tests/find_witnesses.c (build target `witnesses`): rows of the tables of host/trial/witness.c, which
 * defines one of these macros before it has them.
 *
 *     CLQ_QUOTIENT_<type>(x, scale, zero point)     CLQ_RANGE_<type>(x, greatest), for a divisor of 3
 *     CLQ_DIFFERENCE_<type>(scale, zero point)      CLQ_AVERAGE(state, now, averaging)
 *     CLQ_PRODUCT_<type>(scale, zero point)         CLQ_WIDTH(lower, upper)
 */
/* clang-format off */
#ifndef CLQ_QUOTIENT_F32
#define CLQ_QUOTIENT_F32(...)
#endif
#ifndef CLQ_QUOTIENT_F16
#define CLQ_QUOTIENT_F16(...)
#endif
#ifndef CLQ_QUOTIENT_BF16
#define CLQ_QUOTIENT_BF16(...)
#endif
#ifndef CLQ_RANGE_F32
#define CLQ_RANGE_F32(...)
#endif
#ifndef CLQ_RANGE_F16
#define CLQ_RANGE_F16(...)
#endif
#ifndef CLQ_RANGE_BF16
#define CLQ_RANGE_BF16(...)
#endif
#ifndef CLQ_DIFFERENCE_F32
#define CLQ_DIFFERENCE_F32(...)
#endif
#ifndef CLQ_DIFFERENCE_F16
#define CLQ_DIFFERENCE_F16(...)
#endif
#ifndef CLQ_DIFFERENCE_BF16
#define CLQ_DIFFERENCE_BF16(...)
#endif
#ifndef CLQ_PRODUCT_F32
#define CLQ_PRODUCT_F32(...)
#endif
#ifndef CLQ_PRODUCT_F16
#define CLQ_PRODUCT_F16(...)
#endif
#ifndef CLQ_PRODUCT_BF16
#define CLQ_PRODUCT_BF16(...)
#endif
#ifndef CLQ_AVERAGE
#define CLQ_AVERAGE(...)
#endif
#ifndef CLQ_WIDTH
#define CLQ_WIDTH(...)
#endif
CLQ_QUOTIENT_F32(0x1.5837f2p-10f, 0x1.31f8d6p-12f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_F32(0x1.e0a07cp+0f, 0x1.5d8bfep-2f, 0) /* narrow, ties away */
CLQ_QUOTIENT_F32(0x1.17b894p+4f, 0x1.bf8db8p+2f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_F32(0x1.2c2bf6p-10f, 0x1.570dacp-12f, 0) /* narrow, ties away */
CLQ_QUOTIENT_F32(0x1.76p-11f, 0x1.2b3334p-12f, 0) /* narrow, x * (1/S) toward zero */
CLQ_QUOTIENT_F32(0x1.1p+5f, 0x1.e38e36p+2f, 0) /* narrow, x * (1/S) with ties away */
CLQ_QUOTIENT_F32(0x1.38656p-80f, 0x1.c664eap-83f, 0) /* wide by its scale, ties to even */
CLQ_QUOTIENT_F32(0x1.477372p-83f, 0x1.23114ap-85f, 0) /* wide by its scale, ties away */
CLQ_QUOTIENT_F32(0x1.2bce36p-94f, 0x1.0a7e68p-96f, 0) /* wide by its scale, ties to even */
CLQ_QUOTIENT_F32(0x1.d9cf2ap-91f, 0x1.a529eep-93f, 0) /* wide by its scale, ties away */
CLQ_QUOTIENT_F32(0x1.d76bcap+17f, 0x1.d74d9cp-4f, -2097675) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_F32(0x1.3e86e2p+10f, 0x1.3e6f28p-11f, -2097759) /* wide by its zero point, ties away */
CLQ_QUOTIENT_F32(0x1.f4eceep+13f, 0x1.f4bfp-8f, -2097899) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_F32(0x1.ceb8p+16f, 0x1.ceaf9p-5f, -2097301) /* wide by its zero point, ties away */
CLQ_RANGE_F32(0x1.ae9948p-3f, 0x1.42f2f4p-1f) /* ties to even */
CLQ_RANGE_F32(0x1.c1892ep+2f, 0x1.c1892ep+2f) /* ties away */
CLQ_RANGE_F32(0x1.8b7f62p-12f, 0x1.8b7f64p-12f) /* ties to even */
CLQ_RANGE_F32(0x1.87b06ep-2f, 0x1.87b06ep-2f) /* ties away */
CLQ_DIFFERENCE_F32(0x1p-20f, -1786136558)
CLQ_DIFFERENCE_F32(0x1p-20f, 1642043242)
CLQ_DIFFERENCE_F32(0x1p-20f, -998777512)
CLQ_DIFFERENCE_F32(0x1p-20f, 375372288)
CLQ_PRODUCT_F32(0x1.2a3372p-4f, -4) /* toward zero */
CLQ_PRODUCT_F32(0x1.5b22f4p-4f, -2) /* with ties away */
CLQ_QUOTIENT_F16(0x1.7ecp+4f, 0x1.b56db8p+2f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_F16(0x1.1d8p-8f, 0x1.7caaacp-9f, 0) /* narrow, ties away */
CLQ_QUOTIENT_F16(0x1.fccp-4f, 0x1.fcbffep-3f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_F16(0x1.43p-4f, 0x1.aeaaacp-5f, 0) /* narrow, ties away */
CLQ_QUOTIENT_F16(0x1.75p-11f, 0x1.2a6666p-12f, 0) /* narrow, x * (1/S) toward zero */
CLQ_QUOTIENT_F16(0x1.35p+5f, 0x1.ee6666p+3f, 0) /* narrow, x * (1/S) with ties away */
CLQ_QUOTIENT_F16(0x1.ffcp+15f, 0x1.ffac8ep-6f, -2097461) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_F16(0x1.ffcp+15f, 0x1.ff9fap-6f, -2097665) /* wide by its zero point, ties away */
CLQ_QUOTIENT_F16(0x1.998p+13f, 0x1.99509p-8f, -2098097) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_F16(0x1.ef4p+13f, 0x1.ef2886p-8f, -2097540) /* wide by its zero point, ties away */
CLQ_RANGE_F16(0x1.048p+0f, 0x1.048p+0f) /* ties to even */
CLQ_RANGE_F16(0x1.054p-10f, 0x1.054p-10f) /* ties away */
CLQ_RANGE_F16(0x1.18cp-12f, 0x1.18cp-12f) /* ties to even */
CLQ_RANGE_F16(0x1.024p-12f, 0x1.024p-12f) /* ties away */
CLQ_DIFFERENCE_F16(0x1p-20f, -1282932732)
CLQ_DIFFERENCE_F16(0x1p-20f, 1670905858)
CLQ_DIFFERENCE_F16(0x1p-20f, -1480065020)
CLQ_DIFFERENCE_F16(0x1p-20f, 1316487170)
CLQ_PRODUCT_F16(0x1.07eaaap-4f, 0) /* toward zero */
CLQ_PRODUCT_F16(0x1.191556p-4f, 0) /* with ties away */
CLQ_QUOTIENT_BF16(0x1.7cp-2f, 0x1.faaaacp-3f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_BF16(0x1.64p+2f, 0x1.daaaacp+1f, 0) /* narrow, ties away */
CLQ_QUOTIENT_BF16(0x1.9ep+2f, 0x1.9dfffep+3f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_BF16(0x1.8ep+4f, 0x1.21745ep+2f, 0) /* narrow, ties away */
CLQ_QUOTIENT_BF16(0x1.76p-11f, 0x1.2b3334p-12f, 0) /* narrow, x * (1/S) toward zero */
CLQ_QUOTIENT_BF16(0x1.1p+5f, 0x1.e38e36p+2f, 0) /* narrow, x * (1/S) with ties away */
CLQ_QUOTIENT_BF16(0x1.5ap-76f, 0x1.8b6db8p-78f, 0) /* wide by its scale, ties to even */
CLQ_QUOTIENT_BF16(0x1.aep-96f, 0x1.eb6db8p-98f, 0) /* wide by its scale, ties away */
CLQ_QUOTIENT_BF16(0x1.9ap-87f, 0x1.99fffep-86f, 0) /* wide by its scale, ties to even */
CLQ_QUOTIENT_BF16(0x1.bcp-79f, 0x1.fb6db8p-81f, 0) /* wide by its scale, ties away */
CLQ_QUOTIENT_BF16(0x1.bep+22f, 0x1.bddfdap+1f, -2097741) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_BF16(0x1.3p+22f, 0x1.2fedd8p+1f, -2097639) /* wide by its zero point, ties away */
CLQ_QUOTIENT_BF16(0x1.d6p+19f, 0x1.d5d15ap-2f, -2097962) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_BF16(0x1.a2p+14f, 0x1.a1d3a8p-7f, -2098020) /* wide by its zero point, ties away */
CLQ_RANGE_BF16(0x1.06p+2f, 0x1.06p+2f) /* ties to even */
CLQ_RANGE_BF16(0x1.06p-7f, 0x1.06p-7f) /* ties away */
CLQ_RANGE_BF16(0x1.06p-4f, 0x1.06p-4f) /* ties to even */
CLQ_RANGE_BF16(0x1.18p+3f, 0x1.18p+3f) /* ties away */
CLQ_DIFFERENCE_BF16(0x1p-20f, -1757413372)
CLQ_DIFFERENCE_BF16(0x1p-20f, 1522532354)
CLQ_DIFFERENCE_BF16(0x1p-20f, -1254096892)
CLQ_DIFFERENCE_BF16(0x1p-20f, 2076180482)
CLQ_PRODUCT_BF16(0x1.6c0002p-4f, 0) /* toward zero */
CLQ_PRODUCT_BF16(0x1.b6aaacp-4f, 0) /* with ties away */
CLQ_AVERAGE(-0x1.c4cb2p-1f, 0x1.0ap-51f, 0x1.4p-3f)
CLQ_AVERAGE(-0x1.7abe6p-1f, 0x1.78p-51f, 0x1.8p-4f)
CLQ_AVERAGE(-0x1.bf09ap-1f, 0x1.1p-51f, 0x1.4p-3f)
CLQ_AVERAGE(-0x1.94266p-1f, 0x1.82p-51f, 0x1.8p-4f)
CLQ_AVERAGE(-0x1.9c8002p-44f, 0x1.485b54p+0f, 0x1.6a09e6p-4f) /* the difference is a tie but for its rest */
CLQ_AVERAGE(-0x1.27147ep-40f, 0x1.030ff8p+0f, 0x1.6a09e6p-4f) /* the product is a tie but for its rest */
CLQ_WIDTH(-0x1.00017cp-24f, 0x1.7bf7fcp+0f)
#undef CLQ_QUOTIENT_F32
#undef CLQ_QUOTIENT_F16
#undef CLQ_QUOTIENT_BF16
#undef CLQ_RANGE_F32
#undef CLQ_RANGE_F16
#undef CLQ_RANGE_BF16
#undef CLQ_DIFFERENCE_F32
#undef CLQ_DIFFERENCE_F16
#undef CLQ_DIFFERENCE_BF16
#undef CLQ_PRODUCT_F32
#undef CLQ_PRODUCT_F16
#undef CLQ_PRODUCT_BF16
#undef CLQ_AVERAGE
#undef CLQ_WIDTH
