/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xxHash, all of it in its header: XXH64 of what stands in files, XXH3 of what is thrown away when in doubt. Both tell
 * accidents, not attacks.
 */
#ifndef CLQ_HOST_CORE_HASH_H
#define CLQ_HOST_CORE_HASH_H

#define XXH_INLINE_ALL
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#endif
#include <xxhash.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#endif
