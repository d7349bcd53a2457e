#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the inner loops of native's sets for 64-bit ARM hold, counted in the disassembly: no emulator tells how fast they
are. Of each product's largest tile: its multiplications in one innermost loop, and nothing kept on the stack; of what
works on tensors: vectors. Usage: scripts/lint-aarch64.py BUILD"""
import os
import re
import subprocess
import sys

# Multiplications of the largest tile's loop: of `k` codes of 4 rows and 16 columns each does `each` products.
PRODUCTS = {
    "neon": ("smlal2?", 4, 4),
    "dotprod": ("sdot", 16, 16),
    "i8mm": ("smmla", 8, 32),
}
ROWS, COLUMNS = 4, 16
# Innermost loops that have all of these, by what they are for: in every set.
VECTORS = {
    "the least and the greatest of f32": (r"smin\s+v\d+\.4s", r"smax\s+v\d+\.4s", r"ldr\s+q|ldp\s+q"),
    "the least and the greatest of halves": (r"smin\s+v\d+\.8h", r"smax\s+v\d+\.8h", r"ldr\s+q|ldp\s+q"),
    "codes by a quotient": (r"fmls\s+v\d+\.4s", r"fmla\s+v\d+\.4s", r"ldr\s+q"),
    "codes by a product": (r"fmul\s+v\d+\.4s", r"fadd\s+v\d+\.4s", r"ldr\s+q"),
    "reals of codes": (r"scvtf\s+v\d+\.4s", r"fmul\s+v\d+\.4s", r"str\s+q|stp\s+q"),
    "codes of 8 bits": (r"uzp1\s+v\d+\.16b|xtn2?\s+v\d+\.(8|16)b",),
    "f16 widened": (r"fcvtl\s+v\d+\.4s",),
    "f16 narrowed": (r"fcvtn\s+v\d+\.4h",),
    "bins of a histogram": (r"fcvtzs\s+v\d+\.4s", r"fmul\s+v\d+\.4s"),
}


def innermost_loops(listing):
    """Lists of the instructions of loops that no other loop is in."""
    for function in re.split(r"\n\n", listing):
        lines = re.findall(r"^\s*([0-9a-f]+):\s+[0-9a-f]{8}\s+(.*)$", function, re.M)
        at = {address: i for i, (address, _) in enumerate(lines)}
        loops = []
        for i, (_, text) in enumerate(lines):
            jump = re.match(r"(?:b\.\w+|b|cbn?z|tbn?z)\s+(?:\S+,\s+)*([0-9a-f]+) <", text)
            if jump and at.get(jump[1], i + 1) <= i:
                loops.append((at[jump[1]], i))
        for first, last in loops:
            if not any((a, b) != (first, last) and first <= a and b <= last for a, b in loops):
                yield [text.split("//")[0].strip() for _, text in lines[first : last + 1]]


def find_loops(build, name):
    path = os.path.join(build, "host/CMakeFiles/clquant_objects.dir/native", f"loops_{name}.c.o")
    listing = subprocess.run(["aarch64-linux-gnu-objdump", "-d", path], check=True, capture_output=True, text=True).stdout
    return list(innermost_loops(listing))


def lint_set(name, loops):
    pattern, k, each = PRODUCTS[name]
    expected = ROWS * COLUMNS * k // each
    counts = [(sum(bool(re.match(pattern + r"\s", i)) for i in loop), loop) for loop in loops]
    most, loop = max(counts, key=lambda c: c[0])
    on_stack = sum("[sp" in i for i in loop)
    loads = sum(i.startswith("ld") for i in loop)
    print(f"lint-aarch64: {name}: a tile of {ROWS} x {COLUMNS} x {k}: {most} {pattern.rstrip('?')}, {loads} loads, "
          f"{len(loop)} instructions, {on_stack} of them on the stack")
    faults = []
    if (most, on_stack) != (expected, 0):
        faults.append(f"{name}: the product's loop has {most} multiplications, {on_stack} instructions on the stack; "
                      f"wanted: {expected}, and none")
    for what, patterns in VECTORS.items():
        if not any(all(any(re.match(p, i) for i in loop) for p in patterns) for loop in loops):
            faults.append(f"{name}: no innermost loop has vectors for {what}: {', '.join(patterns)}")
    return faults


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    faults = [fault for name in PRODUCTS for fault in lint_set(name, find_loops(sys.argv[1], name))]
    for fault in faults:
        print(f"lint-aarch64: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
