#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The memory-bound operations as NumPy users write them, for scale: one JSON object in the form of `clquant bench --json`.

    scripts/bench-numpy.py [--elements N] [--rounds R]      (default 134217728 elements, 9 rounds)

Needs NumPy (Debian: python3-numpy). One thread, as NumPy computes element by element; temporary arrays are made once,
outside the clock. Results are compared with those of the plain expressions before anything is timed. Run it next
to `clquant bench` on the same quiet machine; `copy_fraction` compares with NumPy's own copy of the same rounds.
"""
import argparse
import json
import platform
import statistics
import sys
import time

import numpy as np

SCALE = np.float32(1.0) / np.float32(127.0)


def bench_rows(elements):
    """(operation, problem, bytes of an element, function that runs it, function that checks it)"""
    x = np.random.default_rng(12345).uniform(-1.0, 1.0, elements).astype(np.float32)
    codes = np.empty(elements, np.int8)
    y = np.empty(elements, np.float32)
    exact = np.clip(np.rint(x / SCALE), -127, 127).astype(np.int8)

    def minmax():
        return x.min(), x.max()

    def quantize():
        np.divide(x, SCALE, out=y)
        np.rint(y, out=y)
        np.clip(y, -127.0, 127.0, out=y)
        codes[...] = y  # the cast of an assignment

    def dequantize():
        np.multiply(exact, SCALE, out=y, dtype=np.float32)

    def copy():
        np.copyto(y, x)

    def minmax_is_right():
        low, high = minmax()
        return bool(np.all((x >= low) & (x <= high)) and np.any(x == low) and np.any(x == high))

    return [
        ("copy", "f32", 8, copy, lambda: bool(np.array_equal(x, y))),
        ("minmax", "f32", 4, minmax, minmax_is_right),
        ("quantize", "f32 -> s8", 5, quantize, lambda: bool(np.array_equal(codes, exact))),
        ("dequantize", "s8 -> f32", 5, dequantize,
         lambda: bool(np.array_equal(y, exact.astype(np.float32) * SCALE))),
    ]


def measure(elements, rounds):
    rows = bench_rows(elements)
    right = []
    for _, _, _, run, check in rows:
        run()
        right.append(check())
    times = [[] for _ in rows]
    for _ in range(rounds):
        for i, (_, _, _, run, _) in enumerate(rows):
            if right[i]:
                start = time.perf_counter()
                run()
                times[i].append(time.perf_counter() - start)
    copy_rate = 8 * elements / statistics.median(times[0]) / 1e9 if right[0] else None
    for i, (operation, problem, size, _, _) in enumerate(rows):
        median = statistics.median(times[i]) if right[i] else None
        rate = size * elements / median / 1e9 if right[i] else None
        yield {
            "operation": operation, "problem": problem, "shape": str(elements), "elements": elements,
            "role": "copy" if operation == "copy" else "peer", "who": "NumPy", "way": None, "variant": None,
            "outcome": "measured" if right[i] else "failed",
            "median_seconds": median, "best_seconds": min(times[i]) if right[i] else None,
            "gb_per_second": rate, "copy_fraction": rate / copy_rate if rate and copy_rate else None,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--elements", type=int, default=128 << 20)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    if given.elements < 1 or given.rounds < 1:
        parser.error("--elements and --rounds are at least 1")
    rows = list(measure(given.elements, given.rounds))
    json.dump({"version": np.__version__, "command": " ".join(["bench-numpy.py"] + sys.argv[1:]),
               "device": platform.processor() or platform.machine(), "threads": 1, "rounds": given.rounds, "rows": rows,
               "failed": sum(row["outcome"] == "failed" for row in rows)}, sys.stdout, indent=2)
    print()
    return 5 if any(row["outcome"] == "failed" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
