# SPDX-License-Identifier: Apache-2.0
"$CLQUANT" multiplier 0.008822082202930992 --sample -19868 --max-shift 10 --json
