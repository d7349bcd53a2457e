#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: test-install.sh [FOLDER]: install, static as a part of another project (tests/embedder), and shared; move what was
# installed elsewhere; build every example against it through CMake (tests/consumer, examples/engines), one through
# pkg-config; uninstall. No test is built, so cmocka is not needed. The builds are made in FOLDER, where they stay: that of
# FOLDER/build-ON has everything that scripts/test-packages.sh packs.
set -eu
cd "$(dirname "$0")/.."
source=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
builds=${1:-$work}
mkdir -p "$builds"
builds=$(cd "$builds" && pwd)
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }; }
fail() {
    echo "test-install: $*" >&2
    exit 1
}
listed() { (cd "$1" && find . | sort); }

# Built as all is by default, so that a cache of the compiler has most of it. The prefix is told when it is installed.
configure() { # BUILD, SOURCE...
    quietly cmake -B "$builds/build-$1" -G Ninja -DBUILD_SHARED_LIBS="$1" -DCMAKE_BUILD_TYPE=Release \
        -DCLQ_BUILD_TESTS=OFF -DCLQ_BUILD_BENCH=OFF -DCMAKE_INSTALL_PREFIX=/usr -S "$2" "$3" "$4" "$5"
}
configure OFF tests/embedder "-DCLQUANT=$source" -DCLQ_INSTALL=ON -DCLQ_BUILD_CLI=ON
configure ON . -DCLQ_INSTALL=ON -DCLQ_BUILD_CLI=ON -DCLQ_PACKAGE_RELEASE=1
for shared in OFF ON; do
    first=$work/first-$shared
    prefix=$work/moved-$shared/elsewhere
    quietly cmake --build "$builds/build-$shared"
    quietly cmake --install "$builds/build-$shared" --prefix "$first"
    mkdir -p "$work/moved-$shared"
    mv "$first" "$prefix"
    pc=$(cd "$prefix"/lib*/ && pwd)
    pc=$(dirname "$(find "$pc" -name clquant.pc)")
    texts=$(find "$prefix" -name '*.cmake' -o -name '*.pc')
    # shellcheck disable=SC2086 # names without spaces
    if grep -n -e "$work" -e "$builds" -e "$source" -e '/usr/' -e '\.so\b' -e '/lib[a-z]*\.a' $texts |
        grep -v -e '_IMPORT_PREFIX}/lib[^"]*/libclquant\.' -e '_IMPORT_PREFIX}/lib/libengine\.a' -e libclquant.so.0 \
            -e '# ' -e '"/usr/lib[^" ]*/cmake/'; then # the last is CMake's own, of links to /usr
        fail "what is installed names the machine that built it"
    fi
    for file in bin/clquant share/man/man1/clquant.1 share/bash-completion/completions/clquant \
        include/clquant/clquant.h; do
        [ -s "$prefix/$file" ] || fail "$file was not installed"
    done
    quietly cmake -S tests/consumer -B "$work/consumer-$shared" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
        -DEXAMPLES="$source/examples"
    quietly cmake --build "$work/consumer-$shared"
    if [ "$shared" = ON ]; then # those whose engines are installed
        quietly cmake -S examples/engines -B "$work/engines" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS=-O0
        quietly cmake --build "$work/engines"
    fi
    "$work/consumer-$shared/quantize_tensor" >/dev/null
    "$work/consumer-$shared/own_queue" >/dev/null
    "$work/consumer-$shared/recorded_layer" >/dev/null
    "$work/consumer-$shared/consumer_cxx"
    # By itself: the command holds the library.
    "$prefix/bin/clquant" sample mobilenet-v2 -o "$work/model.safetensors" --force --quiet
    rm -f "$work/quantized.safetensors"
    "$work/consumer-$shared/quantize_file" "$work/model.safetensors" "$work/quantized.safetensors" >/dev/null
    command -v pkg-config >/dev/null 2>&1 || continue
    export PKG_CONFIG_PATH="$pc"
    pkg-config --validate clquant
    for static in "" --static; do
        # shellcheck disable=SC2046,SC2086 # lists of flags
        cc -std=c11 examples/quantize_tensor.c $(pkg-config --cflags --libs $static clquant) -o "$work/by-pkg-config"
        LD_LIBRARY_PATH=${pc%/pkgconfig} "$work/by-pkg-config" >/dev/null
    done
done
"$work/consumer-OFF/engine_user"
for example in examples/*.c; do
    name=$(basename "$example" .c)
    grep -q "int main" "$example" || continue # a part of another
    [ -x "$work/consumer-ON/$name" ] || fail "$example is not built by tests/consumer"
done
# What a shared library shows, of whatever kind the build is.
quietly scripts/check-symbols.sh nm "$(echo "$work"/moved-ON/elsewhere/lib*/*/libclquant.so)"

# A stranger's files beside ours stay, and nothing else.
home=$work/home
mkdir -p "$home/share/man/man1" "$home/include"
echo "a stranger's" >"$home/share/man/man1/other.1"
listed "$home" >"$work/before"
quietly cmake --install "$builds/build-ON" --prefix "$home"
mv "$home" "$home.moved"
if cmake --build "$builds/build-ON" --target uninstall >"$work/log" 2>&1 || ! grep -q 'none of what is installed is there' "$work/log"; then
    fail "uninstall does not say that the folder was moved"
fi
mv "$home.moved" "$home"
quietly cmake --build "$builds/build-ON" --target uninstall
listed "$home" >"$work/after"
diff "$work/before" "$work/after" >&2 || fail "uninstall leaves or takes the above"
if cmake --build "$builds/build-ON" --target uninstall >"$work/log" 2>&1 || ! grep -q 'is installed' "$work/log"; then
    fail "a second uninstall does not say that nothing is installed"
fi

# A build for another machine runs nothing of what it makes, and takes the C library from its compiler; naming a system
# makes it one, whatever the compiler.
quietly cmake -S . -B "$work/build-cross" -G Ninja -DCMAKE_SYSTEM_NAME=Linux -DCLQ_BUILD_TESTS=OFF
if grep -E 'COMMAND = .*(clquant_command|host/clquant) [a-z]' "$work/build-cross/build.ninja"; then
    fail "a cross build runs the command that it makes"
fi
if grep -m 1 '/libm\.' "$work/build-cross/build.ninja"; then
    fail "a cross build links with this machine's libm"
fi
echo "install: static in another project and shared, moved, CMake and pkg-config, C and C++, uninstalled"
