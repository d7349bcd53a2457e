#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The house of docs/architecture.md: each file of host/ includes only files of its own floor and of those below it, inside
# the OpenCL engine too, and no two files of one floor include each other in a circle.
set -eu
cd "$(dirname "$0")/.."
git ls-files 'host/*.c' 'host/*.h' | xargs grep -H '^#include "' | awk '
BEGIN {
    # From the ground up.
    count = split("core reference trial opencl/runtime opencl/choice opencl/launch opencl native engine format stream model command/frame command/verbs", floors, " ")
    for (i = 1; i <= count; i++) {
        rank[floors[i]] = i
    }
}
function floor_of(path,    parts) {
    sub(/\/[^\/]*$/, "", path)
    return path
}
{
    split($0, halves, ":#include \"")
    file = substr(halves[1], 6) # after "host/"
    target = halves[2]
    sub(/".*/, "", target)
    from = floor_of(file)
    to = floor_of(target)
    if (!(from in rank)) {
        print "host/" file ": lies on no floor"
        bad = 1
    } else if (index(target, "/") > 0 && !(to in rank)) {
        print "host/" file ": includes \"" target "\", which lies on no floor"
        bad = 1
    } else if (to in rank && rank[to] > rank[from]) {
        print "host/" file ": includes \"" target "\" of a floor above"
        bad = 1
    } else if (rank[from] >= rank["format"] && rank[to] <= rank["engine"] && to in rank && to != "core") {
        print "host/" file ": includes \"" target "\": the library is used through its public headers there"
        bad = 1
    } else if (from == "model" || from == "stream" || from == "format") {
        ;
    }
}
END { exit bad }
'
