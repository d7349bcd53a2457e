#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A host that the library is not for is refused by the compiler, in a sentence. Usage: hosts.sh CC SOURCE_DIR
set -eu
compile() { # CC SOURCE_DIR OPTIONS...
    cc=$1
    source=$2
    shift 2
    "$cc" -fsyntax-only -std=c11 -w -I"$source/include" -I"$source/host" "$@" "$source/host/core/dtype.c" 2>&1
}
refused() { # WHAT CC SOURCE_DIR OPTIONS...
    what=$1
    shift
    ! said=$(compile "$@") || { echo "a host that is not $what is taken" >&2; exit 1; }
    case $said in *"clquant needs a $what host: "*) ;; *) echo "$said" >&2; exit 1 ;; esac
}
compile "$1" "$2"
refused little-endian "$1" "$2" -U__BYTE_ORDER__ -D__BYTE_ORDER__=4321
refused 64-bit "$1" "$2" -U__SIZEOF_SIZE_T__ -D__SIZEOF_SIZE_T__=4
