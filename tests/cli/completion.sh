# SPDX-License-Identifier: Apache-2.0
# Completion scripts and the manual page name every verb and every option; shells that are here can read the scripts.
set -e
for shell in bash zsh fish; do
    "$CLQUANT" completion $shell >script.$shell
    if command -v $shell >/dev/null; then
        $shell -n script.$shell
    fi
done
"$CLQUANT" man | tr -d '\\' >page
for verb in devices info minmax quantize dequantize compare calibrate gemm multiplier bench tune sample; do
    grep -q "^.SS \"clquant $verb" page
    for shell in bash zsh fish; do
        grep -q "$verb" script.$shell
    done
    "$CLQUANT" $verb --help | sed -n 's/^  .*--\([a-z-]*\).*/\1/p' >options
    [ -s options ]
    while read -r option; do
        grep -q -e "--$option" page
        grep -q -e "--$option" script.bash
        grep -q -e "--$option" script.zsh
        grep -q -e "-l $option" script.fish
    done <options
done
if command -v bash >/dev/null; then
    bash -c '. ./script.bash
        COMP_WORDS=(clquant mini); COMP_CWORD=1; _clquant; echo "${COMPREPLY[@]}"
        COMP_WORDS=(clquant minm); COMP_CWORD=1; _clquant; echo "${COMPREPLY[@]}"
        COMP_WORDS=(clquant minmax --gran); COMP_CWORD=2; _clquant; echo "${COMPREPLY[@]}"
        COMP_WORDS=(clquant minmax --granularity ""); COMP_CWORD=3; _clquant; echo "${COMPREPLY[@]}"
        COMP_WORDS=(clquant sample r); COMP_CWORD=2; _clquant; echo "${COMPREPLY[@]}"' >got
    printf '\nminmax\n--granularity\ntensor channel group\nresnet-50\n' | cmp - got
fi
