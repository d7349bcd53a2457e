#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: check-circles.sh NM OBJECTS...: no call goes up a floor of scripts/check-floors.sh, whatever headers say, and no
# two of these object files call each other in a circle, through others either, so that each can be understood, and
# replaced, without those that use it. The tables of verbs and of options, which name who is called and call nobody, are
# left out.
set -eu
nm=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$nm" -A -P "$@" | awk '
    { sub(/:$/, "", $1) }
    $1 ~ /\/(verbs|options)_table\.[^\/]*$/ { next }
    $3 == "U" { print "needs", $1, $2 }
    $3 ~ /^[TDBRC]$/ { print "has", $1, $2 }' > "$work/symbols"
awk '$1 == "has" { home[$3] = $2; next } { need[++count] = $2 " " $3 }
    END {
        for (i = 1; i <= count; i++) {
            split(need[i], pair, " ")
            if (pair[2] in home) {
                print pair[1], home[pair[2]]
            }
        }
    }' "$work/symbols" > "$work/calls"
floors=$(sed -n 's/.*split("\([a-z/ ]*\)", floors.*/\1/p' "$(dirname "$0")/check-floors.sh")
awk -v floors="$floors" '
    function floor_of(object) {
        sub(/.*\.dir\/(\.\/)?/, "", object)
        sub(/\/[^\/]*$/, "", object)
        return object
    }
    BEGIN {
        count = split(floors, list, " ")
        for (i = 1; i <= count; i++) {
            rank[list[i]] = i
        }
    }
    {
        from = floor_of($1)
        to = floor_of($2)
        if (from in rank && to in rank && rank[to] > rank[from]) {
            print $1 " calls " $2 ", a floor above"
            bad = 1
        }
    }
    END { exit bad }' "$work/calls"
tsort "$work/calls" > "$work/order" 2> "$work/circles" || true
if [ -s "$work/circles" ]; then
    sed -e 's/^tsort: //' -e 's/.*: input contains a loop:$/a circle:/' -e 's|^.*/host/|    host/|' -e 's|^.*\.dir/|    |' "$work/circles"
    exit 1
fi
echo "no circle among $# files"
