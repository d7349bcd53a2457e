#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing of the given Debian or Ubuntu packages. With all of them present nothing is run and no network is
# needed. Usage: scripts/install-packages.sh PACKAGE...
set -eu

missing=
for package in "$@"; do
    if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "install-packages: needs apt-get to install:$missing" >&2
    exit 1
fi
run=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "install-packages: needs root or sudo to install:$missing" >&2; exit 1; }
    run=sudo
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of names
if ! $run apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1; then
    $run apt-get update -q >/dev/null
    $run apt-get install -y -q --no-install-recommends $missing >/dev/null
fi
