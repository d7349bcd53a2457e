/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of one call: each has a lane, a pipeline with slots and a check of its own, in a thread. Lanes claim what
 * there is to do (claims.h); one whose device fails is set aside with a warning, and the others do its work. One device
 * is one lane, which runs in the caller's thread.
 *
 * A verb's lane is a struct that begins with a clq_lane, so that its functions get the one and the other. In one run
 * they are called by one thread each, as clq_pipeline says; what lanes share is under the lock of the set.
 */
#ifndef CLQ_HOST_MODEL_LANES_H
#define CLQ_HOST_MODEL_LANES_H

#include "model/claims.h"
#include "model/job.h"
#include "stream/pipeline.h"
#include "stream/schedule.h"

struct clq_lane_set;

typedef struct clq_lane {
    struct clq_lane_set *set;
    size_t number;
    clq_context *context; /* NULL: of a call that needs no device */
    char name[128];       /* of the device */
    clq_check check;      /* of what this device computes; added to the call's when the lanes end */
    clq_slot slots[CLQ_PIPELINE_STAGES];
    clq_schedule schedule; /* the first stage's */
    int is_filled;         /* the first stage's: there is something in the slot at hand */
    atomic_int fails;      /* a stage behind the first has failed: that waits for nobody any more */
    int is_alone;          /* no other device is left: the host may serve in its place */
    int serves;            /* 0: it does already */
    /* Once the lane has run. */
    int is_set_aside;
    uint64_t bytes; /* of the input that it worked on */
    double seconds; /* for which its second stage was at work */
    clq_status status;
    clq_error error;
    pthread_t thread;
} clq_lane;

/* What a verb does in a run. The first argument of each function is the verb's lane. */
typedef struct clq_lane_verb {
    unsigned sends; /* as in clq_schedule */
    clq_status (*next)(void *lane, clq_pass *pass, int *there, clq_error *error);
    clq_status (*read)(void *lane, const clq_slot *slot, const clq_piece *piece, clq_error *error);
    clq_status (*fill)(void *lane, clq_slot *slot, int *filled, clq_error *error); /* NULL: clq_lane_fill */
    /* The stages behind the first, up to the first NULL; the second is the device's. */
    clq_status (*then[CLQ_PIPELINE_STAGES - 1])(void *lane, clq_slot *slot, clq_error *error);
    /* The operations of the second stage, and the kinds of pieces that they work on: a device that has no right kernel
     * for one of them is set aside. */
    struct {
        clq_operation operation;
        unsigned kinds; /* 0: none */
    } computes[2];
    void (*rewind)(void *lane); /* before the first stage begins; or NULL */
    int finds_only;             /* the bytes that lanes go through are not told as their work */
} clq_lane_verb;

typedef struct clq_lane_set {
    /* Set these before clq_lanes_begin. */
    clq_job *call;
    size_t lane_bytes;     /* of a verb's lane */
    size_t slots;          /* of a lane: as many as stages, so that none waits for want of one */
    uint64_t memory_bytes; /* for the slots of all */
    uint64_t work_bytes;   /* about what all of the data takes in slots, of which none is larger; 0: not known */
    uint64_t slot_bytes;   /* capacity of the smallest slot; 0: what suits the devices and the memory */
    int checks;            /* results are checked as the request says */
    /* The rest is kept by these functions. */
    char *lanes;
    size_t count;
    clq_claims *claims;   /* between clq_lanes_share and the end of the run */
    pthread_mutex_t lock; /* of what lanes share */
    const clq_lane_verb *verb;
    uint64_t done_bytes, all_bytes; /* for the progress, under `lock` while lanes run */
    double seconds;                 /* for which they ran */
} clq_lane_set;

static inline void *clq_lane_of(const clq_lane_set *set, size_t number)
{
    return set->lanes + number * set->lane_bytes;
}

/* Lanes for the contexts of the call; all of a verb's lane but the clq_lane is zeros. */
clq_status clq_lanes_begin(clq_lane_set *set, clq_error *error);

/* Of a call in parts that run at the same time: all draw the first one's sample. */
clq_status clq_lanes_share_seed(clq_lane_set *set, clq_error *error);

/* Adds what the checks of the lanes compared to the call's, and tells the report what each of several devices
 * did. What a verb's lanes hold is released before. */
void clq_lanes_end(clq_lane_set *set);

/* The progress of what follows is of so many bytes. */
void clq_lanes_progress(clq_lane_set *set, uint64_t all_bytes);

/* What there is to do, numbers below `count`, is added to set->claims then. */
clq_status clq_lanes_share(clq_lane_set *set, size_t count, clq_error *error);

/* Do all of it. Of several failures the first lane's that is no echo of another's. */
clq_status clq_lanes_run(clq_lane_set *set, const clq_lane_verb *verb, clq_error *error);

/* For `next`: the next claim of the lane; 0 when there is none, or the slot at hand goes on with what it has. */
int clq_lane_claim(clq_lane *lane, size_t *number);

/* For `fill`, as it is without one. */
clq_status clq_lane_fill(clq_lane *lane, clq_slot *slot, int *filled, clq_error *error);

/* For the last stage: so many bytes of a tensor more are done; a claim is. */
void clq_lane_step(clq_lane *lane, uint64_t bytes, const char *tensor);
void clq_lane_done(clq_lane *lane, size_t number);

/* For what a verb does with its lanes between two runs: the lane failed because its device gave no result, and others
 * are there: it is set aside. */
int clq_lane_is_replaced(clq_lane *lane);

/* Whether the lane failed because its device gave no result; and it is out of the call from now on, with a warning. */
int clq_lane_is_fault(const clq_lane *lane);
void clq_lane_set_aside(clq_lane *lane);

#endif
