/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_BENCH_PEER_ONEDNN_H
#define CLQ_BENCH_PEER_ONEDNN_H

#include "peers.h"

const bench_peers *peer_onednn(void);

#endif
