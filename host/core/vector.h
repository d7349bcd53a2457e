/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops compiled for several instruction sets, of which the program takes the best one when it starts: put
 * CLQ_VECTOR_CLONES before the function, a static one: clang before 18 gives others a symbol that no other file finds
 * (https://github.com/llvm/llvm-project/pull/71706). The results are the same, since the compiler may neither reorder
 * sums nor fuse products with them (-ffp-contract=off).
 */
#ifndef CLQ_HOST_CORE_VECTOR_H
#define CLQ_HOST_CORE_VECTOR_H

/* Sanitizers are not yet there when the program chooses. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CLQ_VECTOR_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CLQ_VECTOR_PLAIN 1
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(CLQ_VECTOR_PLAIN)
#define CLQ_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLQ_VECTOR_CLONES
#endif

#endif
