#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the plan of tests/mutants.c: spoiled lines of the kernels, and devices with faults.

    mutants.py plan SOURCES [--quick | --every-type | --races]
                                             SOURCES: what `mutants --sources` wrote; the plan goes to stdout
                                             Tells the files of which no target has a line, but for those that say why
                                             (NO_TARGET): these fail, once the plan is made.
    mutants.py nowhere SOURCES...            the lines that no target of any of these devices has
    mutants.py table FOLDER                  of a folder with plan, unused and results: a table for each file, and what
                                             passed without a reason (mutants-same.txt)

A mutant is FILE:LINE:RULE with one place of a line changed. It is tried in each target one of whose kernels has the
line: what a program has is read from its preprocessed source, as far as it can be reached from the kernels that ran.
"""
import collections
import hashlib
import os
import re
import subprocess
import sys

KERNELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kernels")

# Name, what is looked for, what takes its place: a string, or a function of the match. None: no mutant after all.
RULES = [
    ("less-or-equal", r" < (?!<)", " <= "),
    ("less", r" <= ", " < "),
    ("greater-or-equal", r" > (?!>)", " >= "),
    ("greater", r" >= ", " > "),
    ("equal-negated", r" == ", " != "),
    ("unequal-negated", r" != ", " == "),
    ("plus-to-minus", r"(?<=[\w)\]]) \+ (?=[\w(])", " - "),
    ("minus-to-plus", r"(?<=[\w)\]]) - (?=[\w(])", " + "),
    ("one-more", r"(?<![\w.])([1-9]\d{0,2})(?![\w.])", lambda m: str(int(m.group(1)) + 1)),
    ("one-less", r"(?<![\w.])([1-9]\d{0,2})(?![\w.])", lambda m: str(int(m.group(1)) - 1)),
    ("zero-to-one", r"(?<![\w.])(?:= |\()0(?=[;,)])", lambda m: m.group(0)[:-1] + "1"),
    ("min-to-max", r"\bmin\(", "max("),
    ("max-to-min", r"\bmax\(", "min("),
    ("lower-to-higher", r"(?<!define )\bLOWER\(", "HIGHER("),
    ("higher-to-lower", r"(?<!define )\bHIGHER\(", "LOWER("),
    ("clamp-dropped", r"\bclamp\(([^;(),]+(?:\([^;()]*\))?[^;(),]*), ", lambda m: "(" + m.group(1) + "); (void)("),
    ("and-to-or", r" && ", " || "),
    ("or-to-and", r" \|\| ", " && "),
    ("bits-and-to-or", r" & (?=\w|\()", " | "),
    ("bits-or-to-and", r" \| (?=\w|\()", " & "),
    ("xor-to-or", r" \^ ", " | "),
    ("complement-dropped", r"~(?=\w|\()", ""),
    ("left-to-right-shift", r"<<(?!=)", ">>"),
    ("right-to-left-shift", r">>(?!=)", "<<"),
    ("sign-dropped", r"(?<=[(=?:,]) ?-(?=[a-zA-Z(])", " "),
    ("condition-negated", r"^(\s*)(if|while) \((.*)\) \{$", lambda m: f"{m.group(1)}{m.group(2)} (!({m.group(3)})) {{"),
    ("condition-true", r"^(\s*)(?:\} else )?if \((.*)\) \{$", lambda m: m.group(0).replace(m.group(2), "1")),
    ("first-dropped", r"^(\s*for \(\w+ \w+ = )([^;]+);", lambda m: f"{m.group(1)}{m.group(2)} + 1;"),
    ("last-dropped", r"^(\s*for \([^;]*; \w+ < )([^;]+);", lambda m: f"{m.group(1)}{m.group(2)} - 1;"),
    ("stride-doubled", r"(\w+) \+= ([^;)]+)(?=[;)] ?\{?$)", lambda m: f"{m.group(1)} += 2 * ({m.group(2)})"),
    ("statement-dropped", r"^(\s+)([\w.\->\[\] /+*]+ [-+|^*&]?= [^;{]+;|[a-z_]+\([^;{]*\);|[\w.\[\]]+(?:\+\+|--);)$",
     lambda m: None if re.match(r"\s*(return|const|typedef|break)", m.group(0)) else m.group(1) + ";"),
    ("add-to-set", r" \+= ", " = "),
    ("even-to-odd", r"\.even\b(?! =)", ".odd"),
    ("half-swapped", r"\b(\w+)\.lo\b(?! =)", lambda m: None if m.group(1) in ("map", "r", "range", "keys", "other")
     else m.group(1) + ".hi"),
    ("barrier-removed", r"\bbarrier\([^)]*\);", ";"),
    ("quotient-two-less", r"((?:0x1p\d+f|1\.0f) / [^;]+?)(?=;|\) \*)", lambda m: f"({m.group(1)}) * (1.0f - 0x1p-22f)"),
    ("quotient-two-more", r"((?:0x1p\d+f|1\.0f) / [^;]+?)(?=;|\) \*)", lambda m: f"({m.group(1)}) * (1.0f + 0x1p-22f)"),
    ("quotient-far-off", r"((?:0x1p\d+f|1\.0f) / [^;]+?)(?=;|\) \*)", lambda m: f"({m.group(1)}) * (1.0f - 0x1p-19f)"),
]

# Faults of a device: name, kind, text. Of vectors alone, where the kernels make a name from one without a width.
WIDTHS = ("2", "4", "8", "16")


def named(name, other):
    """A builtin by its name, and by the one that PoCL makes of it, which a name made of parts meets."""
    return f"#define {name} {other}\\n#define _cl_{name} {other}\\n"


def renamed(name, other):
    return "".join(named(name.replace("#", w), other.replace("#", w)) for w in WIDTHS)


def toward_zero():
    """convert_floatN of integers toward zero, from the distance to the nearest."""
    function = ("floatN __attribute__((overloadable)) cutN(intN v) { const floatN f = convert_floatN(v); "
                "const longN b = convert_longN(f), l = convert_longN(v); "
                "return as_floatN(as_intN(f) + convert_intN((b < 0 ? -b : b) > (l < 0 ? -l : l))); }\\n"
                "floatN __attribute__((overloadable)) cutN(uintN v) { return convert_floatN(v); }\\n"
                "floatN __attribute__((overloadable)) cutN(ushortN v) { return convert_floatN(v); }\\n")
    return "".join(function.replace("N", w) + named("convert_float" + w, "cut" + w) for w in ("4", "16"))


def of_floats(function):
    """A function of floats, for one (N empty, IS of a comparison is 1) and for vectors (a true comparison is -1)."""
    return "".join(function.replace("IS", "-" if w == "" else "").replace("N", w) for w in ("",) + WIDTHS)


# p, the nearest, and e, what is missing to the exact result; a step of the bits is one to a neighbour.
PRODUCT = "floatN __attribute__((overloadable)) faulty_mul(floatN a, floatN b) { floatN p = a * b, e = fma(a, b, -p); "
SUM = ("floatN __attribute__((overloadable)) faulty_add(floatN a, floatN b) { "
       "floatN p = a + b, c = p - a, e = (a - (p - c)) + (b - c); ")
TOWARD_ZERO = "return as_floatN(as_intN(p) + (IS(((p > 0) & (e < 0)) | ((p < 0) & (e > 0))))); }\\n"
TIES_AWAY = ("floatN q = as_floatN(as_intN(p) + 1); "
             "return (((p > 0) & (e > 0)) | ((p < 0) & (e < 0))) & (q - p == e + e) ? q : p; }\\n")


def changes(prefix, pairs):
    return prefix + "".join(f" %% {old} => {new}" for old, new in pairs)


# Where kernels multiply and add, of what is not exact whatever the rounding.
PRODUCTS = [
    ("y = x * map->reciprocal;", "y = faulty_mul(x, map->reciprocal);"),
    ("y = t * r;", "y = faulty_mul(t, r);"),
    ("return scale * CONVERT(float)(BITCAST(int)(BITCAST(uint)(codes) - BITCAST(uint)(zero_point)));",
     "return faulty_mul(scale, CONVERT(float)(BITCAST(int)(BITCAST(uint)(codes) - BITCAST(uint)(zero_point))));"),
    ("y = sum * ((floatv)(row_scale)*scale);", "y = faulty_mul(sum, faulty_mul((floatv)(row_scale), scale));"),
    ("const floatv product = CONVERT(float)(corrected(call, memory, of, rows, &path, r)) * multiplier;",
     "const floatv product = faulty_mul(CONVERT(float)(corrected(call, memory, of, rows, &path, r)), multiplier);"),
    ("result = result * (floatv)(memory->a_scale[call->a_scale_offset + index]);",
     "result = faulty_mul(result, (floatv)(memory->a_scale[call->a_scale_offset + index]));"),
    ("scale = (floatv)(row->scale) * of->scales;", "scale = faulty_mul((floatv)(row->scale), of->scales);"),
    ("? (floatv)(row.scale) * lane->of.scales :", "? faulty_mul((floatv)(row.scale), lane->of.scales) :"),
    ("const floatv q = fmax(t * s.factor, (floatv)(0.0f));",
     "const floatv q = fmax(faulty_mul(t, s.factor), (floatv)(0.0f));"),
    ("const floatv q = t * s.factor;", "const floatv q = faulty_mul(t, s.factor);"),
]
SUMS = [
    ("BITCAST(int)(y + 0x1.8p23f)", "BITCAST(int)(faulty_add(y, (floatv)(0x1.8p23f)))"),
    ("(y + 0x1.8p23f) - 0x1.8p23f", "faulty_add(y, (floatv)(0x1.8p23f)) - 0x1.8p23f"),
    ("y = fma(fma(-map->scale, y, x), map->correction, y) + map->before;",
     "y = faulty_add(fma(fma(-map->scale, y, x), map->correction, y), map->before);"),
    ("y += CONVERT(float)(map->zero_point);", "y = faulty_add(y, CONVERT(float)(map->zero_point));"),
    ("const floatv t = BITCAST(float)(bits) * s.unit - s.low;",
     "const floatv t = faulty_add(BITCAST(float)(bits) * s.unit, (floatv)(-s.low));"),
    ("result = result + bias;", "result = faulty_add(result, bias);"),
]


def fma_toward_zero():
    """By way of doubles, whose own rounding is another fault that does no harm to this one."""
    return of_floats("floatN __attribute__((overloadable)) faulty_fma(floatN a, floatN b, floatN c) { "
                     "return convert_floatN_rtz(convert_doubleN(a) * convert_doubleN(b) + convert_doubleN(c)); }\\n"
                     ) + named("fma", "faulty_fma")


# A right shift of what is negative, of 32 bits and fewer and of 64, by zeros.
LOGICAL = of_floats("intN __attribute__((overloadable)) shift_zeros(intN a, intN b) "
                    "{ return as_intN(as_uintN(a) >> as_uintN(b)); }\\n"
                    "shortN __attribute__((overloadable)) shift_zeros(shortN a, shortN b) "
                    "{ return as_shortN((ushortN)(as_ushortN(a) >> as_ushortN(b))); }\\n")
LOGICAL_64 = of_floats("longN __attribute__((overloadable)) shift_zeros(longN a, longN b) "
                       "{ return as_longN(as_ulongN(a) >> as_ulongN(b)); }\\n")

# Comparisons that are true of NaN, where kernels cut numbers to a range.
TRUE_OF_NAN = [
    ("x = x > map->lo ? x : map->lo;", "x = !(x <= map->lo) ? x : map->lo;"),
    ("y = y > (float)qmin ? y : (floatv)((float)qmin);", "y = !(y <= (float)qmin) ? y : (floatv)((float)qmin);"),
    ("y = y < low ? low : y > high ? high : y;", "y = !(y >= low) ? low : y > high ? high : y;"),
    ("product < low ? low : product > high ? high : product", "!(product >= low) ? low : product > high ? high : product"),
    ("return result < low ? low : result > high ? high : result;",
     "return !(result >= low) ? low : result > high ? high : result;"),
]

FAULTS = [
    ("multiply-toward-zero", "changes", changes(of_floats(PRODUCT + TOWARD_ZERO), PRODUCTS)),
    ("multiply-ties-away", "changes", changes(of_floats(PRODUCT + TIES_AWAY), PRODUCTS)),
    ("add-toward-zero", "changes", changes(of_floats(SUM + TOWARD_ZERO), SUMS)),
    ("add-ties-away", "changes", changes(of_floats(SUM + TIES_AWAY), SUMS)),
    ("fma-toward-zero", "prefix", fma_toward_zero()),
    ("shift-right-by-zeros", "changes", changes(LOGICAL, [
        ("(bits >> (KEY)KEY_SIGN_SHIFT)", "shift_zeros(bits, (keyv)((KEY)KEY_SIGN_SHIFT))"),
        ("h = (((h + ((h >> 31) & away)) >> before) + after) >> after;",
         "h = shift_zeros(shift_zeros(h + (shift_zeros(h, (intv)(31)) & away), before) + after, after);")])),
    ("shift-right-by-zeros-64", "changes", changes(LOGICAL_64, [
        ("PAIRS(acc) >> 32", "shift_zeros(PAIRS(acc), (long_pairs)(32))"),
        ("(PAIRS(acc) << 32) >> 32", "shift_zeros(PAIRS(acc) << 32, (long_pairs)(32))"),
        ("((product + half_step + ((product >> 63) & away)) >> total)",
         "shift_zeros(product + half_step + (shift_zeros(product, (longv)(63)) & away), total)")])),
    ("comparison-true-of-nan", "changes", changes("", TRUE_OF_NAN)),
    ("fma-unfused", "prefix", "#define fma(a, b, c) ((a) * (b) + (c))"),
    ("float-of-int-toward-zero", "prefix", toward_zero()),
    ("int-of-float-to-even", "prefix", renamed("convert_int#", "convert_int#_rte")),
    ("uint-of-float-to-even", "prefix", renamed("convert_uint#", "convert_uint#_rte")),
    ("uchar-saturates", "prefix", renamed("convert_uchar#", "convert_uchar#_sat")),
    ("ushort-saturates", "prefix", renamed("convert_ushort#", "convert_ushort#_sat")),
    ("mul-hi-low-bit", "prefix", "ulong faulty_mul_hi(ulong a, ulong b) { return mul_hi(a, b) ^ 1; }\\n" + named("mul_hi", "faulty_mul_hi")),
    ("rint-truncates", "prefix", "#define rint(x) trunc(x)"),
    ("rint-away", "prefix", "#define rint(x) round(x)"),
    ("isnan-never", "prefix", "#define isnan(x) 0"),
    ("isfinite-always", "prefix", "#define isfinite(x) 1"),
    ("select-swapped", "prefix", "#define select(a, b, c) ((c) ? (a) : (b))"),
    ("abs-identity", "prefix", "#define abs(x) (x)"),
    ("add-sat-wraps", "prefix", "#define add_sat(a, b) ((a) + (b))"),
    ("any-never", "prefix", "#define any(x) 0"),
    ("any-always", "prefix", "#define any(x) 1"),
    ("min-takes-second", "prefix", "#define min(a, b) (b)"),
    ("fast-relaxed-math", "option", "-cl-fast-relaxed-math"),
    ("denorms-are-zero", "option", "-cl-denorms-are-zero"),
    ("finite-math-only", "option", "-cl-finite-math-only"),
    ("mad-enable", "option", "-cl-mad-enable"),
    ("unsafe-math", "option", "-cl-unsafe-math-optimizations"),
    ("no-signed-zeros", "option", "-cl-no-signed-zeros"),
]


def kernel_files():
    """Kernels and their headers, by their paths, those among them that the host includes as well: the spoiled text is what
    a device compiles, while the host was compiled before."""
    return [os.path.relpath(os.path.join(folder, name), KERNELS) for folder, _, names in os.walk(KERNELS)
            for name in names if name.endswith((".cl", ".clh", ".h"))]


def code_of(line):
    """The line without its comment; None where a comment runs over lines or nothing is left."""
    line = re.sub(r"/\*.*?\*/", "", line).split("//")[0]
    return None if "/*" in line or "*/" in line else line.rstrip()


def lines_of(name):
    with open(os.path.join(KERNELS, name)) as file:
        lines = file.read().split("\n")
    in_comment = False
    for number, line in enumerate(lines, 1):
        begins = line.lstrip().startswith("/*") or in_comment
        in_comment = begins and "*/" not in line
        if not begins:
            yield number, line


def leaves_unset(lines, number, code):
    """Whether the line gives a variable, or a field of one, its first value: without it the mutant reads what is not set,
    and is anything."""
    m = re.match(r"\s*(\w+)((?:\.\w+)*) = ", code)
    if not m:
        return False
    declared = re.compile(r"^\s+[\w ]+ (?:[\w\[\]]+, )*%s(?:, [\w\[\]]+)*;" % m.group(1))
    first = number
    while first > 1 and lines.get(first) != "{":  # of the function
        first -= 1
    before = [lines.get(n, "") for n in range(first, number)]
    is_again = m.group(2) != "" and any(text.lstrip().startswith(m.group(0).lstrip()) for text in before)
    return not is_again and any(declared.match(text) for text in before)


def mutants_of(name):
    lines = dict(lines_of(name))
    for number, line in lines.items():
        bare = line.lstrip()
        code = code_of(line.rstrip("\\"))
        if not code or re.match(r"#(?!define)|typedef|static inline|__kernel|\}?$", bare) or "__asm__" in line:
            continue
        if bare.startswith("#define") and len(bare.split()) < 3:
            continue
        tail = " \\" if line.endswith("\\") else ""
        start = re.match(r"\s*#define \w+(?:\([^)]*\))?", code)
        start = start.end() if start else 0
        for rule, pattern, new in RULES:
            places = [m for m in re.finditer(pattern, code) if m.start() >= start or pattern.startswith("^")]
            for place, m in enumerate(places[:2]):
                text = new(m) if callable(new) else new
                if text is None:
                    continue
                if rule == "statement-dropped" and leaves_unset(lines, number, code):
                    text = re.sub(r" = .*", " = 0;", code)
                spoiled = code[: m.start()] + text + code[m.end():]
                if spoiled != code:
                    suffix = "" if place == 0 else f"-{place + 1}"
                    yield f"{name}:{number}:{rule}{suffix}", rule, number, spoiled + tail


# ---- what a target has ----

Program = collections.namedtuple("Program", "options kernels path")


def read_targets(folder):
    targets = collections.OrderedDict()
    with open(os.path.join(folder, "targets")) as file:
        for line in file:
            word = line.split()
            if word[0] == "target":
                programs = targets.setdefault(word[1], collections.OrderedDict())
            elif word[0] == "program":
                programs[word[1]] = Program(word[2:], set(), os.path.join(folder, word[1] + ".cl"))
            else:
                programs[word[1]].kernels.add(word[2])
    return targets


def places_of(source):
    """Of each line of a program's source its (file, line), and the source without #line: one in a part that is left out
    by #if would be left out with it, and what follows would be counted wrong."""
    places, bare, file, line = [], [], "", 0
    for text in source.split("\n"):
        m = re.match(r'#line (\d+) "kernels/([^"]*)"', text)
        places.append(None if m else (file, line))
        bare.append("" if m else text)
        line, file = (int(m.group(1)), m.group(2)) if m else (line + 1, file)
    return places, "\n".join(bare)


def preprocessed(program):
    """Lists of (file, line, text), the #defines that are in effect among them, without what #if leaves out: the
    preprocessor has empty lines for it, as it has for what it joins, but there a directive comes first."""
    command = ["cc", "-E", "-dD", "-x", "c", "-D__OPENCL_C_VERSION__=120", "-D__x86_64__"] + program.options
    command = [w for w in command if not w.startswith("-cl")] + ["-"]
    with open(program.path) as source:
        places, bare = places_of(source.read())
    text = subprocess.run(command, input=bare, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False).stdout
    is_source, is_left_out, at, found, lines = False, False, 0, [], bare.split("\n")
    for row in text.split("\n"):
        m = re.match(r'# (\d+) "([^"]*)"', row)
        if m:
            at, is_source = int(m.group(1)), m.group(2) == "<stdin>"
            continue
        if is_source and at <= len(places) and places[at - 1]:
            is_left_out = not row.strip() and (is_left_out or lines[at - 1].lstrip().startswith("#"))
            found += [] if is_left_out else [places[at - 1] + (row,)]
        at += 1
    return found


def functions_of(rows):
    """Name to (lines, text) of what stands at depth 0: functions, and what else has a brace or ends in a semicolon."""
    pieces, piece, depth = [], [], 0
    for row in rows:
        piece.append(row)
        depth += row[2].count("{") - row[2].count("}")
        if depth == 0 and re.search(r"[;}]\s*$", row[2]):
            pieces.append(piece)
            piece = []
    found = {}
    for piece in pieces:
        text = " ".join(r[2] for r in piece)
        m = re.search(r"(\w+)\s*\([^{;]*\)\s*\{", text) if "typedef" not in text else None
        if m:
            name = re.findall(r"(\w+)\s*\(", text[: text.index("{")])
            name = [n for n in name if n not in ("__attribute__", "reqd_work_group_size")]
            found[name[0]] = ({(r[0], r[1]) for r in piece}, text)
    return found


def reached(program):
    """The lines that are reached from the kernels, and those where a #define in effect begins."""
    rows = preprocessed(program)
    functions = functions_of([r for r in rows if not r[2].startswith("#")])
    todo, done = list(program.kernels), set()
    lines = set()
    while todo:
        name = todo.pop()
        if name in done or name not in functions:
            continue
        done.add(name)
        lines |= functions[name][0]
        todo += re.findall(r"\w+", functions[name][1])
    return lines, {r[:2] for r in rows if r[2].startswith("#define")}


def macro_lines(files, lines, in_effect):
    """Of each #define in effect the lines that it takes, where its name is in a line that is reached, or in such a
    #define."""
    defines, words = [], set()
    for name in files:
        current = None
        for number, line in lines_of(name):
            if (name, number) in lines:
                words |= set(re.findall(r"\w+", line))
            m = re.match(r"#define (\w+)", line)
            if m:
                current = (m.group(1), set(), set()) if (name, number) in in_effect else None
                defines += [current] if current else []
            if current is not None:
                current[1].add((name, number))
                current[2].update(re.findall(r"\w+", line))
                if not line.endswith("\\"):
                    current = None
    taken = set()
    while True:
        more = [d for d in defines if d[0] in words and not d[1] <= taken]
        if not more:
            return taken
        for d in more:
            taken |= d[1]
            words |= d[2]


def live_lines(targets):
    cache, live = {}, collections.OrderedDict()
    for target, programs in targets.items():
        live[target] = set()
        for program in programs.values():
            with open(program.path) as file:
                source = file.read()
            key = (source, tuple(program.options), tuple(sorted(program.kernels)))
            if key not in cache:
                lines, in_effect = reached(program)
                files = [f for f in kernel_files() if f'"kernels/{f}"' in source]
                cache[key] = lines | macro_lines(files, lines, in_effect)
            live[target] |= cache[key]
    return live


# ---- the plan ----

# A mutant that is seen in none of so many kernels is the same in all, for all that is tried.
MOST_KERNELS = 3

RACES = "barrier-removed"  # of work-items that run one after the other here: --races has oclgrind judge it

# In the head of a loop these are seen by a process that does not end, which takes longer than the suite has.
MAY_NOT_END = ("greater-or-equal", "condition-negated", "plus-to-minus", "minus-to-plus", "unequal-negated",
               "add-to-set")

# In the index of a store these overwrite what a process needs to end, which then waits for what never comes.
MAY_STORE_ANYWHERE = ("plus-to-minus", "minus-to-plus")


def weight(text):
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def apart(name, chosen, most):
    first, step = weight(name), max(len(chosen) // most, 1)
    return [chosen[(first + i * step) % len(chosen)] for i in range(min(len(chosen), most))]


def one_of_each_kernel(name, hit):
    """Of the targets of one operation and variant one pair of types, another for each mutant; another one is first.
    Each height of a product is a kernel; those taken lie apart, as neighbours are heights of one variant, and all but
    the last are without groups where there are such: groups have floats alone, and never come to a line for codes."""
    kinds = collections.OrderedDict()
    for target in hit:
        kinds.setdefault(target if target.startswith("gemm/") else "/".join(target.split("/")[:2]), []).append(target)
    chosen = [members[weight(name + kind) % len(members)] for kind, members in kinds.items()]
    in_groups = [target for target in chosen if "-groups/" in target]
    plain = [target for target in chosen if "-groups/" not in target]
    if in_groups and plain:
        return apart(name, plain, MOST_KERNELS - 1) + apart(name, in_groups, 1)
    return apart(name, chosen, MOST_KERNELS)


def spread(rows):
    """In such an order that a first part of them has as much of each file, and at least one of it."""
    by_file = collections.defaultdict(list)
    for row in sorted(rows, key=lambda r: weight(r[0])):
        by_file[row[0].split(":")[0]].append(row)
    placed = [(i / len(members), row) for members in by_file.values() for i, row in enumerate(members)]
    return [row for _, row in sorted(placed, key=lambda p: (p[0], p[1][0]))]


def few(rows, live):
    """One of each rule and of each file, each in one target; first such as are both, then in the smallest target that
    does. Of the targets the one with the fewest lines: it is there for that line, while larger ones may never come to
    it with their tensors."""
    chosen, met = [], set()
    rows = [r for r in rows if not (re.match(r"\s*(for|while) ", r[3]) and r[1] in MAY_NOT_END)]
    rows = [r for r in rows if not (re.match(r"\s*\w+\[.*\] = ", r[3]) and r[1] in MAY_STORE_ANYWHERE)]
    reasons = read_reasons()
    rows = [r for r in rows if not is_barrier(r[0]) and reason_of(reasons, r[0]) is None]
    rows = [r[:4] + ([min(r[4], key=lambda t: (len(live[t]), t))],) for r in rows]
    for wanted, order in ((2, lambda r: weight(r[0])), (1, lambda r: (len(live[r[4][0]]), weight(r[0])))):
        for row in sorted(rows, key=order):
            new = {row[1], row[0].split(":")[0]} - met
            if len(new) >= wanted:
                met |= new
                chosen.append(row)
    return chosen


def has_change(kind, text, programs):
    """Whether a fault can show in some source of a target: one of changes has one there, one that stands before sources
    redefines a word of theirs (or one that is made of parts, as are the names of conversions)."""
    olds = [change.split(" => ")[0] for change in text.split(" %% ")[1:]]
    words = [] if kind != "prefix" else [w for w in re.findall(r"#define (\w+)", text) if not w.startswith("_cl_")]
    if kind == "option" or any(w.startswith("convert_") for w in words):
        return True
    for path in (program.path for program in programs.values()):
        with open(path) as file:
            source = file.read()
        if any(old in source for old in olds) or any(re.search(rf"\b{w}\(", source) for w in words):
            return True
    return False


# What no target on a CPU has a line of, and why.
NO_TARGET = {
    "probe_float.cl": "the probes of `verify` are of no trial",
    "probe_integer.cl": "likewise",
    "probe_loop.cl": "likewise",
    "probe_memory.cl": "likewise",
    "runs_call.h": "sizes that compilers of both sides check",
    "gemm_gemv_panel.clh": "of devices that are no CPUs: docs/testing.md has the command",
}


def tell_files_without_target(live):
    """Whether there are such that have no reason: a kernel that is tried, and no target of it."""
    judged = {name for lines in live.values() for name, _ in lines}
    missing = [name for name in sorted(kernel_files())
               if name not in judged and name not in NO_TARGET and any(mutants_of(name))]
    for name in missing:
        print(f"no target has a line of kernels/{name} (NO_TARGET, scripts/mutants.py)", file=sys.stderr)
    return missing != []


def nowhere(folders):
    """Prints file:line and text of what mutants there are of lines that no target has."""
    judged = {line for folder in folders for lines in live_lines(read_targets(folder)).values() for line in lines}
    for name in sorted(kernel_files()):
        lines = dict(lines_of(name))
        for number in sorted({m[2] for m in mutants_of(name)}):
            if (name, number) not in judged:
                print(f"{name}:{number}: {lines[number].strip()}")


def plan(folder, mode):
    quick = mode == "--quick"
    targets = read_targets(folder)
    live = live_lines(targets)
    files = sorted(kernel_files())
    rows, unused = [], []
    for name in files:
        for mutant, rule, number, text in mutants_of(name):
            hit = [t for t in live if (name, number) in live[t]]
            if not hit:
                unused.append(mutant)
                continue
            rows.append((mutant, rule, f"{name}:{number}", text, hit))
    if quick:
        rows = few(rows, live)
    elif mode == "--races":
        reasons = read_reasons()
        rows = [r for r in rows if r[1].startswith(RACES) and reason_of(reasons, r[0]) is None]
    else:
        rows = spread(rows)
    for mutant, _, where, text, hit in rows:
        if mode == "":
            hit = one_of_each_kernel(mutant, hit)
        print(mutant, "line", where, text, ",".join(hit), sep="\t")
    for fault, kind, text in FAULTS:
        hit = [t for t in live if has_change(kind, text, targets[t])] if mode != "--races" else []
        if quick:
            needed = {"fma-unfused": ["quantize/strip/bf16/s4", "histogram/strip/f32/s8"],
                      "multiply-ties-away": ["dequantize/strip/f16/u8", "quantize/strip/bf16/s4"],
                      "add-ties-away": ["gemm/gemv/3"],
                      "float-of-int-toward-zero": ["dequantize/strip/f16/u8"]}
            hit = needed.get(fault, [])
        if hit:
            print("device:0:" + fault, kind, "-:0", text, ",".join(hit), sep="\t")
    for mutant in unused:
        print("in no program of this device:", mutant, file=sys.stderr)
    return mode != "--races" and tell_files_without_target(live)


# ---- why some give the same bytes ----

REASONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mutants-same.txt")


def read_reasons():
    """(file, line number) to lists of (rules, reason). A line that is no longer there, or not once, is an error."""
    reasons = collections.defaultdict(list)
    with open(REASONS) as file:
        blocks = re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", file.read()).strip("\n"))
    for block in blocks:
        head, *rest = block.split("\n")
        name, *rules = head.split()
        code = [r.strip() for r in rest if r.startswith("    ")]
        reason = " ".join(r for r in rest if not r.startswith("    "))
        with open(os.path.join(KERNELS, name)) as file:
            lines = [line.rstrip("\\\n").strip() for line in file]
        found = [n for n in range(len(lines)) if lines[n:n + len(code)] == code]
        if len(found) != 1 or not (rules and reason and code):
            sys.exit(f"{REASONS}: {head}: lines, rules and a reason are needed, and the lines once in kernels/{name}; "
                     f"they are there {len(found)} times")
        for n in range(found[0], found[0] + len(code)):
            reasons[name, n + 1].append((rules, reason))
    return reasons


def reason_of(reasons, mutant):
    name, number, rule = mutant.split(":")
    return next((reason for rules, reason in reasons.get((name, int(number)), []) if rule in rules), None)


# ---- the table ----

ORDER = ["missed", "hangs", "crashed", "caught", "races", "refused", "same"]
COLUMNS = ["made", "not here", "run", "not built", "caught", "crashed", "hangs", "races", "same, barrier",
           "same, for a reason", "same, without", "missed"]


def is_barrier(mutant):
    name, number, rule = mutant.split(":")
    is_call = name != "device" and dict(lines_of(name)).get(int(number), "").strip().startswith("barrier(")
    return rule.startswith(RACES) or (is_call and rule == "statement-dropped")


def verdict_of(outcomes, mutant, reasons):
    """Of a mutant, from its outcomes in the targets it was tried in."""
    worst = [o for o in ORDER if o in outcomes]
    seen = [o for o in worst if o in ("hangs", "crashed", "caught", "races", "refused")]
    total = "missed" if "missed" in worst else seen[0] if seen else "same"
    if total == "same":
        return "same, for a reason" if reason_of(reasons, mutant) else \
            "same, barrier" if is_barrier(mutant) else "same, without"
    return "not built" if total == "refused" else total


def read_results(folder):
    """Mutant to {target: outcome}, and the processor's seconds."""
    found, spent = collections.OrderedDict(), 0
    with open(os.path.join(folder, "results")) as file:
        for line in file:
            mutant, target, outcome, milliseconds = line.rstrip("\n").split("\t")
            found.setdefault(mutant, {})[target] = outcome
            spent += int(milliseconds)
    return found, spent / 1000


def count_made(folder, rows):
    for name, column in (("plan", "made"), ("unused", "not here")):
        with open(os.path.join(folder, name)) as file:
            for line in file:
                mutant = line.rstrip("\n").split("\t")[0] if name == "plan" else line.split(": ")[1].strip()
                rows[mutant.split(":")[0]]["made"] += 1
                rows[mutant.split(":")[0]]["not here"] += column == "not here"


def table(folder):
    """Prints it; returns whether something was missed."""
    reasons = read_reasons()
    found, seconds = read_results(folder)
    rows, verdicts = collections.defaultdict(collections.Counter), {}
    count_made(folder, rows)
    for mutant, outcomes in found.items():
        verdicts[mutant] = verdict_of(set(outcomes.values()), mutant, reasons)
        rows[mutant.split(":")[0]].update((verdicts[mutant], "run"))
    rows["all"] = sum(rows.values(), collections.Counter())
    print("| file | " + " | ".join(COLUMNS) + " |\n|---" * 1 + "|---" * len(COLUMNS) + "|")
    for name in sorted(rows, key=lambda n: (n == "all", n)):
        print(f"| {name} | " + " | ".join(str(rows[name][c]) for c in COLUMNS) + " |")
    print(f"\n{sum(len(o) for o in found.values())} trials, {seconds:.0f} s of the processor; "
          f"{rows['all']['same, without']} the same bytes without a reason, {rows['all']['missed']} missed")
    for wanted in ("missed", "same, without", "same, barrier"):
        for mutant in (m for m in found if verdicts[m] == wanted):
            targets = [t for t, o in found[mutant].items() if o == wanted.split(",")[0]]
            print(f"- {wanted}: {mutant}: {' '.join(targets)}")


def main():
    arguments = sys.argv[1:]
    if len(arguments) >= 2 and arguments[0] == "plan":
        sys.exit(1 if plan(arguments[1], (arguments[2:] + [""])[0]) else 0)
    elif len(arguments) >= 2 and arguments[0] == "nowhere":
        nowhere(arguments[1:])
    elif len(arguments) == 2 and arguments[0] == "table":
        table(arguments[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
