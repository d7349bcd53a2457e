/* SPDX-License-Identifier: Apache-2.0 */
/* What takes long is told by the context's log, once, while it goes on. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_WATCH_H
#define CLQ_HOST_OPENCL_RUNTIME_WATCH_H

#include <pthread.h>

#include "core/executor.h"

typedef struct clq_cl_watch {
    const clq_context *context;
    const char *what;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int is_over, is_running;
} clq_cl_watch;

/* If clq_cl_watch_end has not come after three seconds, another thread logs "`what` takes more than 3 s" as
 * CLQ_LOG_INFO; so it does, within a fifth of a second, when the context is asked to stop meanwhile. `what` is kept by
 * address. */
void clq_cl_watch_begin(clq_cl_watch *watch, const clq_context *context, const char *what);
void clq_cl_watch_end(clq_cl_watch *watch);

#endif
