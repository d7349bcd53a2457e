# SPDX-License-Identifier: Apache-2.0
"""Lists in texts beside those of the program. `<!-- list: NAME -->` before a paragraph, a table or a block: the words in
`code` there (of a table those of its first column) are all that the program has, and nothing else."""
import re
import subprocess


class Program:
    """What the command and the sources have."""

    def __init__(self, root, clquant):
        def ask(*words):
            return subprocess.run([str(clquant), *words], capture_output=True, text=True, check=True).stdout

        def section(text, title):
            inside = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.MULTILINE).group(1)
            return re.findall(r"^  (\S.*?)(?:  |$)", inside, re.MULTILINE)

        general = ask("--help")
        self.manual = ask("man")
        self.verbs = section(general, "verbs")
        self.exit_codes = {code for row in section(general, "exit codes") for code in row.split(", ")}
        self.exit_codes |= set(re.findall(r"\((\d+): by SIGHUP\)", general))
        self.environment = set(section(general, "environment"))
        self.options, self.of_verb, self.helps = set(), {}, {}
        for verb in self.verbs:
            if verb not in ("help", "man", "completion"):
                self.helps[verb] = ask(verb, "--help")
                self.of_verb[verb] = set(re.findall(r"^  (?:-\w, |    )--([a-z-]+)", self.helps[verb], re.MULTILINE))
                self.options |= self.of_verb[verb]
        self.common = set.intersection(*self.of_verb.values())
        quantize = " ".join(self.helps["quantize"].split())
        self.presets = set(re.search(r"numeric scheme: (.*?) \(default", quantize).group(1).split(", "))
        defs = (root / "kernels/kernels.def").read_text()
        self.variants = set(re.findall(r'^CLQ_GEMM_(?:KERNEL|INSTRUCTION)\(\w+, "([\w-]+)"', defs, re.MULTILINE))
        self.statuses = set(re.findall(r"^    (CLQ_\w+) = ", (root / "include/clquant/status.h").read_text(),
                                       re.MULTILINE))
        cmake = (root / "CMakeLists.txt").read_text()
        self.cmake_options = set(re.findall(r"^(?:option|set)\((CLQ_\w+|BUILD_SHARED_LIBS) .*\"", cmake, re.MULTILINE))
        self.structs = set()
        for header in (root / "include/clquant").glob("*.h"):
            for body, name in re.findall(r"^typedef struct \w+ \{\n(.*?)^\} (\w+);", header.read_text(),
                                         re.MULTILINE | re.DOTALL):
                if "uint32_t struct_size;" in body:
                    self.structs.add(name)
        # Names of files that are no part of the repository: what commands write, and what a program of one's own is.
        self.made = {"reproduce.c", "kernel.cl", "program.c", "xxhash.h"}

    def values(self, verb, option):
        """The alternatives of an option, as its help shows them, without what may follow a colon."""
        found = re.search(rf"--{option} (\S+)", self.helps[verb])
        return {value.split(":")[0] for value in found.group(1).split("|")}

    def list(self, name):
        words = name.split()
        if words[0] == "options" and len(words) == 2:
            return {"--" + option for option in self.of_verb[words[1]] - self.common}
        if words[0] == "values" and len(words) == 3:
            return self.values(words[1], words[2])
        lists = {"verbs": set(self.verbs), "exit codes": self.exit_codes, "environment": self.environment,
                 "presets": self.presets, "common options": {"--" + option for option in self.common},
                 "gemm variants": self.variants, "statuses": self.statuses, "cmake options": self.cmake_options,
                 "sized structs": self.structs}
        return lists[name]


def words_of(page, number):
    """The `code` words of what follows line `number`: a block's calls of clquant, a table's first column, a paragraph."""
    following = page.lines[number:]
    while following and (not following[0].strip() or following[0].startswith("<!--") or following[0].endswith("-->")):
        following = following[1:]
    if following and (following[0].startswith("```")):
        block = []
        for line in following[1:]:
            if line.startswith("```"):
                break
            block.append(line)
        return {word for line in block for match in re.findall(r"^clquant ([a-z]+(?: \| [a-z]+)*)", line)
                for word in match.split(" | ")}
    found = set()
    if len(following) > 1 and following[1].startswith("|-"):
        following = following[2:]
    for line in following:
        if not line.strip():
            break
        cell = line.split("|")[1] if line.startswith("|") else line
        found |= set(re.findall(r"`([^`]+)`", cell))
    return found


def check(page, program, report):
    """Returns the names of the lists that there were."""
    names = []
    for number, text in page.comments:
        if not text.startswith("list:"):
            continue
        name = text[5:].strip()
        names.append(name)
        try:
            wanted = program.list(name)
        except (KeyError, AttributeError, IndexError):
            report(f"{page.path}:{number}", f"list: {name}: there is no such list")
            continue
        got = {word.split(" ")[0].rstrip(":") if word.startswith("--") else word
               for word in words_of(page, number + text.count("\n"))}
        if name.startswith("values "):
            got = {word.split(":")[0] for word in got}
        if name.startswith("options "):  # those of every verb may stand there too
            got -= {"--" + option for option in program.common}
        if got != wanted:
            missing, more = sorted(wanted - got), sorted(got - wanted)
            report(f"{page.path}:{number}", f"list of {name}: " + "; ".join(
                part for part in (missing and f"not named: {', '.join(missing)}",
                                  more and f"not there: {', '.join(more)}") if part))
    return names
