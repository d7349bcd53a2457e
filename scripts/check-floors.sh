#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The house of docs/architecture.md: each file of host/ includes only files of its own floor and of those below it, inside
# the OpenCL engine too. Within a floor, scripts/check-circles.sh looks at the calls.
set -eu
cd "$(dirname "$0")/.."
find host -name '*.[ch]' -print0 | xargs -0 grep -H '^#include "' | awk '
BEGIN {
    # From the ground up.
    count = split("core reference trial native opencl/runtime opencl/choice opencl/launch opencl engine format verify stream model command/frame command/verbs mpi", floors, " ")
    for (i = 1; i <= count; i++) {
        rank[floors[i]] = i
    }
}
function floor_of(path) {
    sub(/\/[^\/]*$/, "", path)
    return path
}
function complain(text) {
    print "host/" file ": " text
    bad = 1
}
{
    split($0, halves, ":#include \"")
    file = substr(halves[1], 6) # after "host/"
    target = halves[2]
    sub(/".*/, "", target)
    if (index(target, "/") == 0) {
        next # of kernels/ or bench/
    }
    from = floor_of(file)
    to = floor_of(target)
    if (!(from in rank)) {
        complain("lies on no floor")
    } else if (!(to in rank)) {
        complain("includes \"" target "\", which lies on no floor")
    } else if (rank[to] > rank[from]) {
        complain("includes \"" target "\" of a floor above")
    } else if (to == "native" && from ~ /^opencl/) {
        complain("includes \"" target "\": executors know nothing of each other")
    } else if (to == "verify" && from != "verify") {
        complain("includes \"" target "\": clquant/verify.h is what others see of it")
    } else if (rank[from] >= rank["format"] && from != "verify" && rank[to] <= rank["engine"] && to != "core") {
        complain("includes \"" target "\": the engine is used through its public headers there")
    } else if (rank[from] >= rank["command/frame"] && rank[to] < rank["command/frame"] && rank[to] >= rank["stream"]) {
        complain("includes \"" target "\": files are worked on through clquant/files.h there")
    }
}
END { exit bad }
'
