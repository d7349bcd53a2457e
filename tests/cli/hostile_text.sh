# SPDX-License-Identifier: Apache-2.0
# Whatever text a file holds, nothing of it steers a terminal: no verb prints a control character of C0 or C1, or DEL,
# but the ends of its lines.
. "$CLQ_TEST_FOLDER/files.inc"
escape=$(printf '\033]0;x\007\033[31m')
name='\u001b[31m\u009b2J\u007f\u0008\r\n'

# Control characters in a file, as numbers. C1 is U+0080 to U+009F, in UTF-8 after a byte 0xC2, or bare bytes.
controls() {
    od -An -v -t u1 "$1" | tr -s ' ' '\n' | awk '
        $1 == "" { next }
        $1 < 32 && $1 != 10 || $1 == 127 { print $1; next }
        wanted > 0 { if (before == 194 && $1 < 160) print before, $1; wanted--; before = $1; next }
        $1 >= 128 && $1 < 160 { print $1 }
        { before = $1; wanted = $1 >= 240 ? 3 : $1 >= 224 ? 2 : $1 >= 192 ? 1 : 0 }' | sort | uniq | tr '\n' ' '
}

# Run a command, tell its exit code, and what it printed that it must not: try LABEL ARGUMENT...
try() {
    label=$1
    shift
    code=0
    "$CLQUANT" "$@" >stdout 2>stderr || code=$?
    echo "$label: $code $(controls stdout)$(controls stderr)" | sed 's/ $//'
    [ -s stdout ] || [ -s stderr ] || [ "$code" -eq 0 ] || echo "    nothing was said"
}

# The test's own eyes.
printf 'a\303\251\n' >plain
printf '\033\177\302\205\233' >nasty
echo "eyes: '$(controls plain)' '$(controls nasty)'"

values() {
    f32 3f800000 40000000 bf800000 3f000000
}
{
    values
    values
    printf 'abcd'
    printf 'efgh'
} | safetensors "{\"__metadata__\":{\"key$name\":\"value$name\",\"format\":\"pt\"},\
\"w$name\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},\
\"v$name.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[16,32]},\
\"x$name\":{\"dtype\":\"F\\u001b]0;x\\u0007\",\"shape\":[2,2],\"data_offsets\":[32,36]},\
\"y$name\":{\"dtype\":\"\\u001b[31m\\u0085\",\"shape\":[4],\"data_offsets\":[36,40]}}" >in.safetensors
# The same with other types and values.
{
    values
    values
    printf 'abcd'
    printf 'efgi'
} | safetensors "{\"w$name\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},\
\"v$name.weight\":{\"dtype\":\"\\u001b[1m\",\"shape\":[2,2],\"data_offsets\":[16,32]},\
\"x$name\":{\"dtype\":\"F\\u001b[1m\",\"shape\":[2,2],\"data_offsets\":[32,36]},\
\"y$name\":{\"dtype\":\"\\u001b[31m\\u0085\",\"shape\":[4],\"data_offsets\":[36,40]},\
\"z$name\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[40,40]}}" >other.safetensors
# Codes, whose zero points are of no type of zero points.
printf 'abcd\000\000\000\000efgh' | safetensors "{\"c$name\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]},\
\"c${name}_scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},\
\"c${name}_zero_point\":{\"dtype\":\"I\\u001b[31m\",\"shape\":[1],\"data_offsets\":[8,12]}}" >codes.safetensors
# A description of quantized tensors that is none.
printf 'abcd' | safetensors "{\"__metadata__\":{\"clquant\":\"{\\\"tensors\\\":{\\\"a\\\\u001b[31m\\\":{\\\"dtype\\\":\
\\\"\\\\u001b[31m\\\"}}}\"},\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}" >facts.safetensors
# Refused: a name twice, a type too long, bytes that do not fit, control characters as they are.
printf 'abcd' | safetensors "{\"a$name\":{\"dtype\":\"$name$name$name$name$name\",\"shape\":[4],\
\"data_offsets\":[0,4]}}" >long.safetensors
printf 'abcd' | safetensors "{\"a$name\":{\"dtype\":\"U8\",\"shape\":[5],\"k$name\":1,\"data_offsets\":[0,4]}}" >short.safetensors
printf 'abcd' | safetensors "{\"a$escape\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}" >raw.safetensors
printf '%s and more' "$escape" >neither.safetensors
# A shard whose own name steers.
shard="s$escape.safetensors"
values | safetensors "{\"w$name\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}" >"$shard"
file='s\u001b]0;x\u0007\u001b[31m.safetensors'
printf '%s\n' "{\"metadata\":{\"k$name\":\"v$name\"},\"weight_map\":{\"w$name\":\"$file\"}}" >i.safetensors.index.json
printf '%s\n' "{\"weight_map\":{\"w$name\":\"no$file\"}}" >missing.safetensors.index.json
printf '%s\n' "{\"weight_map\":{\"other$name\":\"$file\"}}" >lost.safetensors.index.json
# Arrays: good ones under a name that steers, and a type that is none.
values | npy '<f4' '2, 2' >"a$escape.npy"
printf 'abcd' | npy '|i1' '2, 2' >"b$escape.npy"
printf 'abcd' | npy "|i1$escape" '2, 2' >descr.npy
printf 'abcd' | npy '|u1' "2, $escape" >shape.npy

for verb in info minmax; do
    for file in in other codes facts long short raw neither missing; do
        [ "$file" != missing ] || file=missing.safetensors.index.json
        try "$verb $file" $verb "${file%.safetensors*}.safetensors${file#"${file%.index.json}"}" --verbose
    done
    try "$verb --json" $verb in.safetensors --json
    try "$verb of shards" $verb i.safetensors.index.json --verbose
    try "$verb of shards --json" $verb i.safetensors.index.json --json
    try "$verb of lost names" $verb lost.safetensors.index.json
    try "$verb of an array" $verb "a$escape.npy"
    try "$verb of an array --json" $verb "a$escape.npy" --json
    try "$verb of a wrong type" $verb descr.npy
    try "$verb of a wrong shape" $verb shape.npy
done
for option in --verbose --json --dry-run --quiet '--dry-run --json' --strict '--strict --json' --resume \
    '--granularity tensor --fail-sqnr-below 200' '--range -0.1:0.1'; do
    # shellcheck disable=SC2086
    try "quantize $option" quantize in.safetensors -o "q$escape.safetensors" --force $option
done
try 'quantize a dry run of other types' quantize other.safetensors -o q.safetensors --allow-empty --dry-run
try 'quantize, reasons in short' quantize other.safetensors -o q.safetensors --allow-empty
try 'quantize, nothing to do' quantize other.safetensors -o r.safetensors
try 'quantize again' quantize in.safetensors -o "q$escape.safetensors"
try 'quantize into no folder' quantize in.safetensors -o "no$escape/q.safetensors"
try 'quantize shards' quantize i.safetensors.index.json -o "t$escape.safetensors.index.json" --verbose
try 'quantize an array' quantize "a$escape.npy" -o n.safetensors --verbose
try 'quantize, no such pattern' quantize in.safetensors -o p.safetensors --include "$escape" --strict
try 'quantize, no such pattern allowed' quantize in.safetensors -o o.safetensors --exclude "$escape" --allow-empty
try 'calibrate, no such pattern' calibrate in.safetensors -o p.json --include "$escape"
try 'quantize --emit-config' quantize in.safetensors -o e.safetensors --emit-config "e$escape.json" --verbose
echo "the configuration:$(controls "e$escape.json")"
try 'info of the result' info "q$escape.safetensors" --verbose
try 'info of the result --json' info "q$escape.safetensors" --verbose --json
try 'info of the shards' info "t$escape.safetensors.index.json" --verbose
for option in --verbose --json; do
    try "dequantize $option" dequantize "q$escape.safetensors" -o "d$escape.safetensors" --force $option
    try "compare $option" compare in.safetensors "q$escape.safetensors" $option
    try "compare others $option" compare in.safetensors other.safetensors $option
    try "calibrate $option" calibrate in.safetensors "a$escape.npy" -o "r$escape.json" --force $option
    try "gemm $option" gemm "b$escape.npy" "b$escape.npy" -o "c$escape.npy" --force $option
    try "sample $option" sample transformer-block -o "m$escape.safetensors" --force $option
done
try 'compare, too large an error' compare in.safetensors "q$escape.safetensors" --fail-sqnr-below 300
try 'dequantize a name' dequantize "q$escape.safetensors" -o w.npy --tensor "w$escape"
try 'dequantize wrong codes' dequantize codes.safetensors -o w.safetensors
echo "the ranges:$(controls "r$escape.json")"
try 'quantize --ranges' quantize in.safetensors -o g.safetensors --ranges "r$escape.json" --verbose
printf '%s\n' "{\"clquant_ranges\":1,\"tensors\":[{\"name\":\"w$name\",\"granularity\":\"$name\"}]}" >ranges.json
try 'quantize, ranges of nothing' quantize in.safetensors -o g.safetensors --force --ranges ranges.json
printf '%s\n' "{\"clquant_ranges\":1,\"k$name\":2,\"k$name\":2}" >ranges.json
try 'quantize, ranges with a key twice' quantize in.safetensors -o g.safetensors --force --ranges ranges.json
try 'gemm of reals' gemm "a$escape.npy" "b$escape.npy" -o c.npy
try 'gemm of a wrong type' gemm descr.npy "b$escape.npy" -o c.npy
try 'gemm, a scale from a file' gemm "b$escape.npy" "b$escape.npy" -o c.npy --bias "a$escape.npy"
printf '16 %s\n' "$escape" >shapes
try 'bench --shapes' bench --shapes shapes
printf '64 axis=%s\n' "$escape" >"shapes$escape"
try 'bench --shapes of that name' bench --shapes "shapes$escape"
try 'bench of a word' bench "$escape"
try 'bench of a variant' bench minmax --quick --variant "$escape"
try 'a verb' "$escape"
try 'an option' info "--$escape"
try 'a preset' quantize in.safetensors -o p.safetensors --preset "$escape"
try 'a device' info in.safetensors --device "$escape"
try 'a device of quantize' quantize in.safetensors -o p.safetensors --device "$escape"
try 'a model' sample "$escape" -o p.safetensors
try 'a factor' multiplier "$escape"
try 'devices' devices --device reference
exit 0
