# SPDX-License-Identifier: Apache-2.0
# What gemm prints: one JSON object, or lines for people, or nothing.
. "$CLQ_TEST_FOLDER/arrays.inc"
codes 1 2 3 4 5 6 | npy '|u1' '2, 3' >a.npy
codes 1 2 3 4 5 6 7 8 9 10 11 12 | npy '|i1' '2, 2, 3' >b.npy
set -- a.npy b.npy --transpose-b --dtype s8 --scale-a 0.5 --scale-b 0.5 --scale-c 1 --requant single
"$CLQUANT" gemm "$@" -o c.npy --check --json >c.json || exit 1
grep -v -e '"variant"' -e '"reason"' -e '"seconds"' -e '"gops"' -e '"device"' c.json
for name in variant reason device; do
    [ "$(grep -c "^  \"$name\": \"..*\",*$" c.json)" = 1 ] || echo "no $name"
done
for name in seconds gops; do
    [ "$(grep -c "^  \"$name\": [0-9.e-]*,*$" c.json)" = 1 ] || echo "no $name"
done
array c.npy d1
"$CLQUANT" gemm a.npy b.npy --transpose-b -o sums.npy --json | grep -e requantize -e dtype -e checked

echo "-- for people"
"$CLQUANT" gemm "$@" -o c.npy --force --check | sed 's/^[0-9.e+-]* ms, [0-9.e+-]* GOPS by .* (.*) on .*/TIME/'
"$CLQUANT" gemm a.npy b.npy --transpose-b -o c.npy --force | sed 2d
"$CLQUANT" gemm a.npy b.npy --transpose-b -o c.npy --force --quiet --progress never
"$CLQUANT" gemm a.npy b.npy --transpose-b -o c.npy --force --quiet --progress always 2>&1 | cut -c 1-10

echo "-- failures"
for arguments in 'a.npy b.npy -o d.npy' 'a.npy none.npy -o d.npy' 'a.npy a.npy -o d.npy --requant float'; do
    # shellcheck disable=SC2086
    "$CLQUANT" gemm $arguments --json 2>/dev/null
    echo "exit code $?"
done
