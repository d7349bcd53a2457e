/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printed by tests/find_witnesses.c (build target `witnesses`): rows of the tables of host/trial/witness.c, which
 * defines one of these macros before it has them.
 *
 *     CLQ_QUOTIENT_<type>(x, scale, zero point)     CLQ_RANGE_<type>(x, greatest), for a divisor of 9
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
CLQ_QUOTIENT_F32(0x1.0dfc14p-8f, 0x1.67fac6p-9f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_F32(0x1.33b9fcp-5f, 0x1.bf9a2ap-8f, 0) /* narrow, ties away */
CLQ_QUOTIENT_F32(0x1.d2498p+1f, 0x1.d2497ep+2f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_F32(0x1.7fd5c2p+3f, 0x1.552fcap+1f, 0) /* narrow, ties away */
CLQ_QUOTIENT_F32(0x1.76p-11f, 0x1.2b3334p-12f, 0) /* narrow, x * (1/S) toward zero */
CLQ_QUOTIENT_F32(0x1.1p+5f, 0x1.e38e36p+2f, 0) /* narrow, x * (1/S) with ties away */
CLQ_QUOTIENT_F32(0x1.f9b30cp-84f, 0x1.c182b4p-86f, 0) /* wide by its scale, ties to even */
CLQ_QUOTIENT_F32(0x1.ebc9dap-92f, 0x1.65aa14p-94f, 0) /* wide by its scale, ties away */
CLQ_QUOTIENT_F32(0x1.e43c48p-81f, 0x1.e43c46p-80f, 0) /* wide by its scale, ties to even */
CLQ_QUOTIENT_F32(0x1.af8c8cp-78f, 0x1.593d3ep-79f, 0) /* wide by its scale, ties away */
CLQ_QUOTIENT_F32(0x1.dd9a8p+20f, 0x1.dd90ap-1f, -2097316) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_F32(0x1.9d169ep+13f, 0x1.9ce7fap-8f, -2098072) /* wide by its zero point, ties away */
CLQ_QUOTIENT_F32(0x1.7f4e44p+15f, 0x1.7f4e1cp-6f, -2097152) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_F32(0x1.cd93d6p+12f, 0x1.cd88b8p-9f, -2097346) /* wide by its zero point, ties away */
CLQ_RANGE_F32(0x1.ffc62ap-9f, 0x1.1fdf76p-5f) /* ties to even */
CLQ_RANGE_F32(0x1.c830a2p-8f, 0x1.9a922cp-7f) /* ties away */
CLQ_RANGE_F32(0x1.83c194p-5f, 0x1.b439c4p-2f) /* ties to even */
CLQ_RANGE_F32(0x1.8fdabcp-9f, 0x1.8fdabep-9f) /* ties away */
CLQ_RANGE_F32(0x1.c6p-12f, 0x1.c6p-12f) /* x * (1/S) with ties away */
CLQ_RANGE_F32(0x1.dp-9f, 0x1.5cp-7f) /* x * (1/S) toward zero */
CLQ_DIFFERENCE_F32(0x1p-20f, -1472653044)
CLQ_DIFFERENCE_F32(0x1p-20f, 1551492436)
CLQ_DIFFERENCE_F32(0x1p-20f, -106132194)
CLQ_DIFFERENCE_F32(0x1p-20f, 729464430)
CLQ_PRODUCT_F32(0x1.2a3372p-4f, -4) /* toward zero */
CLQ_PRODUCT_F32(0x1.5b22f4p-4f, -2) /* with ties away */
CLQ_QUOTIENT_F16(0x1.598p+0f, 0x1.ccaaacp-1f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_F16(0x1.afp+1f, 0x1.58cccep+0f, 0) /* narrow, ties away */
CLQ_QUOTIENT_F16(0x1.214p-9f, 0x1.81aaacp-10f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_F16(0x1.03p-2f, 0x1.9e6668p-4f, 0) /* narrow, ties away */
CLQ_QUOTIENT_F16(0x1.75p-11f, 0x1.2a6666p-12f, 0) /* narrow, x * (1/S) toward zero */
CLQ_QUOTIENT_F16(0x1.35p+5f, 0x1.ee6666p+3f, 0) /* narrow, x * (1/S) with ties away */
CLQ_QUOTIENT_F16(0x1.d48p+11f, 0x1.d47efp-10f, -2097166) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_F16(0x1.ff8p+15f, 0x1.ff71dep-6f, -2097378) /* wide by its zero point, ties away */
CLQ_QUOTIENT_F16(0x1.b44p+10f, 0x1.b43d44p-11f, -2097200) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_F16(0x1.ff8p+15f, 0x1.ff57d8p-6f, -2097794) /* wide by its zero point, ties away */
CLQ_RANGE_F16(0x1.09p-3f, 0x1.8d8p-2f) /* ties to even */
CLQ_RANGE_F16(0x1.244p-9f, 0x1.77cp-9f) /* ties away */
CLQ_RANGE_F16(0x1.1f8p-5f, 0x1.af4p-4f) /* ties to even */
CLQ_RANGE_F16(0x1.244p-8f, 0x1.77cp-8f) /* ties away */
CLQ_RANGE_F16(0x1.364p-10f, 0x1.364p-10f) /* x * (1/S) with ties away */
CLQ_RANGE_F16(0x1.2a8p-4f, 0x1.2a8p-4f) /* x * (1/S) toward zero */
CLQ_DIFFERENCE_F16(0x1p-20f, -2142765052)
CLQ_DIFFERENCE_F16(0x1p-20f, 1442316290)
CLQ_DIFFERENCE_F16(0x1p-20f, -1675100156)
CLQ_DIFFERENCE_F16(0x1p-20f, 2125987842)
CLQ_PRODUCT_F16(0x1.07eaaap-4f, 0) /* toward zero */
CLQ_PRODUCT_F16(0x1.191556p-4f, 0) /* with ties away */
CLQ_QUOTIENT_BF16(0x1.c4p-9f, 0x1.c3fffep-8f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_BF16(0x1.0ap-2f, 0x1.62aaacp-3f, 0) /* narrow, ties away */
CLQ_QUOTIENT_BF16(0x1.86p-13f, 0x1.85fffep-12f, 0) /* narrow, ties to even */
CLQ_QUOTIENT_BF16(0x1.bcp+0f, 0x1.fb6db8p-2f, 0) /* narrow, ties away */
CLQ_QUOTIENT_BF16(0x1.76p-11f, 0x1.2b3334p-12f, 0) /* narrow, x * (1/S) toward zero */
CLQ_QUOTIENT_BF16(0x1.1p+5f, 0x1.e38e36p+2f, 0) /* narrow, x * (1/S) with ties away */
CLQ_QUOTIENT_BF16(0x1.5ep-92f, 0x1.d2aaacp-93f, 0) /* wide by its scale, ties to even */
CLQ_QUOTIENT_BF16(0x1.e6p-79f, 0x1.b00002p-81f, 0) /* wide by its scale, ties away */
CLQ_QUOTIENT_BF16(0x1.9p-84f, 0x1.8ffffep-83f, 0) /* wide by its scale, ties to even */
CLQ_QUOTIENT_BF16(0x1.bcp-81f, 0x1.fb6db8p-83f, 0) /* wide by its scale, ties away */
CLQ_QUOTIENT_BF16(0x1.56p+10f, 0x1.55fb04p-11f, -2097270) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_BF16(0x1.fp+16f, 0x1.efd646p-5f, -2097836) /* wide by its zero point, ties away */
CLQ_QUOTIENT_BF16(0x1.aap+12f, 0x1.a9eeb4p-9f, -2097481) /* wide by its zero point, ties to even */
CLQ_QUOTIENT_BF16(0x1.6p+24f, 0x1.5fdd3cp+3f, -2097959) /* wide by its zero point, ties away */
CLQ_RANGE_BF16(0x1.18p-7f, 0x1.a4p-6f) /* ties to even */
CLQ_RANGE_BF16(0x1.18p-11f, 0x1.a4p-10f) /* ties away */
CLQ_RANGE_BF16(0x1.18p-8f, 0x1.a4p-7f) /* ties to even */
CLQ_RANGE_BF16(0x1.18p-6f, 0x1.a4p-5f) /* ties away */
CLQ_RANGE_BF16(0x1.c6p-7f, 0x1.c6p-7f) /* x * (1/S) with ties away */
CLQ_RANGE_BF16(0x1.1ap-5f, 0x1.1ap-5f) /* x * (1/S) toward zero */
CLQ_DIFFERENCE_BF16(0x1p-20f, -1254096892)
CLQ_DIFFERENCE_BF16(0x1p-20f, 1388314626)
CLQ_DIFFERENCE_BF16(0x1p-20f, -1287651324)
CLQ_DIFFERENCE_BF16(0x1p-20f, 2076180482)
CLQ_PRODUCT_BF16(0x1.6c0002p-4f, 0) /* toward zero */
CLQ_PRODUCT_BF16(0x1.b6aaacp-4f, 0) /* with ties away */
CLQ_AVERAGE(-0x1.cab6ap-1f, 0x1p-51f, 0x1.4p-3f)
CLQ_AVERAGE(-0x1.6c106p-1f, 0x1.6ap-51f, 0x1.8p-4f)
CLQ_AVERAGE(-0x1.df302p-1f, 0x1.2p-51f, 0x1.4p-3f)
CLQ_AVERAGE(-0x1.6594ep-1f, 0x1.8p-51f, 0x1.8p-4f)
CLQ_AVERAGE(-0x1.fd0004p-45f, 0x1.5daabcp+0f, 0x1.6a09e6p-4f) /* the difference is a tie but for its rest */
CLQ_AVERAGE(-0x1.868466p-43f, 0x1.16a20cp+0f, 0x1.6a09e6p-4f) /* the product is a tie but for its rest */
CLQ_WIDTH(-0x1.000186p-24f, 0x1.85f7fcp+0f)
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
