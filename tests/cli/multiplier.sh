# SPDX-License-Identifier: Apache-2.0
# Worked example 6 of the numerics.
"$CLQUANT" multiplier 0.008822082202930992 --sample -19868
