# SPDX-License-Identifier: Apache-2.0
# The table: every row that is due, without its figures, which differ each time.
COLUMNS=300 # all columns
export COLUMNS
printf '%s\n' '4096 # plain' '' '64x27 axis=0' '30x33 group=32' '3x5x7' >shapes.txt
measure() {
    "$CLQUANT" bench "$@" --rounds 1 --quick --shapes shapes.txt >table || echo "exit code $?"
    grep -c '^in .* of memory$' table
    sed -n 's/^\(minmax\|quantize\|dequantize\|dynamic-quantize\|gemm\)  *\([^ ].*[^ ]\)  *\(clquant\).*/\1 \2 \3/p' table |
        sed 's/  */ /g' | sort | uniq -c | sed 's/^ *//'
    grep -o 'x the time of [a-z +]*' table | sort | uniq -c | sed 's/^ *//'
    grep -c failed table
}
measure minmax quantize
measure dynamic-quantize

# Which variants of the product there are depends on the device.
"$CLQUANT" bench gemm --rounds 1 --quick --shapes shapes.txt >table || echo "exit code $?"
for way in '-> s8' '-> s32' '-> s8, B not packed' 'packing of B'; do
    [ "$(grep -c "^gemm  *s8  *3x5x7  *clquant $way " table)" -ge 1 ] || echo "no row $way"
done
for way in 'export' 'import' 'import of a copy'; do
    [ "$(grep -c "^gemm  *packed B  *3x5x7  *clquant $way  .* x the time of \(copy\|packing of B\)" table)" -eq 1 ] || echo "no row $way"
done
"$CLQUANT" bench minmax --rounds 1 --quick --shapes shapes.txt --quiet 2>&1 >table | wc -c | tr -d ' '
