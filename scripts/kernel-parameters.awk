# SPDX-License-Identifier: Apache-2.0
# From what `clang -Xclang -ast-dump -fno-color-diagnostics` prints: where a function changes a parameter that it was
# given by value, or hands out its address for more than reading. Exit code 1 when one does.
{
    if (match($0, /[^ <,]*\.clh?:[0-9]+/)) {
        place = substr($0, RSTART, RLENGTH)
        file = place
        sub(/:[0-9]+$/, "", file)
    } else if (match($0, /line:[0-9]+/)) {
        place = file ":" substr($0, RSTART + 5, RLENGTH - 5)
    }
    depth = match($0, /[A-Za-z]/)
    node = substr($0, depth)
    sub(/ .*/, "", node)
}
node == "FunctionDecl" && match($0, / [A-Za-z_0-9]+ '[^']*\(/) {
    name = substr($0, RSTART + 1, RLENGTH)
    sub(/ .*/, "", name)
}
wanted != depth { wanted = 0 }
wanted && node == "DeclRefExpr" && / ParmVar / && !/ '(const )?__private const | 'const __private [A-Za-z_0-9]+'/ {
    split(substr($0, index($0, " ParmVar ")), parts, "'")
    printf "%s: %s changes its parameter %s\n", place, name, parts[2]
    found = 1
}
wanted && (node == "ParenExpr" || node == "ExtVectorElementExpr" || node == "ArraySubscriptExpr" ||
           (node == "MemberExpr" && / lvalue \./) || /<ArrayToPointerDecay>/) {
    wanted += 2
    previous = $0
    next
}
{ wanted = 0 }
(node == "BinaryOperator" && /' '='$/) || node == "CompoundAssignOperator" ||
(node == "UnaryOperator" && (/ '\+\+'/ || / '--'/ || (/ prefix '&'/ && previous !~ /ImplicitCastExpr .*'const /))) {
    wanted = depth + 2
}
{ previous = $0 }
END { exit found }
