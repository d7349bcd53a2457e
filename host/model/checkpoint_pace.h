/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_MODEL_CHECKPOINT_PACE_H
#define CLQ_HOST_MODEL_CHECKPOINT_PACE_H

/*
 * Time from the end of one flush to the begin of the next: what a killed run loses at most is the work of this time and
 * of a flush. Shorter ones give the disk smaller pieces; a run of less has no cost but that of a file.
 */
double clq_checkpoint_seconds(void);

#endif
