# SPDX-License-Identifier: Apache-2.0
"$CLQUANT" --version && "$CLQUANT" -V && "$CLQUANT" minmax --version
