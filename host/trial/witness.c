/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/find_witnesses.c printed, and ties that need no search. */
#include "trial/witness.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* ---- x, scale, zero point: a multiply-add that rounds its product shows ---- */

static const clq_trial_quotient quotients_f32[] = {
    {0x1.5837f2p-10f, 0x1.31f8d6p-12f, 0},        /* narrow, ties to even */
    {0x1.e0a07cp+0f, 0x1.5d8bfep-2f, 0},          /* narrow, ties away */
    {0x1.17b894p+4f, 0x1.bf8db8p+2f, 0},          /* narrow, ties to even */
    {0x1.2c2bf6p-10f, 0x1.570dacp-12f, 0},        /* narrow, ties away */
    {0x1.38656p-80f, 0x1.c664eap-83f, 0},         /* wide by its scale, ties to even */
    {0x1.477372p-83f, 0x1.23114ap-85f, 0},        /* wide by its scale, ties away */
    {0x1.2bce36p-94f, 0x1.0a7e68p-96f, 0},        /* wide by its scale, ties to even */
    {0x1.d9cf2ap-91f, 0x1.a529eep-93f, 0},        /* wide by its scale, ties away */
    {0x1.d76bcap+17f, 0x1.d74d9cp-4f, -2097675},  /* wide by its zero point, ties to even */
    {0x1.3e86e2p+10f, 0x1.3e6f28p-11f, -2097759}, /* wide by its zero point, ties away */
    {0x1.f4eceep+13f, 0x1.f4bfp-8f, -2097899},    /* wide by its zero point, ties to even */
    {0x1.ceb8p+16f, 0x1.ceaf9p-5f, -2097301},     /* wide by its zero point, ties away */
};
static const clq_trial_quotient quotients_f16[] = {
    {0x1.7ecp+4f, 0x1.b56db8p+2f, 0},         /* narrow, ties to even */
    {0x1.1d8p-8f, 0x1.7caaacp-9f, 0},         /* narrow, ties away */
    {0x1.fccp-4f, 0x1.fcbffep-3f, 0},         /* narrow, ties to even */
    {0x1.43p-4f, 0x1.aeaaacp-5f, 0},          /* narrow, ties away */
    {0x1.ffcp+15f, 0x1.ffac8ep-6f, -2097461}, /* wide by its zero point, ties to even */
    {0x1.ffcp+15f, 0x1.ff9fap-6f, -2097665},  /* wide by its zero point, ties away */
    {0x1.998p+13f, 0x1.99509p-8f, -2098097},  /* wide by its zero point, ties to even */
    {0x1.ef4p+13f, 0x1.ef2886p-8f, -2097540}, /* wide by its zero point, ties away */
};
static const clq_trial_quotient quotients_bf16[] = {
    {0x1.7cp-2f, 0x1.faaaacp-3f, 0},         /* narrow, ties to even */
    {0x1.64p+2f, 0x1.daaaacp+1f, 0},         /* narrow, ties away */
    {0x1.9ep+2f, 0x1.9dfffep+3f, 0},         /* narrow, ties to even */
    {0x1.8ep+4f, 0x1.21745ep+2f, 0},         /* narrow, ties away */
    {0x1.5ap-76f, 0x1.8b6db8p-78f, 0},       /* wide by its scale, ties to even */
    {0x1.aep-96f, 0x1.eb6db8p-98f, 0},       /* wide by its scale, ties away */
    {0x1.9ap-87f, 0x1.99fffep-86f, 0},       /* wide by its scale, ties to even */
    {0x1.bcp-79f, 0x1.fb6db8p-81f, 0},       /* wide by its scale, ties away */
    {0x1.bep+22f, 0x1.bddfdap+1f, -2097741}, /* wide by its zero point, ties to even */
    {0x1.3p+22f, 0x1.2fedd8p+1f, -2097639},  /* wide by its zero point, ties away */
    {0x1.d6p+19f, 0x1.d5d15ap-2f, -2097962}, /* wide by its zero point, ties to even */
    {0x1.a2p+14f, 0x1.a1d3a8p-7f, -2098020}, /* wide by its zero point, ties away */
};

const clq_trial_quotient *clq_trial_quotients(clq_dtype real, size_t *count)
{
    *count = real == CLQ_F32 ? COUNT(quotients_f32) : real == CLQ_F16 ? COUNT(quotients_f16) : COUNT(quotients_bf16);
    return real == CLQ_F32 ? quotients_f32 : real == CLQ_F16 ? quotients_f16 : quotients_bf16;
}

/* ---- x, the greatest: the same where the scale is chosen ---- */

static const clq_trial_range ranges_f32[CLQ_TRIAL_RANGES] = {
    {0x1.ae9948p-3f, 0x1.42f2f4p-1f},   /* ties to even */
    {0x1.c1892ep+2f, 0x1.c1892ep+2f},   /* ties away */
    {0x1.8b7f62p-12f, 0x1.8b7f64p-12f}, /* ties to even */
    {0x1.87b06ep-2f, 0x1.87b06ep-2f},   /* ties away */
    {0x1p-1f, 0x1.8p+0f},               /* a tie as it is */
};
static const clq_trial_range ranges_f16[CLQ_TRIAL_RANGES] = {
    {0x1.048p+0f, 0x1.048p+0f},   /* ties to even */
    {0x1.054p-10f, 0x1.054p-10f}, /* ties away */
    {0x1.18cp-12f, 0x1.18cp-12f}, /* ties to even */
    {0x1.024p-12f, 0x1.024p-12f}, /* ties away */
    {0x1p-1f, 0x1.8p+0f},         /* a tie as it is */
};
static const clq_trial_range ranges_bf16[CLQ_TRIAL_RANGES] = {
    {0x1.06p+2f, 0x1.06p+2f}, /* ties to even */
    {0x1.06p-7f, 0x1.06p-7f}, /* ties away */
    {0x1.06p-4f, 0x1.06p-4f}, /* ties to even */
    {0x1.18p+3f, 0x1.18p+3f}, /* ties away */
    {0x1p-1f, 0x1.8p+0f},     /* a tie as it is */
};

const clq_trial_range *clq_trial_ranges(clq_dtype real)
{
    return real == CLQ_F32 ? ranges_f32 : real == CLQ_F16 ? ranges_f16 : ranges_bf16;
}

/* ---- scale, zero point: an integer that becomes an f32 toward zero shows, of either sign ---- */

static const clq_trial_difference differences_f32[] = {
    {0x1p-20f, -1786136558}, {0x1p-20f, 1642043242}, {0x1p-20f, -998777512}, {0x1p-20f, 375372288}, {0x1.8p-3f, 2},
};
static const clq_trial_difference differences_f16[] = {
    {0x1p-20f, -1282932732}, {0x1p-20f, 1670905858}, {0x1p-20f, -1480065020},
    {0x1p-20f, 1316487170},  {0x1.002p0f, 2}, /* a tie to an even one below */
    {0x1.006p0f, 2},                          /* above */
    {0x1p-25f, 2},                            /* to 0 */
    {0x1.8p-24f, 2},                          /* between subnormal ones */
    {0x1.ffep15f, 2},                         /* to infinity */
    {0x1.ffdffep15f, 2},                      /* just not */
    {0x1.ffdp-15f, 2},                        /* to the least normal one */
};
static const clq_trial_difference differences_bf16[] = {
    {0x1p-20f, -1757413372}, {0x1p-20f, 1522532354}, {0x1p-20f, -1254096892},
    {0x1p-20f, 2076180482},  {0x1.01p0f, 2}, /* a tie to an even one below */
    {0x1.03p0f, 2},                          /* above */
};

const clq_trial_difference *clq_trial_differences(clq_dtype real, size_t *count)
{
    *count = real == CLQ_F32   ? COUNT(differences_f32)
             : real == CLQ_F16 ? COUNT(differences_f16)
                               : COUNT(differences_bf16);
    return real == CLQ_F32 ? differences_f32 : real == CLQ_F16 ? differences_f16 : differences_bf16;
}

/* ---- state, now, averaging: mul_hi that is off by its last bit shows ---- */

const clq_trial_average clq_trial_averages[CLQ_TRIAL_AVERAGES] = {
    {-0x1.dfd22p-1f, 0x1.12p-51f, 0x1.4p-3f}, {-0x1.9c4f2p-1f, 0x1p-51f, 0x1.4p-3f},
    {-0x1.92f4ep-1f, 0x1.8p-51f, 0x1.8p-4f},  {-0x1.eaccep-1f, 0x1.6cp-51f, 0x1.8p-4f},
    {-0x1.5e8002p-44f, 0x1.d53ebep0f, 0.01f}, /* the difference is a tie of doubles but for a bit below 62 */
};
