# SPDX-License-Identifier: Apache-2.0
# The forms in which options may be written; the last one counts; options of every verb may stand before it.
set -e
"$CLQUANT" multiplier 0.5 --sample 8 --max-shift 1 >expected
"$CLQUANT" multiplier --sample=8 --max-shift=1 0.5 | cmp - expected
"$CLQUANT" multiplier --max-shift 9 --sample 8 --max-shift 1 -- 0.5 | cmp - expected
"$CLQUANT" --quiet multiplier --max-s 1 --sample 8 0.5 | cmp - expected
"$CLQUANT" -vq --device reference multiplier 0.5 -qv --max-shift 1 --sample 8 | cmp - expected
"$CLQUANT" -- multiplier 0.5 >/dev/null
"$CLQUANT" multiplier 0x1p-1 --sample +8 2>/dev/null && exit 1
"$CLQUANT" multiplier 0x1p-1 --sample 8 --max-shift 1 | cmp - expected
"$CLQUANT" multiplier 0.5 --sample -8 --max-shift 1
