#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# README.md, CONTRIBUTING.md, docs/ and the other pages against the program that was built: commands are run, C is
# compiled, links, names and lists are compared. What was left out is counted and named.
#
#     scripts/check-docs.sh [BUILD] [PAGE...]      BUILD: a build folder with the command and its tests (build)
#     scripts/check-docs.sh --spoiled [BUILD]      the check itself, on pages with one fault each
#
# The files in scripts/docs tell how a page says what is to be done with a block. 77: no python3, nothing was checked.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
command -v python3 >/dev/null || {
    echo "check-docs.sh: python3 reads the pages, and is not there" >&2
    exit 77
}
program=check.py
if [ "${1:-}" = --spoiled ]; then
    program=spoiled.py
    shift
fi
build=${1:-$root/build}
[ $# -eq 0 ] || shift
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$root/scripts/docs/$program" "$root" "$build" "$@"
