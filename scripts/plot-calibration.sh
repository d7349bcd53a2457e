#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Draw docs/calibration.svg from what the command says of the worked example (docs/calibration.md).
#
#     scripts/plot-calibration.sh build/host/clquant docs/calibration.svg
set -eu
[ $# -eq 2 ] || { echo "usage: plot-calibration.sh CLQUANT OUT.svg" >&2; exit 2; }
command=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
out=$2
inc=$(cd "$(dirname "$0")/../tests/cli" && pwd)
. "$inc/files.inc"
. "$inc/floats.inc"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk 'BEGIN { for (i = 0; i < 1000; i++) printf "%.17g\n", (2 * i - 999) / 999; print 100 }' | floats |
    npy '<f4' '1001,' >"$work/x.npy"
for method in minmax percentile:99.9 mse entropy; do
    "$command" calibrate "$work/x.npy" -o "$work/r.json" --method $method --histograms --force --quiet
    "$command" quantize "$work/x.npy" -o "$work/q.safetensors" --ranges "$work/r.json" --force --quiet --json \
        >"$work/q.json"
    member() { sed -n "s/^ *\"$2\": \(.*[^,]\),*\$/\1/p" "$1"; }
    echo "method $method $(member "$work/r.json" lo) $(member "$work/r.json" hi) $(member "$work/q.json" scale)" \
        "$(member "$work/q.json" max_abs_error)"
    [ $method != minmax ] || echo "histogram $(sed -n '/"histogram"/{n;s/[^0-9 ]//g;p;}' "$work/r.json")"
done >"$work/found"

awk '
function x_of(v) { return 60 + 620 * log(v / 0.02) / log(200 / 0.02) }
function text(x, y, anchor, size, s) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">%s</text>\n", x, y, anchor, size, s
}
$1 == "histogram" { for (i = 2; i < NF; i += 2) count[$i] = $(i + 1) }
$1 == "method" { n++; name[n] = $2; hi[n] = $4; lo[n] = $3; scale[n] = $5; error[n] = $6 }
END {
    width = 100 / 2048
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 400\" font-family=\"sans-serif\" fill=\"#222\">"
    print "<rect width=\"720\" height=\"400\" fill=\"#fff\"/>"
    text(60, 22, "start", 14, "1000 points in [-1, 1] and one at 100: histogram of |x|, 2048 bins")
    for (b = 0; b < 2048; b++) {
        if (!(b in count)) {
            continue
        }
        left = b == 0 ? 0.02 : b * width
        h = 120 * log(1 + count[b]) / log(64)
        printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#7a9cc6\"/>\n", x_of(left),
               170 - h, x_of((b + 1) * width) - x_of(left) < 2 ? 2 : x_of((b + 1) * width) - x_of(left) - 0.5, h
    }
    print "<path d=\"M60 170H680\" stroke=\"#222\"/>"
    split("0.02 0.1 1 10 100", tick, " ")
    for (i = 1; i <= 5; i++) {
        printf "<path d=\"M%.1f 170v5\" stroke=\"#222\"/>\n", x_of(tick[i])
        text(x_of(tick[i]), 187, "middle", 11, tick[i])
    }
    text(690, 174, "start", 11, "|x|")
    text(x_of(100) - 4, 140, "end", 11, "1 element")
    text(x_of(0.3), 44, "middle", 11, "about 49 elements in a bin (log scale)")
    for (k = 1; k <= n; k++) {
        y = 185 + 48 * k
        a = hi[k] > -lo[k] ? hi[k] : -lo[k]
        text(60, y - 14, "start", 12, sprintf("%s: range [%.5g, %.5g], scale %.4g, largest error %.4g", name[k], lo[k],
                                              hi[k], scale[k], error[k]))
        printf "<path d=\"M60 %dH680\" stroke=\"#ccc\"/>\n<path d=\"", y
        for (c = 1; c <= 127; c++) {
            if (c * scale[k] >= 0.02) {
                printf "M%.1f %dv-8", x_of(c * scale[k]), y
            }
        }
        print "\" stroke=\"#c0392b\" stroke-width=\"0.7\"/>"
        printf "<path d=\"M%.1f %dv-14\" stroke=\"#222\" stroke-width=\"1.5\"/>\n", x_of(a), y + 3
    }
    text(60, 395, "start", 11, "red: the values of the positive codes of symmetric s8; black: the end of the range")
    print "</svg>"
}' "$work/found" >"$out"
