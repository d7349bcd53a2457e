/* SPDX-License-Identifier: Apache-2.0 */
/* Tile registers (AMX) of this process's processor: whether they are there, and whether the system lets it use them. */
#ifndef CLQ_HOST_CORE_TILES_H
#define CLQ_HOST_CORE_TILES_H

#include <stddef.h>

/* Why no kernel in this process can multiply tiles of bytes, for a person; empty where one can, given permission. Asks
 * the processor and the system, and changes nothing. */
void clq_tiles_find(char *lacks, size_t size);

/*
 * Why the process may not use them, or NULL: it may. Where it is not known to have permission, the system is asked for
 * it if `may_ask`, once in the life of the process: what it gives holds for all threads, those that are there and those
 * that come, and for children, until the process runs another program; what it refuses is not asked for again.
 */
const char *clq_tiles_refusal(int may_ask);

#endif
