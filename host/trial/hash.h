/* SPDX-License-Identifier: Apache-2.0 */
/* Which trial this is. */
#ifndef CLQ_HOST_TRIAL_HASH_H
#define CLQ_HOST_TRIAL_HASH_H

/*
 * A hash, as text, of all sources that decide what a trial sees: the cases, the reference, what lies below them, and
 * how kernels are chosen and launched. Made when the library is built (cmake/HashTrial.cmake), so that a verdict of
 * another trial counts for nothing, and nobody has to remember to say so.
 */
const char *clq_trial_hash(void);

#endif
