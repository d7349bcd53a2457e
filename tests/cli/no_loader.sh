# SPDX-License-Identifier: Apache-2.0
# OpenCL is loaded at run time, and is not there, is no library, or lacks a function: one word on it, and native's bytes.
. "$CLQ_TEST_FOLDER/files.inc"
[ "$CLQ_OPENCL_LOADER" = dlopen ] || exit 77
f32 3f800000 c0000000 40400000 3f000000 | npy '<f4' '2, 2' >x.npy
"$CLQUANT" quantize x.npy -o reference.safetensors --device reference --quiet
CLQUANT_DEVICE=auto
export CLQUANT_DEVICE
# The dynamic linker's words are its own.
shown() {
    said told | sed -e 's,no OpenCL: [^ ]*/libOpenCL.so.1: [^;]*;,no OpenCL: libOpenCL.so.1: WORDS;,'
}
for kind in text hollow; do
    echo "-- $kind"
    mkdir $kind
    for name in libOpenCL.so.1 libOpenCL.so; do
        case $kind in
        text) echo "no library" >$kind/$name ;;
        hollow) cp "$CLQ_HOLLOW_LOADER" $kind/$name || exit 1 ;;
        esac
    done
    LD_LIBRARY_PATH=$PWD/$kind
    export LD_LIBRARY_PATH
    "$CLQUANT" devices >out
    echo "$?: $(grep -c -e '^native ' -e '^reference ' out)"
    sed -n '/^no OpenCL/,$p' out >told
    shown
    "$CLQUANT" quantize x.npy -o $kind.safetensors 2>told >/dev/null
    echo "$?: $(cmp $kind.safetensors reference.safetensors && echo the same bytes)"
    shown
    for verb in "quantize x.npy -o no.safetensors --device cpu" "verify" "tune"; do
        # shellcheck disable=SC2086 # words
        "$CLQUANT" $verb 2>told >/dev/null
        echo "$?: $(shown)"
    done
    unset LD_LIBRARY_PATH
done
