#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scripts/test-device.sh on an OpenCL implementation that is not the machine's own: it is fetched into a folder of the
# build, and nothing is installed but data that it looks for at a fixed place.
#
#     scripts/test-implementation.sh [--quick] [--seconds N] [--build DIR] NAME
#
# NAME       intel        Intel's runtime for CPUs (Python packages intel-opencl-rt, intel-cmplr-lib-rt)
#            rusticl      Mesa's Rusticl on llvmpipe (Debian packages mesa-opencl-icd, libclc-15)
#            pocl:PREFIX  a PoCL that was built and installed there
# --quick    what CI has time for: verify --quick, which has every kernel in a part of its types and 120 products of each
#            variant, khr-dot among them; of intel all of test_portable and test_gemm_values as well, without its vectors
#            of work-items, which take it three times as long to compile; of others sums that leave 32 bits
# --seconds  with rusticl: how long verify and the tests may take together, a third and two; default: 3600
# --build    a build with tests; default: build/release
#
# Of a slow compiler (rusticl) the suite is a part, as long as its time lasts; elsewhere it is all of it. What is known to
# be wrong there, and is gone round, is told as known and is no failure.
#
# Prints, last, the row for docs/devices.md. Exit code 0: all that ran passed; 1: something did not; 77: it cannot be
# fetched here, or not within three minutes, which is one line.
set -eu
cd "$(dirname "$0")/.."

mode=--full
seconds=3600
build=build/release
name=
while [ $# -gt 0 ]; do
    case $1 in
    --quick) mode=--quick ;;
    --seconds)
        seconds=${2-}
        case $seconds in '' | *[!0-9]*) echo "test-implementation: --seconds needs a whole number, not '$seconds'" >&2; exit 2 ;; esac
        shift
        ;;
    --build) [ $# -gt 1 ] || { echo "test-implementation: --build needs a folder" >&2; exit 2; }; build=$2; shift ;;
    -*) echo "test-implementation: unknown option $1" >&2; exit 2 ;;
    *) [ -z "$name" ] || { echo "test-implementation: one NAME, not $name and $1" >&2; exit 2; }; name=$1 ;;
    esac
    shift
done
command=$(pwd)/$build/host/clquant
case $build in /*) command=$build/host/clquant ;; esac
[ -x "$command" ] || { echo "test-implementation: $command is missing: build it, or name a build with --build" >&2; exit 2; }
place=$(dirname "$(dirname "$command")")/implementations/${name%%:*}
log=$place/log
mkdir -p "$place/cache" "$place/pocl-cache" "$place/mesa-cache"

cannot() { echo "test-implementation: $name is skipped: $1: $(tail -n 1 "$log")" >&2; exit 77; }

# Each leaves the .icd file at $place/only.icd, and where the loader finds its libraries in $libraries.
fetch_intel() {
    libraries=$place/lib
    [ ! -e "$place/only.icd" ] || return 0
    # shellcheck disable=SC2016 # the inner shell's
    timeout --kill-after=10 180 sh -c 'python3 -m venv "$1" && "$1/bin/python" -m pip install --quiet --disable-pip-version-check \
        intel-opencl-rt intel-cmplr-lib-rt' sh "$place/venv" >"$log" 2>&1 || cannot "its Python packages cannot be installed"
    # Its own loader stays behind: programs are to use the machine's.
    mkdir -p "$libraries"
    for file in "$place"/venv/lib/*.so*; do
        case ${file##*/} in libOpenCL.*) ;; *) ln -sf "$file" "$libraries/" ;; esac
    done
    [ -e "$libraries/libintelocl.so" ] || cannot "its package has no libintelocl.so"
    echo "$libraries/libintelocl.so" >"$place/only.icd"
}

fetch_rusticl() {
    libraries=$place/root/usr/lib/x86_64-linux-gnu
    [ ! -e "$place/only.icd" ] || return 0
    scripts/install-packages.sh libclc-15 >"$log" 2>&1 || cannot "libclc-15 cannot be installed" # read at /usr/lib/clc
    mkdir -p "$place/debs/partial"
    # Unpacked, not installed: its .icd file would make it a device of every program on this machine.
    timeout --kill-after=10 180 apt-get install -y -q --no-install-recommends --download-only \
        -o Dir::Cache::archives="$place/debs" mesa-opencl-icd >"$log" 2>&1 || cannot "its Debian packages cannot be fetched"
    for package in "$place"/debs/*.deb; do
        dpkg -x "$package" "$place/root" >>"$log" 2>&1
    done
    [ -e "$libraries/libRusticlOpenCL.so.1" ] || cannot "its packages have no libRusticlOpenCL.so.1"
    echo "$libraries/libRusticlOpenCL.so.1" >"$place/only.icd"
}

use_pocl() {
    libraries=
    prefix=${name#pocl:}
    library=$(find "$prefix" -name 'libpocl.so.*' 2>/dev/null | sort | head -n 1)
    [ -n "$library" ] || { echo "test-implementation: no libpocl.so under $prefix" >&2; exit 2; }
    echo "$library" >"$place/only.icd"
}

known=
set_aside=
tests=
case $name in
intel)
    fetch_intel
    tests='test_portable test_gemm_values'
    ;;
rusticl)
    fetch_rusticl
    [ "$mode" = --quick ] || mode=
    # Each by its name, which docs/devices.md tells of: what is beside it is no fault that is known.
    known='probe-loop/rounds/70000 probe-loop/rounds/200000 probe-loop/rounds/1000000 probe-loop/rounds-in-all/70000'
    known="$known probe-loop/rounds-in-all/200000 probe-integer/comparisons-extended probe-float/fma probe-float/fma/vector"
    set_aside=loops,host-weights,gemm:gemm_amx
    ;;
pocl:?*) use_pocl ;;
*) echo "test-implementation: NAME is intel, rusticl or pocl:PREFIX, not '$name'" >&2; exit 2 ;;
esac

# On this implementation alone.
export OCL_ICD_VENDORS="$place/only.icd" LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
    RUSTICL_ENABLE=llvmpipe MESA_SHADER_CACHE_DIR="$place/mesa-cache" POCL_CACHE_DIR="$place/pocl-cache" \
    CLQUANT_CACHE_DIR="$place/cache"
# shellcheck disable=SC2086 # no word where nothing is said
exec scripts/test-device.sh $mode --seconds "$seconds" --known "$known" --set-aside "$set_aside" --build "$build" \
    --tests "$tests" -o "$place/results.tar.gz"
