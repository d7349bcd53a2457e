# SPDX-License-Identifier: Apache-2.0
# Models that other tools quantized: scales and all else that belongs to their codes stay as they are, whatever their
# rank, with one warning; tensors that are only called so are quantized.
COLUMNS=200 # reasons as a whole
export COLUMNS
. "$CLQ_TEST_FOLDER/tensors.inc"

# A safetensors file of zeros of tensors NAME:TYPE:SHAPE, a shape as 2x3, or 0 for a scalar. A ':' in a name is '%'.
zeros() {
    for tensor in "$@"; do
        echo "$tensor" | tr : ' '
    done | awk '
        BEGIN {
            split("F64 8 I64 8 F32 4 I32 4 U32 4 F16 2 BF16 2 I16 2 I8 1 U8 1 F8_E4M3 1", list, " ")
            for (i = 1; i in list; i += 2) bytes[list[i]] = list[i + 1]
        }
        {
            n = bytes[$2]; shape = ""
            for (i = split($3, d, "x"); i > 0 && $3 != "0"; i--) { n *= d[i]; shape = d[i] (shape == "" ? "" : ",") shape }
            gsub("%", ":", $1)
            head = head (NR > 1 ? "," : "") sprintf("\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}", $1, $2, shape, at, at + n)
            at += n
        }
        END { print "{" head "}"; print at }' >zeros.txt
    head -c "$(sed -n 2p zeros.txt)" /dev/zero | safetensors "$(sed -n 1p zeros.txt)"
}

# What becomes of each tensor: foreign WHAT TENSOR...
foreign() {
    echo "== $1"
    shift
    zeros "$@" plain:F32:2x2 >m.safetensors
    "$CLQUANT" quantize m.safetensors -o q.safetensors --dry-run 2>&1 | sed -e '/^dry run/d' -e 's/  *$//'
}

foreign 'FP8, blocks' q.weight:F8_E4M3:4x4 q.weight_scale_inv:F32:2x2
foreign 'FP8, rows' q.weight:F8_E4M3:4x4 q.weight_scale:BF16:4x1 q.input_scale:F32:1 a.k_proj.weight:F8_E4M3:2x2 a.k_scale:F32:1
foreign 'FP8 of Mistral, of ComfyUI' q.weight:F8_E4M3:4x4 q.qscale_weight:BF16:1x1 q.qscale_act:BF16:1x1 \
    r.weight:F8_E4M3:4x4 r.scale_weight:F32:1x1 r.scale_input:F32:1x1
foreign 'NVFP4 of ModelOpt' q.weight:U8:4x2 q.weight_scale:F8_E4M3:4x1 q.weight_scale_2:F32:1x1 q.input_scale:F32:1x1
foreign 'pack-quantized' q.weight_packed:I32:4x2 q.weight_scale:BF16:4x2 q.weight_zero_point:I32:1x2 q.weight_shape:I64:2 q.weight_g_idx:I32:16
foreign 'nvfp4-pack-quantized' q.weight_packed:U8:4x2 q.weight_scale:F8_E4M3:4x1 q.weight_global_scale:F32:1x1 q.input_global_scale:F32:1x1
foreign 'int-quantized, static' q.weight:I8:4x4 q.weight_scale:BF16:4x1 q.input_scale:BF16:1x1
foreign 'bitsandbytes, 4 bits' q.weight:U8:8x1 q.weight.absmax:U8:1 q.weight.quant_map:F32:16x1 q.weight.nested_absmax:F32:1x1 \
    q.weight.nested_quant_map:F32:16x16 q.weight.quant_state.bitsandbytes__nf4:U8:9
foreign 'bitsandbytes, 4 bits in BF16' q.weight:BF16:4x1 q.weight.absmax:F32:1x1 q.weight.quant_map:F32:16x1
foreign 'bitsandbytes, 8 bits' q.weight:I8:4x4 q.SCB:F32:4x1 q.weight_format:U8:0
foreign 'GPTQ' q.qweight:I32:1x4 q.qzeros:I32:1x1 q.scales:F16:1x4 q.g_idx:I32:8
foreign 'AWQ' q.qweight:I32:8x1 q.qzeros:I32:1x1 q.scales:F16:1x8
foreign 'HQQ' q.W_q:U8:4x2 q.scale:F16:4x1 q.zero:F16:4x1
foreign 'Marlin' q.B:I32:2x4 q.s:F16:1x4
foreign 'MXFP4' experts.up_blocks:U8:2x4 experts.up_scales:U8:2x1 experts.up_bias:BF16:2
foreign 'EETQ' q.weight:I8:4x4 q.weight_scales:F16:1x4
foreign 'quanto' q.weight._data:I8:4x4 q.weight._scale:F16:4x1 q.weight._shift:F16:4x1 q.input_scale:F32:1x1
foreign 'torchao, old and new' q._weight_qdata:I8:4x4 q._weight_scale:F32:4x1 q._weight_zero_point:F32:4x1 r.weight%qdata:F8_E4M3:2x2 r.weight%scale:F32:2x1
foreign 'MLX' q.weight:U32:4x2 q.scales:F16:4x1 q.biases:F16:4x1
foreign 'AQLM' q.codes:I16:2x2x1 q.codebooks:F16:1x4x1x8 q.scales:F16:2x1x1x1

echo "== only called so"
zeros a.scales:F32:2x2 b.weight_scale_inv:F32:2x2 b.weight:F32:2x2 c.input_scale:F32:2x2 c.weight:BF16:2x2 d.absmax:F32:2x2 \
    d:F32:2x2 e.weight:F16:2x2 e.weight_scale:F16:2x2 f.SCB:F32:2x2 f.weight:U8:2x2 g.scale:F32:2x2 g.zero:F32:2x2 \
    h.weight:U32:2x2 h.scales:F32:2x2 _scale:F32:2x2 .scales:F32:2x2 i.qweight:F32:2x2 i.scales:F32:2x2 >m.safetensors
"$CLQUANT" quantize m.safetensors -o q.safetensors --dry-run --exclude e.weight | sed -e '/^dry run/d' -e 's/  *$//'

echo "== alone, and several"
zeros q.weight:F8_E4M3:4x4 q.weight_scale_inv:F32:2x2 norm:F32:2 >fp8.safetensors
zeros q.weight:F8_E4M3:4x4 q.weight_scale_inv:F32:2x2 r.qweight:I32:8x1 r.qzeros:I32:1x1 r.scales:F16:1x8 plain:F32:2x2 \
    s.B:I32:2x4 s.s:F16:1x4 t.weight:I8:4x4 t.weight_scales:F16:1x4 >many.safetensors
for file in fp8 many; do
    "$CLQUANT" quantize $file.safetensors -o $file-q.safetensors 2>&1 | grep '^clquant:'
    "$CLQUANT" quantize $file.safetensors -o $file-s.safetensors --strict 2>&1 | grep '^clquant:'
done
ls -A ./*-?.safetensors
for tensor in q.weight q.weight_scale_inv r.scales s.s t.weight_scales; do
    header many-q.safetensors | grep "\"$tensor\"" | sed 's/,"data_offsets.*//'
done
