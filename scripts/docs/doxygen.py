# SPDX-License-Identifier: Apache-2.0
"""A public header as Doxygen reads it: its plain comments become Doxygen's. A comment behind code is that code's, one
before it the next declaration's; where declarations follow one another without a blank line, or share a line, the comment
is that of each. The first comment behind the license is the header's."""
import re
import sys


def names_of(code):
    """`int a, *b[2];` as ["int a;", "int *b[2];"]; what is no such line as it is."""
    match = re.fullmatch(r"(\s+(?:const )?\w+) ([^()={}]+,[^()={}]+);", code)
    return [f"{match[1]} {name.strip()};" for name in match[2].split(",")] if match else [code]


def declarations(lines):
    """(code, comment, is it behind the code): code of one line each, comments whole; a comment alone has no code."""
    index = 0
    while index < len(lines):
        code, mark, comment = lines[index].partition("/*")
        while mark and "*/" not in comment:
            index += 1
            comment += "\n" + lines[index]
        index += 1
        yield code.rstrip(), comment.rpartition("*/")[0] if mark else None, bool(mark and code.strip())


def translate(text):
    out, shared, waiting, is_open = [], None, None, False
    for number, (code, comment, is_behind) in enumerate(declarations(text.split("\n"))):
        if comment is not None and not is_behind:
            if number == 0 or re.match(r"\s*-{8}", comment):
                continue  # the license, or a ruler over what follows
            if number == 1:
                out.append(f"/** \\file\n{comment}*/")
            else:
                waiting = shared = comment
            continue
        if not code:
            waiting = shared = None  # a comment by itself, or the end of a group
        if is_open or not re.match(r"(CLQ_API|#define|typedef)\b", code):
            about = comment if is_behind else waiting
            for each in names_of(code) if about is not None else [code]:
                out.append((f"/** {about}*/ " if about is not None and not is_open else "") + each +
                           (f" /**< {about}*/" if is_behind and is_open else ""))
        else:
            about = comment if is_behind else shared
            out.append((f"/** {about}*/\n" if about is not None else "") + code)
        if not code.lstrip().startswith("#"):
            is_open = bool(re.match(r"CLQ_API\b", code) or is_open) and not code.endswith(";")
        waiting = None
    return "\n".join(out) + "\n"


def undocumented_values(text):
    """Of enumerations: Doxygen 1.9.4 does not miss their comments."""
    inside, has_comment = False, False
    for code, comment, _ in declarations(text.split("\n")):
        value = re.match(r"\s+(CLQ_\w+)( =|,|$)", code)
        if inside and value and comment is None and not has_comment:
            yield value[1]
        inside = code.startswith(("typedef enum", "enum")) and "}" not in code or inside and not code.startswith("}")
        has_comment = comment is not None and not code


def main():
    paths, missing = sys.argv[1:], []
    if paths[0] != "--values":
        with open(paths[0], encoding="utf-8") as file:
            sys.stdout.write(translate(file.read()))
        return 0
    for path in paths[1:]:
        with open(path, encoding="utf-8") as file:
            missing += [f"{path}: {name} is not documented" for name in undocumented_values(file.read())]
    print("\n".join(missing), end="\n" if missing else "")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
