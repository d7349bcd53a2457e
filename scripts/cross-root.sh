#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian packages of another architecture, unpacked into a folder: what the system has installed and knows of stays as it
# is. With the folder there already nothing is run and no network is needed.
# Usage: scripts/cross-root.sh ARCHITECTURE FOLDER PACKAGE...
set -eu

architecture=$1
folder=$2
shift 2
[ ! -e "$folder/packages" ] || [ "$(cat "$folder/packages")" != "$*" ] || exit 0

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
work=$(cd "$work" && pwd)
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
: >"$work/status"
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }
apt() {
    quietly apt-get -q -o APT::Architecture="$architecture" -o APT::Architectures::="$architecture" \
        -o APT::Sandbox::User= -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" \
        -o Dir::Cache="$work/cache" "$@"
}
echo "unpacking for $architecture: $*" >&2
apt update
(cd "$work/debs" && apt download "$@")
for package in "$work"/debs/*.deb; do
    dpkg-deb -x "$package" "$work/root"
done
echo "$*" >"$work/root/packages"
rm -rf "$folder"
mv "$work/root" "$folder"
