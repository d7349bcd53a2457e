#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The house of docs/architecture.md: each file of host/ includes only files of its own floor and of those below it, inside
# the OpenCL engine too, and no two files of one floor include each other in a circle.
set -eu
cd "$(dirname "$0")/.."
includes()
{
    git ls-files 'host/*.c' 'host/*.h' | xargs grep -H '^#include "'
}
bad=0
includes | awk '
BEGIN {
    # From the ground up.
    count = split("core reference trial opencl/runtime opencl/choice opencl/launch opencl native engine format stream model command/frame command/verbs", floors, " ")
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
    } else if (rank[from] >= rank["format"] && rank[to] <= rank["engine"] && to != "core") {
        complain("includes \"" target "\": the engine is used through its public headers there")
    } else if (rank[from] >= rank["command/frame"] && rank[to] < rank["command/frame"] && rank[to] >= rank["stream"]) {
        complain("includes \"" target "\": files are worked on through clquant/files.h there")
    }
}
END { exit bad }
' || bad=1
# A file's own header counts as the file. tsort tells circles on stderr.
circles=$(includes | sed -nE 's#^host/([^:]*)\.[ch]:.include "([a-z_/]+)\.[a-z]+".*#\1 \2#p' | awk '$1 != $2 && $2 ~ /\//' | tsort 2>&1 >/dev/null | sed -n 's/^tsort: \([a-z_]*\/\)/host\/\1/p')
if [ -n "$circles" ]; then
    echo "files that include each other in a circle:" "$circles"
    bad=1
fi
exit "$bad"
