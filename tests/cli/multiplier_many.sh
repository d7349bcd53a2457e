# SPDX-License-Identifier: Apache-2.0
# Mean and largest error over several samples, and a limit on the bits of F0.
"$CLQUANT" multiplier 0.008822082202930992 --sample -19868 --sample 20000 --sample 77 --bits 4
"$CLQUANT" multiplier 0.7 --max-shift 3
