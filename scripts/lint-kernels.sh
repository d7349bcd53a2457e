#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Check every kernel with all of its build options as OpenCL C 1.2, without a device.
set -eu
cd "$(dirname "$0")/../kernels"

check() {
    clang -I. -x cl -cl-std=CL1.2 -fsyntax-only -Xclang -finclude-default-header -Wall -Wextra -Wno-unused-parameter -Werror "$@"
}
# For this processor, as a CPU device's compiler does, and for a device that is none: common.clh takes other ways there.
# A pointer of the wrong sign is a warning to clang and an ambiguous call to NVIDIA's compiler.
lint() {
    check "$@"
    case " $* " in
    *' --target='* | *VECTOR_WIDTH=16* | *VECTOR_WIDTH=8* | *gemm_amx.cl* | *gemm_avx2.cl* | *gemm_vnni.cl*) ;;
    *) check --target=spir64-unknown-unknown "$@" ;;
    esac
}
count=0
for width in 16 8 4 2; do
    for real in 32 16 17; do
        lint -DVECTOR_WIDTH=$width -DREAL=$real minmax.cl
        lint -DVECTOR_WIDTH=$width -DREAL=$real -DGROUP_SIZE=3 minmax.cl
        case $width in
        16 | 4)
            lint -DVECTOR_WIDTH=$width -DREAL=$real -DCOLUMN_BLOCKS=$((32 / width)) histogram.cl
            lint -DVECTOR_WIDTH=$width -DREAL=$real -DCOLUMN_BLOCKS=$((16 / width)) -DSIGNED_BINS=1 histogram.cl
            ;;
        esac
        lint -DVECTOR_WIDTH=$width -DREAL=$real merge_range.cl
        lint -DVECTOR_WIDTH=$width -DREAL=$real fake_quantize.cl
        # All types of codes with the vectors that devices start with, one with those that only `tune` chooses.
        bits_of_codes='4 8 16'
        signs='0 1'
        case $width in 8 | 2) bits_of_codes=8 signs=1 ;; esac
        for bits in $bits_of_codes; do
            for sign in $signs; do
                for file in quantize.cl dequantize.cl dynamic.cl; do
                    lint -DVECTOR_WIDTH=$width -DREAL=$real -DCODE_BITS=$bits -DCODE_SIGNED=$sign $file
                    count=$((count + 1))
                done
                for lanes in 1 3 128; do
                    lint -DVARIANT=4 -DGROUP_SIZE=$lanes -DVECTOR_WIDTH=$width -DREAL=$real \
                        -DCODE_BITS=$bits -DCODE_SIGNED=$sign dynamic_grid.cl
                    count=$((count + 1))
                done
                for lanes in 1 128; do
                    for file in batch_quantize.cl batch_dequantize.cl batch_dynamic.cl; do
                        lint -DGROUP_SIZE=$lanes -DVECTOR_WIDTH=$width -DREAL=$real -DCODE_BITS=$bits \
                            -DCODE_SIGNED=$sign $file
                        count=$((count + 1))
                    done
                    for file in batch_quantize.cl batch_dequantize.cl; do
                        lint -DGROUP_SIZE=$lanes -DBATCH_COLUMNS=1 -DVECTOR_WIDTH=$width -DREAL=$real \
                            -DCODE_BITS=$bits -DCODE_SIGNED=$sign $file
                        count=$((count + 1))
                    done
                done
            done
        done
        if [ $width = 16 ]; then
            for streams in 1 2 4; do
                for file in minmax.cl quantize.cl dequantize.cl fake_quantize.cl dynamic.cl; do
                    lint -DVECTOR_WIDTH=$width -DREAL=$real -DSTREAMS=$streams -DAHEAD=1024 $file
                    count=$((count + 1))
                done
            done
        fi
        for lanes in 1 128; do
            for columns in 0 1; do
                for file in batch_minmax.cl batch_fake_quantize.cl; do
                    lint -DGROUP_SIZE=$lanes -DBATCH_COLUMNS=$columns -DVECTOR_WIDTH=$width -DREAL=$real $file
                    count=$((count + 1))
                done
            done
        done
        count=$((count + 5))
    done
done
for variant in 1 2 3 4 5; do
    for file in minmax.cl histogram.cl quantize.cl dequantize.cl fake_quantize.cl; do
        lint -Wno-unused-function -DVARIANT=$variant $file
        count=$((count + 1))
    done
done
lint choose_parameters.cl
lint -DGROUP_SIZE=1 batch_choose.cl
lint -DGROUP_SIZE=128 batch_choose.cl
count=$((count + 3))
lint probe_float.cl
lint probe_integer.cl
lint probe_memory.cl
lint -DPROBE_FACTOR=5 probe_memory.cl
lint probe_loop.cl
for type in uchar ushort uint; do
    lint -DPROBE_TYPE=$type probe_memory.cl
    count=$((count + 1))
done
count=$((count + 3))

x86="--target=x86_64-unknown-unknown -march=skylake-avx512"
for width in 16 8 4; do
    lint -DVECTOR_WIDTH=$width gemm_pack.cl
    lint -DVECTOR_WIDTH=$width gemm_reduce.cl
    lint -DVECTOR_WIDTH=$width -DROWS=1 gemm_groups.cl
    lint -DVECTOR_WIDTH=$width -DROWS=4 gemm_groups.cl
    for rows in 1 2 3 5 8; do
        lint -DVECTOR_WIDTH=$width -DVECTORS=$((width / 8 + 1)) -DTILE_ROWS=$rows gemm_gemv.cl
        lint -DGROUPS=1 -DVECTOR_WIDTH=$width -DVECTORS=$((width / 8 + 1)) -DTILE_ROWS=$rows gemm_gemv.cl
        lint -DNIBBLES=1 -DVECTOR_WIDTH=$width -DVECTORS=$((width / 8 + 1)) -DTILE_ROWS=$rows gemm_gemv.cl
        lint -DNIBBLES=1 -DGROUPS=1 -DVECTOR_WIDTH=$width -DVECTORS=$((width / 8 + 1)) -DTILE_ROWS=$rows gemm_gemv.cl
        lint -DNIBBLES=1 -DGROUPS=$((rows % 2)) -DVECTOR_WIDTH=$width -DGROUP_SIZE=256 -DTILE_ROWS=$rows gemm_gemv.cl
        count=$((count + 5))
    done
    count=$((count + 4))
done
for rows in 1 2 3 4 5 6 7 8 9 10 11 12; do
    # shellcheck disable=SC2086 # options
    lint $x86 -DTILE_ROWS=$rows gemm_vnni.cl
    # shellcheck disable=SC2086
    lint $x86 -DTILE_ROWS=$rows -DGROUPS=1 gemm_vnni.cl
    # shellcheck disable=SC2086
    lint $x86 -DTILE_ROWS=$rows -DNIBBLES=1 gemm_vnni.cl
    # shellcheck disable=SC2086
    lint $x86 -DTILE_ROWS=$rows -DNIBBLES=1 -DGROUPS=1 gemm_vnni.cl
    count=$((count + 4))
done
for groups in 0 1; do
    # shellcheck disable=SC2086
    lint $x86 -DTILE_ROWS=32 -DGROUPS=$groups gemm_amx.cl
    for width in 16 8 4; do
        lint -DVECTOR_WIDTH=$width -DTILE_ROWS=32 -DGROUPS=$groups -DCLQ_EMULATE gemm_amx.cl
    done
    for rows in 1 2 5 8 12; do
        lint -DTILE_ROWS=$rows -DGROUPS=$groups gemm_cpu.cl
        # shellcheck disable=SC2086
        lint $x86 -DTILE_ROWS=$((rows % 6 + 1)) -DGROUPS=$groups gemm_avx2.cl
        count=$((count + 2))
    done
    count=$((count + 4))
done
lint -DVECTOR_WIDTH=4 gemm_portable.cl
lint -DVECTOR_WIDTH=4 -DTILE=64 -DHEIGHT=32 -DCLQ_EMULATE gemm_mma.cl
for instruction in DPAS=8 DPAS=16 MFMA=16 MFMA=32 WMMA; do
    lint -DVECTOR_WIDTH=4 -DTILE=64 -DHEIGHT=32 -DMATRIX_$instruction -DCLQ_EMULATE gemm_matrix.cl
done
count=$((count + 6))
for tile in 64 128; do
    lint -DVECTOR_WIDTH=4 -DTILE=$tile -DCLQ_EMULATE gemm_mma.cl
    lint -DVECTOR_WIDTH=4 -DTILE=$tile --target=nvptx64--nvidiacl gemm_mma.cl
    for sub_group in 8 16; do
        lint -DVECTOR_WIDTH=4 -DTILE=$tile -DMATRIX_DPAS=$sub_group -DCLQ_EMULATE gemm_matrix.cl
        count=$((count + 1))
    done
    for instruction in MFMA=16 MFMA=32 WMMA; do
        lint -DVECTOR_WIDTH=4 -DTILE=$tile -DMATRIX_$instruction -DCLQ_EMULATE gemm_matrix.cl
        count=$((count + 1))
    done
    count=$((count + 2))
done
# The contracts of instructions: emulated, and as far as clang knows them.
dot=__opencl_c_integer_dot_product_input_4x8bit_packed
for options in -DDOT4_KHR -DDOT4_NVIDIA -DDOT4_AMD '-DDOT4_AMD -DDOT4_AMD_SIGNS' -DDOT4_ARM; do
    # shellcheck disable=SC2086
    lint -DVECTOR_WIDTH=4 -DCLQ_EMULATE $options gemm_portable.cl
    count=$((count + 1))
done
for options in "-DDOT4_KHR -D$dot" -DDOT4_NVIDIA '-DDOT4_AMD --target=amdgcn-amd-amdhsa -nogpulib -mcpu=gfx906' \
    '-DDOT4_ARM -Dcl_arm_integer_dot_product_accumulate_int8'; do
    # shellcheck disable=SC2086
    lint -DVECTOR_WIDTH=4 $options gemm_portable.cl
    count=$((count + 1))
done
count=$((count + 1))

# A runtime may share a parameter that is given by value with the caller (Mesa 22.3 does, of structures): no function
# changes one. What a changed one looks like, the compiler is asked first.
parameters() {
    clang -x cl -cl-std=CL1.2 -fsyntax-only -Xclang -finclude-default-header -Xclang -ast-dump -fno-color-diagnostics \
        $x86 -I. -DREAL=32 -DCODE_BITS=8 -DCODE_SIGNED=1 -DTILE_ROWS=3 -DVECTORS=2 -DGROUP_SIZE=4 -DMATRIX_DPAS=8 -Wno-macro-redefined "$@" |
        awk -f ../scripts/kernel-parameters.awk
}
for change in 'p.a = 1' 'p.b.y += 1' 'p.c[1]++' 'set(&p)' 'q--'; do
    if echo "typedef struct { int a; int4 b; int c[2]; } s; void set(s *); int f(s p, int q) { $change; return q; }" |
        parameters - >/dev/null; then
        echo "scripts/kernel-parameters.awk does not see that '$change' changes a parameter" >&2
        exit 1
    fi
done
for file in *.cl; do
    for width in 16 4; do
        [ "$file $width" != "dynamic.cl 4" ] || continue
        for columns in 0 1; do
            # Those of sub-groups are declared by nobody else than the device's compiler.
            [ "$file" != gemm_matrix.cl ] || set -- -DCLQ_EMULATE
            parameters -DVECTOR_WIDTH=$width -DBATCH_COLUMNS=$columns "$@" "$file"
            set --
        done
    done
done
for instruction in MFMA=16 MFMA=32 WMMA; do
    parameters -DVECTOR_WIDTH=4 -UMATRIX_DPAS -DMATRIX_$instruction -DCLQ_EMULATE gemm_matrix.cl
done

# A compiler of OpenCL 2.0 and later may take a pointer whose space is not written as a generic one, in a cast too
# (NVIDIA's does without being asked): where a space is required, it is written. Likewise, a spoiled one is asked for
# first.
generic() {
    clang -x cl -cl-std=CL2.0 -fsyntax-only -Xclang -finclude-default-header -Wall -Werror -Wno-macro-redefined \
        -Wno-unused-function -I. -DCODE_BITS=8 -DCODE_SIGNED=1 -DTILE_ROWS=3 -DVECTORS=2 -DGROUP_SIZE=4 -DMATRIX_DPAS=8 "$@"
}
spaces='void f(__private const uchar *); void g(void) { uint a = 0; f((SPACE const uchar *)&a); }'
if echo "$spaces" | generic -DSPACE= - 2>/dev/null || ! echo "$spaces" | generic -DSPACE=__private -; then
    echo "a generic pointer where a private one is required is not seen" >&2
    exit 1
fi
for file in *.cl; do
    case $file in
    gemm_avx2.cl | gemm_vnni.cl) processor=$x86 ;;
    *) processor=--target=spir64-unknown-unknown ;;
    esac
    for width in 16 4; do
        # shellcheck disable=SC2086
        generic $processor -DVECTOR_WIDTH=$width -DREAL=$((width == 4 ? 32 : 16)) -DBATCH_COLUMNS=$((width / 16)) \
            -DGROUPS=$((width / 16)) -DCLQ_EMULATE "$file"
        count=$((count + 1))
    done
done
for variant in 1 2 3 4; do
    for file in minmax.cl histogram.cl quantize.cl dequantize.cl fake_quantize.cl; do
        generic --target=spir64-unknown-unknown -DREAL=32 -DVARIANT=$variant "$file"
        count=$((count + 1))
    done
done
for options in -DDOT4_KHR -DDOT4_NVIDIA -DDOT4_AMD -DDOT4_ARM; do
    generic --target=spir64-unknown-unknown -DREAL=32 -DVECTOR_WIDTH=4 -DCLQ_EMULATE $options gemm_portable.cl
    count=$((count + 1))
done

# Local memory is declared in kernels, where the compiler counts it: as an argument NVIDIA's driver refuses the 48 KiB
# that the device says it has, at the launch, and every later one (docs/bringup.md).
if ! awk '/__kernel/ { within = 1 }
    within && /__local/ { print FILENAME ": a kernel takes local memory as an argument: " $0; bad = 1 }
    /[{;]/ { within = 0 }
    END { exit bad }' ./*.cl ./*.clh >&2; then
    exit 1
fi

# What a file must define before it includes another is asked for there, by name: without it no kernel builds, and the
# message says what is missing.
contracts=0
for file in *.clh; do
    for name in $(sed -n "s/^#error \"$file needs \([A-Za-z_]*\)[:(].*/\1/p" "$file"); do
        for includer in quantize.cl dequantize.cl fake_quantize.cl batch_quantize.cl batch_dequantize.cl batch_fake_quantize.cl; do
            grep -q "^#define $name\b" "$includer" || continue
            width=16
            variant=0
            [ "$file" = walk_plain.clh ] && width=4
            [ "$file" = walk_runs.clh ] && variant=5 # never built beside others
            message=$(sed "s/^#define $name\b/#define not_$name/" "$includer" |
                lint -I. -DVECTOR_WIDTH=$width -DVARIANT=$variant - 2>&1) &&
                message="it builds"
            case $message in
            *"$file needs $name"[:\(]*) contracts=$((contracts + 1)) ;;
            *)
                echo "$includer without $name: $file does not ask for it by name: $message" >&2
                exit 1
                ;;
            esac
        done
    done
done
[ "$contracts" -gt 0 ]
echo "$count kernel builds checked, parameters left as they were, and $contracts without a macro that they must define"
