#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: test-packages.sh [BUILD]: the Debian packages of a build folder, by default that of the preset `package`, which is
# made: what they hold and need, lintian's errors, and their life in a fresh root: installed, used, upgraded, removed, with
# nothing left. CLQ_REQUIRE_PACKAGES=1: the tools have to be there, and the rights of root, for chroot, too.
set -eu
if [ "$(id -u)" -ne 0 ] && unshare --map-root-user true 2>/dev/null; then
    exec unshare --map-root-user "$0" "$@" # root of what it makes, and of nothing else
fi
cd "$(dirname "$0")/.."
build=${1:-build/package}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
quietly() { "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }; }
fail() {
    echo "test-packages: $*" >&2
    exit 1
}
leave_out() {
    [ -z "${CLQ_REQUIRE_PACKAGES:-}" ] || fail "$* (CLQ_REQUIRE_PACKAGES is set)"
    echo "test-packages: left out: $*" >&2
}
for tool in dpkg-deb dpkg-shlibdeps cpack; do
    command -v $tool >/dev/null 2>&1 || { leave_out "all: no $tool"; exit 77; }
done
if [ $# -eq 0 ]; then
    quietly cmake --preset package -G Ninja
    quietly cmake --build "$build"
fi

# Two releases of the same build.
for release in 2 1; do
    quietly cmake -DCLQ_PACKAGE_RELEASE=$release "$build"
    quietly cpack --config "$build/CPackConfig.cmake" -B "$work/$release"
    rm -rf "$work/$release/_CPack_Packages"
done
version=$(dpkg-deb -f "$work"/1/libclquant0_*.deb Version)
version=${version%-1}
[ "$(cd "$work/1" && echo ./*.deb | tr ' ' '\n' | sed 's,^\./,,; s/_.*//' | tr '\n' ' ')" = "clquant libclquant-dev libclquant0 " ] ||
    fail "other packages than clquant, libclquant-dev and libclquant0: $(ls "$work/1")"

# What each needs and holds. Without a loader of OpenCL all of it works.
field() { dpkg-deb -f "$work"/1/"$1"_*.deb "$2"; }
for name in libclquant0 clquant; do
    case $(field $name Depends) in
    *OpenCL* | *opencl* | *ocl-icd*) fail "$name depends on OpenCL: $(field $name Depends)" ;;
    libc6*) ;;
    *) fail "$name does not depend on the C library that it was linked with: $(field $name Depends)" ;;
    esac
    [ "$(field $name Recommends)" = "ocl-icd-libopencl1 | libopencl1" ] || fail "$name does not recommend a loader of OpenCL"
    [ "$(field $name Suggests)" = pocl-opencl-icd ] || fail "$name does not suggest a driver"
done
case $(field libclquant-dev Depends) in
"libclquant0 (= $version-1), "*) ;;
*) fail "libclquant-dev does not depend on its own libclquant0: $(field libclquant-dev Depends)" ;;
esac
# Those of several architectures lie beside each other: what differs between them is in folders of their own.
[ "$(for name in libclquant0 libclquant-dev clquant; do field $name Multi-Arch; done | tr '\n' ' ')" = "same same foreign " ] ||
    fail "Multi-Arch of libclquant0, libclquant-dev and clquant is not: same, same, foreign"
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
for name in libclquant0 libclquant-dev; do
    elsewhere=$(dpkg-deb -c "$work"/1/${name}_*.deb | awk '{ print $6 }' |
        grep -v -e '/$' -e "^\./usr/lib/$triplet/" -e '^\./usr/include/clquant/' -e '^\./usr/share/' || true)
    [ -z "$elsewhere" ] || fail "$name of two architectures would both have $elsewhere"
done
for name in clquant libclquant-dev libclquant0; do
    dpkg-deb -x "$work"/1/${name}_*.deb "$work/all"
    mkdir -p "$work/control/$name"
    dpkg-deb -e "$work"/1/${name}_*.deb "$work/control/$name"
    [ -s "$work/all/usr/share/doc/$name/copyright" ] || fail "$name has no copyright"
    gzip -dc "$work/all/usr/share/doc/$name/changelog.Debian.gz" | grep -q "^clquant ($version-1)" ||
        fail "$name has no changelog of $version-1"
done
for file in bin/clquant share/man/man1/clquant.1.gz share/bash-completion/completions/clquant \
    share/zsh/vendor-completions/_clquant share/fish/vendor_completions.d/clquant.fish include/clquant/opencl.h; do
    [ -s "$work/all/usr/$file" ] || fail "no /usr/$file"
done
grep -q '^libclquant 0 libclquant0 ' "$work/control/libclquant0/shlibs" || fail "libclquant0 has no shlibs"
[ "$(grep -c '^ clq_' "$work/control/libclquant0/symbols")" -eq "$(wc -l <host/symbols.txt)" ] ||
    fail "libclquant0 has other symbols than host/symbols.txt"

# A program is built and run by what they hold, wherever it lies.
if command -v pkg-config >/dev/null 2>&1; then
    pc=$(echo "$work"/all/usr/lib/*/pkgconfig)
    # shellcheck disable=SC2046 # a list of flags
    cc -std=c11 examples/quantize_tensor.c $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs clquant) -o "$work/program"
    LD_LIBRARY_PATH=${pc%/pkgconfig} "$work/program" >/dev/null
fi

if command -v lintian >/dev/null 2>&1; then
    (cd "$work/1" && lintian --allow-root --fail-on error ./*.deb) >"$log" 2>&1 || { cat "$log"; exit 1; }
else
    leave_out "lintian's judgement (Debian: lintian)"
fi
if command -v apt-get >/dev/null 2>&1; then
    (cd "$work/1" && apt-get install --simulate -q ./*.deb) >"$log" 2>&1 ||
        { tail -n 20 "$log"; fail "apt-get finds not all that they need"; }
fi

# A root with a shell, ldconfig and the C library, and nothing else; dpkg knows of none of them.
root=$work/root
if ! [ "$(id -u)" -eq 0 ] || ! mkdir -p "$root/usr/bin" || ! chroot / true 2>/dev/null; then
    leave_out "a life in a fresh root (needs root, or namespaces of a user, and chroot)"
    exit 0
fi
mkdir -p "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/etc" "$root/tmp" "$root/dev" \
    "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
for folder in bin sbin lib lib64; do
    ln -s "usr/$folder" "$root/$folder"
done
: >"$root/var/lib/dpkg/status"
: >"$root/dev/null"
cp /bin/sh "$root/usr/bin/sh"
cp /sbin/ldconfig "$root/usr/sbin/ldconfig"
ldd /bin/sh /usr/sbin/ldconfig "$work/all/usr/bin/clquant" 2>/dev/null | grep -o '/[^ ]*' | grep -v ':$' | sort -u |
    while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
    done
listed() { (cd "$root" && find . -path ./var/lib/dpkg -prune -o -path ./var/cache -prune -o -path ./etc/ld.so.cache -prune -o -print | sort); }
life() { # the C library is there, and dpkg has not heard of it
    dpkg --root="$root" --log=/dev/null --force-depends --force-not-root "$@" >"$log" 2>&1 || { cat "$log"; fail "dpkg $*"; }
}
state() { dpkg-query --admindir="$root/var/lib/dpkg" -W -f='${db:Status-Status} ${Version}\n' 2>/dev/null | sort -u; }
ldconfig -r "$root"
mkdir -p "$root/var/lib" "$root/var/cache"
listed >"$work/before"
life --install "$work"/1/*.deb
[ "$(state)" = "installed $version-1" ] || fail "after the installation: $(state)"
chroot "$root" clquant devices >"$work/devices" || fail "clquant does not run in a fresh root"
grep -q '^native .*\[auto\]' "$work/devices" || fail "auto is not native where there is no OpenCL"
grep -q '^no OpenCL: libOpenCL.so.1: .*ocl-icd-libopencl1' "$work/devices" || fail "devices does not tell what is missing"
chroot "$root" clquant sample mobilenet-v2 -o /tmp/model.safetensors --quiet
for device in auto reference; do
    chroot "$root" clquant quantize /tmp/model.safetensors -o /tmp/$device.safetensors --device $device --quiet 2>"$log" ||
        { cat "$log"; fail "quantize --device $device"; }
done
cmp "$root/tmp/auto.safetensors" "$root/tmp/reference.safetensors"
rm -f "$root"/tmp/*
life --install "$work"/2/*.deb
[ "$(state)" = "installed $version-2" ] || fail "after the upgrade: $(state)"
life --remove clquant libclquant-dev libclquant0
life --purge clquant libclquant-dev libclquant0
[ -z "$(state)" ] || fail "after the removal: $(state)"
listed >"$work/after"
diff "$work/before" "$work/after" >&2 || fail "left in the root, or taken from it, above"
echo "packages: $version, installed, used, upgraded and removed in a fresh root"
