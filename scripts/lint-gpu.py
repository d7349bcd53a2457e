#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile the kernels for GPUs without one: registers, private memory, spills and local memory beside committed budgets.

usage: lint-gpu.py [--write] [--quick] [--target NAME]... [--only TEXT]

Every kernel as a GPU gets it (docs/kernels.md), for NVIDIA by clang to PTX and, where a CUDA toolkit has it, ptxas; for
AMD by clang to a listing, for Intel by ocloc to a binary that it takes apart again. Of each kernel: registers (those of
ptxas, VGPRs, or GRF, which Intel's has 128 of, or 256), bytes of private memory (a stack frame, scratch), bytes or
registers spilled, how many accesses to private memory its loops contain (of Intel's, to what is spilled), which is what
makes a kernel slow, how many accesses to global memory are of a vector, and bytes of local memory of a work-group (those
of ptxas, or declared in PTX; LDS; SLM). Above kernels/budgets.txt, or below it for vectors, is a failure, exit code 1, and
so is more local memory than such a device has for a work-group, or than the host reckons with for a tile of matrices
(host/opencl/choice/gemm_tile.c; of lesser ones than each device has), and a build for an instruction whose loop has not as many of it as it should, or touches
private memory; --write makes these numbers the budgets. What another version of ptxas or of ocloc finds is
printed and not compared. Without a tool a target is left out, which is said, and is a failure where
CLQ_REQUIRE_GPU_COMPILERS is set. Needs clang-15 (for gfx1100 clang-16), libclc-15, rocm-device-libs; ocloc is of Debian's intel-opencl-icd,
which is fetched and unpacked in build/ocloc and not installed, since it would make a driver of itself.
"""
import argparse
import concurrent.futures
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

KERNELS = pathlib.Path(__file__).resolve().parent.parent / "kernels"
BUDGETS = KERNELS / "budgets.txt"
OCLOC = KERNELS.parent / "build/ocloc"
COLUMNS = ("registers", "private", "spilled", "in loops", "vectors", "local")
TILES = KERNELS.parent / "host/opencl/choice/gemm_tile.c"
LEAST_LOCAL = 32 << 10  # CL_DEVICE_LOCAL_MEM_SIZE of a full profile


# What a driver defines of extensions, and ocloc 22.43 does not though its compiler has them; the option of the variant's
# line in kernels.def.
DPAS = ["cl_intel_subgroup_matrix_multiply_accumulate", "cl_intel_subgroup_local_block_io", "-cl-intel-256-GRF-per-thread"]


MATRIX_OPTIONS = {"intel-dpas": ["MATRIX_DPAS=8"] + DPAS, "intel-dpas16": ["MATRIX_DPAS=16"] + DPAS,
                  "amd-mfma": ["MATRIX_MFMA=16"], "amd-mfma32": ["MATRIX_MFMA=32"], "amd-wmma": ["MATRIX_WMMA"]}


def builds():
    """(name, file, options): as chosen for a GPU where nothing is tuned (kernels/tunables.def)."""
    walk = ["VECTOR_WIDTH=4", "COLUMN_BLOCKS=1"]
    reals = {"f32": "REAL=32", "f16": "REAL=16", "bf16": "REAL=17"}
    codes = {"s8": ["CODE_BITS=8", "CODE_SIGNED=1"], "u4": ["CODE_BITS=4", "CODE_SIGNED=0"]}
    for real, option in reals.items():
        yield f"minmax {real}", "minmax.cl", walk + [option, "GROUP_SIZE=128"]
        yield f"batch-minmax {real}", "batch_minmax.cl", walk + [option, "GROUP_SIZE=128", "VARIANT=4"]
        yield f"minmax-runs {real}", "minmax.cl", walk + [option, "VARIANT=5"]
        for file in "quantize", "dequantize":
            yield f"{file}-runs {real} s8", f"{file}.cl", walk + [option, "VARIANT=5"] + codes["s8"]
        for code, sizes in codes.items():
            for file in "quantize", "dequantize":
                yield f"{file} {real} {code}", f"{file}.cl", walk + [option] + sizes
            if (real, code) in (("f32", "s8"), ("bf16", "u4")):
                for file in "quantize", "dequantize", "dynamic":
                    batch = walk + [option, "GROUP_SIZE=128", "VARIANT=4"]
                    yield f"batch-{file} {real} {code}", f"batch_{file}.cl", batch + sizes
                yield f"dynamic {real} {code}", "dynamic_grid.cl", batch + sizes
    yield "fake-quantize f32", "fake_quantize.cl", walk + ["REAL=32"]
    yield "histogram f32", "histogram.cl", walk + ["REAL=32", "GROUP_SIZE=128"]
    yield "histogram-signed f32", "histogram.cl", ["VECTOR_WIDTH=2", "REAL=32", "GROUP_SIZE=128", "VARIANT=3", "SIGNED_BINS=1"]
    yield "merge-range f32", "merge_range.cl", walk + ["REAL=32"]
    yield "choose", "choose_parameters.cl", []
    yield "batch-choose", "batch_choose.cl", ["GROUP_SIZE=128"]
    yield "gemm portable", "gemm_portable.cl", ["VECTOR_WIDTH=4"]
    yield "gemm nvidia-dp4a", "gemm_portable.cl", ["VECTOR_WIDTH=4", "DOT4_NVIDIA"]
    yield "gemm amd-dot", "gemm_portable.cl", ["VECTOR_WIDTH=4", "DOT4_AMD"]
    for rows in 1, 4, 8:
        yield f"gemm gemv {rows}", "gemm_gemv.cl", ["VECTOR_WIDTH=4", "GROUP_SIZE=256", f"TILE_ROWS={rows}"]
    for rows in 1, 8:
        yield f"gemm gemv groups {rows}", "gemm_gemv.cl", ["VECTOR_WIDTH=4", "GROUP_SIZE=256", f"TILE_ROWS={rows}",
                                                           "GROUPS=1"]
    for rows in 1, 8:
        nibbles = ["VECTOR_WIDTH=4", "GROUP_SIZE=256", f"TILE_ROWS={rows}", "NIBBLES=1"]
        yield f"gemm gemv nibbles {rows}", "gemm_gemv.cl", nibbles
        yield f"gemm gemv nibbles groups {rows}", "gemm_gemv.cl", nibbles + ["GROUPS=1"]
    for tile in 64, 128:
        yield f"gemm nvidia-mma {tile}", "gemm_mma.cl", ["VECTOR_WIDTH=4", f"TILE={tile}"]
        for variant, option in MATRIX_OPTIONS.items():
            yield f"gemm {variant} {tile}", "gemm_matrix.cl", ["VECTOR_WIDTH=4", f"TILE={tile}"] + option
    # Few rows.
    low = ["VECTOR_WIDTH=4", "TILE=64", "HEIGHT=32"]
    yield "gemm nvidia-mma low", "gemm_mma.cl", low
    yield "gemm nvidia-mma low groups", "gemm_mma.cl", low + ["GROUPS=1"]
    for variant, option in MATRIX_OPTIONS.items():
        yield f"gemm {variant} low", "gemm_matrix.cl", low + option
        yield f"gemm {variant} low groups", "gemm_matrix.cl", low + option + ["GROUPS=1"]
        if variant.startswith("intel"): # whose tiles are low there whatever the rows
            yield f"gemm {variant} low groups table", "gemm_matrix.cl", low + option + ["GROUPS=1", "TABLE=1"]
    # Groups along K, whose tiles are of 64: alone, and of a batch.
    for form in ["GROUPS=1"], ["GROUPS=1", "TABLE=1"]:
        name = "groups table" if len(form) > 1 else "groups"
        yield f"gemm portable {name}", "gemm_portable.cl", ["VECTOR_WIDTH=4"] + form
        yield f"gemm nvidia-dp4a {name}", "gemm_portable.cl", ["VECTOR_WIDTH=4", "DOT4_NVIDIA"] + form
        yield f"gemm amd-dot {name}", "gemm_portable.cl", ["VECTOR_WIDTH=4", "DOT4_AMD"] + form
        yield f"gemm nvidia-mma {name}", "gemm_mma.cl", ["VECTOR_WIDTH=4", "TILE=64"] + form
        for variant, option in list(MATRIX_OPTIONS.items())[2:]: # not Intel's
            yield f"gemm {variant} {name}", "gemm_matrix.cl", ["VECTOR_WIDTH=4", "TILE=64"] + option + form
    # Products of a batch, which share a launch: the call comes from a table.
    yield "gemm portable table", "gemm_portable.cl", ["VECTOR_WIDTH=4", "TABLE=1"]
    for rows in 1, 8:
        yield f"gemm gemv table {rows}", "gemm_gemv.cl", ["VECTOR_WIDTH=4", "GROUP_SIZE=256", f"TILE_ROWS={rows}",
                                                          "TABLE=1"]
    yield "gemm gemv groups table 8", "gemm_gemv.cl", ["VECTOR_WIDTH=4", "GROUP_SIZE=256", "TILE_ROWS=8", "GROUPS=1",
                                                       "TABLE=1"]
    for tile in 64, 128:
        yield f"gemm nvidia-mma table {tile}", "gemm_mma.cl", ["VECTOR_WIDTH=4", f"TILE={tile}", "TABLE=1"]
    yield "gemm pack", "gemm_pack.cl", ["VECTOR_WIDTH=4"]
    yield "gemm reduce", "gemm_reduce.cl", ["VECTOR_WIDTH=4"]
    for rows in 1, 4:
        yield f"gemm groups {rows}", "gemm_groups.cl", ["VECTOR_WIDTH=4", f"ROWS={rows}"]


# Builds for an instruction: which GPUs have it, what it is in their listings, and how many of it the innermost loop over
# K has, which all of its work is done by: 4 x 4 elements of a work-item, 8 groups of k a step; of nvidia-mma 2 or 4 x 8
# tiles of a warp, 2 steps of the instruction; each sign of A has a loop. And of other lines of that loop: its loads of matrices
# of A, and of words of B. Intel's compiler makes the instruction of plain multiplications.
INSTRUCTIONS = {
    "gemm nvidia-dp4a": ("sm_", [(re.compile(r"\bdp4a\.s32\.s32\b"), 128)]),
    "gemm amd-dot": ("gfx", [(re.compile(r"\bv_dot4c?_i32_iu?8"), 128)]),
    "gemm portable": (("dg2", "tgllp"), [(re.compile(r"\bdp4a\b"), 128)]),
    "gemm nvidia-mma 64": ("sm_", [(re.compile(r"\bmma\.sync\.aligned\.m16n8k32\b"), 32),
                                   (re.compile(r"\bldmatrix\b"), 4), (re.compile(r"\bld\.shared\b"), 32)]),
    "gemm nvidia-mma 128": ("sm_", [(re.compile(r"\bmma\.sync\.aligned\.m16n8k32\b"), 64),
                                    (re.compile(r"\bldmatrix\b"), 8), (re.compile(r"\bld\.shared\b"), 32)]),
}
for tile in 64, 128:
    INSTRUCTIONS[f"gemm nvidia-mma table {tile}"] = INSTRUCTIONS[f"gemm nvidia-mma {tile}"]
for form in "groups", "groups table":
    for name in "nvidia-dp4a", "amd-dot", "portable":
        INSTRUCTIONS[f"gemm {name} {form}"] = INSTRUCTIONS[f"gemm {name}"]
# 4 x 4 or 4 x 2 products of a sub-group, 2 steps of the instruction, either sign of A within the loop; and what they read
# of local memory, a row of a matrix at a time: 4 times 8 of A, 8 times 4 or 2 of B.
for edge in 64, 128:
    INSTRUCTIONS[f"gemm intel-dpas {edge}"] = ("dg2", [(re.compile(r"\bdpas\.8x8\b"), 64),
                                                       (re.compile(r"\bload\.slm\."), 256)])
    INSTRUCTIONS[f"gemm intel-dpas16 {edge}"] = ("pvc", [(re.compile(r"\bdpas\.8x8\b"), 32),
                                                         (re.compile(r"\bload\.slm\."), 192)])
    # Of AMD's waves 2 x 2 or 4 x 4 products, 64 k; reads of A of 16 bytes, and of B two words each. Of waves of 32 lanes
    # 2 x 2 or 4 x 2, of either sign of A; clang branches back between them, which looks like a loop around one.
    across = edge // 32
    for depth, gpus in (16, ("gfx908", "gfx90a")), (32, "gfx940"):
        INSTRUCTIONS[f"gemm amd-mfma{'' if depth == 16 else depth} {edge}"] = (gpus, [
            (re.compile(rf"\bv_mfma_i32_16x16x{depth}_?i8\b"), across * across * 64 // depth),
            (re.compile(r"\bds_read(?:_b128|2\w*_b32)\b"), across + 2 * across), (re.compile(r"\bds_read"), 3 * across)])
    INSTRUCTIONS[f"gemm amd-wmma {edge}"] = ("gfx1100", [(re.compile(r"\bv_wmma_i32_16x16x16_iu8\b"), 2 * across * 4)])
# A warp of a low tile has half of the columns of its rows, a sub-group half of the rows of its columns, and so half of
# the products and of the reads of the one or of the other.
INSTRUCTIONS["gemm nvidia-mma low"] = ("sm_", [(re.compile(r"\bmma\.sync\.aligned\.m16n8k32\b"), 16),
                                               (re.compile(r"\bldmatrix\b"), 4), (re.compile(r"\bld\.shared\b"), 16)])
for name, reads in ("intel-dpas", 192), ("intel-dpas16", 128):
    gpus, ((instruction, count), (read, _)) = INSTRUCTIONS[f"gemm {name} 64"]
    INSTRUCTIONS[f"gemm {name} low"] = (gpus, [(instruction, count // 2), (read, reads)])
    for form in "low groups", "low groups table": # in the same loop
        INSTRUCTIONS[f"gemm {name} {form}"] = (gpus, [(instruction, count // 2)])
for name in "amd-mfma", "amd-mfma32", "amd-wmma":
    gpus, ((instruction, count), *_) = INSTRUCTIONS[f"gemm {name} 64"]
    INSTRUCTIONS[f"gemm {name} low"] = (gpus, [(instruction, count // 2)])
# With groups along K the loop is over instructions of a step, which a part may not fill: one at a time.
STEPS = {"nvidia-mma": 2, "amd-wmma": 4}
for name in "nvidia-mma", "amd-mfma", "amd-mfma32", "amd-wmma":
    for form in "groups", "groups table":
        gpus, ((instruction, count), *_) = INSTRUCTIONS[f"gemm {name} 64"]
        INSTRUCTIONS[f"gemm {name} {form}"] = (gpus, [(instruction, count // STEPS.get(name, 1))])
    INSTRUCTIONS[f"gemm {name} low groups"] = (gpus, [(instruction, count // 2 // STEPS.get(name, 1))])


# Of these, what other GPUs are compiled for too, without that instruction.
FOR_ALL = ("gemm portable", "gemm portable groups", "gemm portable groups table")


def has_instruction(target, build):
    return build[0] in INSTRUCTIONS and target.name.startswith(INSTRUCTIONS[build[0]][0])


def is_for(target, build):
    if target.name in ("pvc", "gfx908", "gfx940", "gfx1100"): # for what no other has
        return has_instruction(target, build)
    return build[0] not in INSTRUCTIONS or build[0] in FOR_ALL or has_instruction(target, build)


def check_instruction(target, build, kernel, lines):
    if has_instruction(target, build):
        lines_wanted = INSTRUCTIONS[build[0]][1]
        instruction = lines_wanted[0][0]
        having = [loop for loop in loops_of(lines, target.label, target.branch)
                  if any(instruction.search(lines[number]) for number in loop)]
        inner = min(having, key=len, default=range(0))
        for pattern, wanted in lines_wanted + [(target.access, 0)]: # the last: to private memory
            found = sum(1 for number in inner if pattern.search(lines[number]))
            if found != wanted:
                raise RuntimeError(f"{target.name} {build[0]} {kernel}: its loop has {found} of {pattern.pattern}, and "
                                   f"{wanted} are wanted")


def run(command, environment=None, folder=KERNELS):
    """What a tool printed; RuntimeError with its words where it failed."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def loops_of(lines, label, branch):
    """Ranges of lines: between a label and a branch back to it."""
    places = {}
    for number, line in enumerate(lines):
        found = label.match(line)
        if found:
            places[found.group(1)] = number
        found = branch.search(line)
        if found and found.group(1) in places:
            yield range(places[found.group(1)], number)


def accesses_in_loops(lines, label, branch, access):
    """How many lines that are an access lie in a loop."""
    looped = set().union(*loops_of(lines, label, branch))
    return sum(1 for number in looped if access.search(lines[number]))


def split(text, begin):
    """{kernel: its lines}, begun by lines that `begin` matches."""
    kernels, lines = {}, None
    for line in text.splitlines():
        found = begin.match(line)
        if found:
            lines = kernels.setdefault(found.group(1), [])
        if lines is not None:
            lines.append(line)
    return kernels


CLANG = ["clang-15", "-I.", "-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header", "-O3", "-S"]


class Target:
    """A GPU: its compiler's listings, in which `label`, `branch`, `access` and `vector` find what is counted."""

    version = ""  # of a compiler whose numbers are compared only where the budgets are of the same one
    local_limit = 65536  # bytes of local memory that a work-group has

    def __init__(self, name):
        self.name = name

    def counts(self, lines):
        """Accesses to private memory in loops, and accesses of vectors."""
        return [accesses_in_loops(lines, self.label, self.branch, self.access),
                sum(1 for line in lines if self.vector.search(line))]


class Nvidia(Target):
    """PTX for sm_80, the last that clang-15 knows, with libclc; what ptxas makes of it where there is one."""

    local_limit = 49152  # that the driver gives without being asked for more, for which OpenCL has no call
    library = pathlib.Path("/usr/lib/clc/nvptx64--nvidiacl.bc")
    label = re.compile(r"(\$L\w+):")
    branch = re.compile(r"\bbra(?:\.uni)?\s+(\$L\w+);")
    access = re.compile(r"\b(?:ld|st)\.local\b")
    vector = re.compile(r"\b(?:ld|st)\.global(?:\.nc)?\.v[24]\.")

    def __init__(self, name):
        super().__init__(name)
        self.ptxas = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")
        said = run([self.ptxas, "--version"]) if self.ptxas else ""
        self.version = "ptxas " + "".join(re.findall(r"release [0-9.]+, (\S+)", said))

    def missing(self):
        return "libclc-15" if not self.library.exists() else ""

    def measure(self, file, options, folder, listings):
        listing = folder / "kernel.ptx"
        run(CLANG + ["-target", "nvptx64--nvidiacl", "-nogpulib", "-Xclang", "-target-cpu", "-Xclang", "sm_80",
                     "-Xclang", "-target-feature", "-Xclang", "+ptx75", "-Xclang", "-mlink-builtin-bitcode",
                     "-Xclang", self.library, "-o", listing, file] + options)
        text = listing.read_text()
        kernels = {}
        shared = {name: int(size) for name, size in re.findall(r"\.shared .*?\s([\w$]+)\[(\d+)\];", text)}
        listings.update(split(text, re.compile(r"\.visible \.entry (\w+)\(")))
        for kernel, lines in listings.items():
            body = "\n".join(lines)
            depot = re.search(r"__local_depot\d+\[(\d+)\]", body)
            local = sum(size for name, size in shared.items() if re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", body))
            kernels[kernel] = [None, int(depot.group(1)) if depot else 0, None] + self.counts(lines) + [local]
        if self.ptxas:
            said = run([self.ptxas, "-v", f"-arch={self.name}", listing, "-o", folder / "kernel.cubin"])
            for kernel, stack, spilled, registers, rest in re.findall(
                    r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores"
                    r".*?Used (\d+) registers([^\n]*)", said, re.DOTALL):
                kernels[kernel][:3] = int(registers), int(stack), int(spilled)
                kernels[kernel][5] = sum(map(int, re.findall(r"(\d+) bytes smem", rest)))
        return kernels


class Amd(Target):
    """A listing by clang; the numbers stand in its metadata. Of gfx1100 clang 15 knows half of the registers."""

    bitcode = pathlib.Path("/usr/lib/x86_64-linux-gnu/amdgcn/bitcode")
    stand_in = {"gfx1100": "1030"}  # by whose constants the device libraries are linked that have none for it
    label = re.compile(r"(\.LBB\w+):")
    branch = re.compile(r"\bs_c?branch\w*\s+(\.LBB\w+)")
    # s[0:3]: the descriptor of the scratch
    access = re.compile(r"\bscratch_(?:load|store)|\bbuffer_(?:load|store)\w* .* s\[0:3\], ")
    vector = re.compile(r"\b(?:global|flat)_(?:load|store)_(?:dwordx[234]|b(?:64|96|128))")

    def __init__(self, name):
        super().__init__(name)
        self.clang = "clang-16" if name == "gfx1100" else "clang-15"

    def missing(self):
        return self.clang if not shutil.which(self.clang) else "rocm-device-libs" if not self.bitcode.exists() else ""

    def libraries(self, folder):
        """The device libraries, with a name for this GPU."""
        if self.name not in self.stand_in:
            return self.bitcode
        for file in self.bitcode.glob("*.bc"):
            (folder / file.name).symlink_to(file)
        constants = self.bitcode / f"oclc_isa_version_{self.stand_in[self.name]}.bc"
        (folder / f"oclc_isa_version_{self.name[3:]}.bc").symlink_to(constants)
        return folder

    def measure(self, file, options, folder, listings):
        listing = folder / "kernel.s"
        run([self.clang] + CLANG[1:] + ["-target", "amdgcn-amd-amdhsa", f"-mcpu={self.name}",
                                        f"--rocm-device-lib-path={self.libraries(folder)}", "-mcode-object-version=5",
                                        "-o", listing, file] + options)
        text = listing.read_text()
        code = split(text, re.compile(r"(\w+):\s+; @\w+"))
        kernels = {}
        for part in text.split("amdhsa.kernels:")[1].split("  - .")[1:]:
            facts = dict(re.findall(r"\.?(\w+):\s+'?(\w+)'?\n", part))
            if "vgpr_count" not in facts or facts.get("name") not in code:
                continue
            listings[facts["name"]] = code[facts["name"]]
            kernels[facts["name"]] = [int(facts["vgpr_count"]), int(facts["private_segment_fixed_size"]),
                                      int(facts["vgpr_spill_count"])] + self.counts(code[facts["name"]])
            kernels[facts["name"]].append(int(facts["group_segment_fixed_size"]))
        return kernels


FETCH = ["install", "-y", "-q", "--no-install-recommends", "--download-only", "-o", f"Dir::Cache::archives={OCLOC}",
         "intel-opencl-icd"]


@functools.cache
def ocloc():
    """(Intel's offline compiler, the environment it runs in), or None: the system's, or one fetched and unpacked."""
    if shutil.which("ocloc"):
        return "ocloc", None
    root = OCLOC / "root"
    tool = root / "usr/bin/ocloc"
    libraries = root / "usr/lib/x86_64-linux-gnu"
    if not tool.exists() and shutil.which("apt-get"):
        (OCLOC / "partial").mkdir(parents=True, exist_ok=True)
        for words in (FETCH, ["update", "-q"], FETCH):
            if subprocess.run(["apt-get"] + words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                              timeout=300).returncode == 0 and words is FETCH:
                break
        for package in OCLOC.glob("*.deb"):
            run(["dpkg", "-x", package, root])
        for library in libraries.glob("libiga64.so.*"): # opened by another name than the package has
            (libraries / "libiga64.so").unlink(missing_ok=True)
            (libraries / "libiga64.so").symlink_to(library.name)
    if not tool.exists():
        return None
    places = [str(libraries), os.environ.get("LD_LIBRARY_PATH", "")]
    return str(tool), dict(os.environ, LD_LIBRARY_PATH=":".join(filter(None, places)))


class Intel(Target):
    """The listing that ocloc makes of a binary of its own, whose notes (.ze_info) have sizes."""

    label = re.compile(r"(L\d+):")
    branch = re.compile(r"\b(?:goto|while|jmpi|brc|brd)\S*\s.*\b(L\d+)\s*(?:\{.*)?$") # the last is where it goes
    access = re.compile(r"\bscratch block\b")
    # of LSC, and of HDC but for local memory, which is surface 254
    vector = re.compile(r"\.ugm\.d32x[2348]\.|0x\w{6}(?!FE)\w\w .*\buntyped surface (?:read|write) with xy")

    def __init__(self, name):
        super().__init__(name)
        if ocloc():
            with tempfile.TemporaryDirectory(prefix="clquant-gpu.") as folder:
                self.run_ocloc(["query", "OCL_DRIVER_VERSION"], folder)
                self.version = "ocloc " + (pathlib.Path(folder) / "OCL_DRIVER_VERSION").read_text().strip("\0\n ")

    @staticmethod
    def run_ocloc(arguments, folder=KERNELS):
        tool, environment = ocloc()
        return run([tool] + arguments, environment, folder)

    def missing(self):
        return "" if ocloc() else "ocloc (intel-opencl-icd)"

    def measure(self, file, options, folder, listings):
        self.run_ocloc(["compile", "-q", "-file", file, "-device", self.name, "-internal_options",
                        "-cl-intel-allow-zebin", "-options", " ".join(["-cl-std=CL1.2", "-I", "."] + options),
                        "-out_dir", folder, "-output", "kernel", "-output_no_suffix"])
        (folder / "parts").mkdir()
        self.run_ocloc(["disasm", "-file", folder / "kernel", "-device", self.name, "-dump", folder / "parts"])
        kernels = {}
        for part in re.split(r"\n  - name: +", (folder / "parts/.ze_info").read_text().split("\nkernels_misc_info")[0])[1:]:
            kernel = part.split("\n", 1)[0].strip()
            if kernel == "Intel_Symbol_Table_Void_Program": # where there are functions that are called
                continue
            lines = (folder / f"parts/.text.{kernel}.asm").read_text().splitlines()
            listings[kernel] = lines
            memory = {"private_space": 0, "spill_fill_space": 0, "single_space": 0}
            for usage, size in re.findall(r"usage: +(\w+)\n +size: +(\d+)", part):
                memory[usage] = memory.get(usage, 0) + int(size)
            # one for both before Xe HPG
            both = "spill_fill_space" if any(self.access.search(line) for line in lines) else "private_space"
            memory[both] += memory["single_space"]
            kernels[kernel] = [int(re.search(r"grf_count: +(\d+)", part).group(1)), memory["private_space"],
                               memory["spill_fill_space"]] + self.counts(lines)
            kernels[kernel].append(sum(map(int, re.findall(r"slm_size: +(\d+)", part))))
        return kernels


TARGETS = {"sm_80": Nvidia, "sm_90": Nvidia, "gfx906": Amd, "gfx90a": Amd, "gfx1030": Amd, "gfx908": Amd, "gfx940": Amd,
           "gfx1100": Amd, "dg2-g10": Intel, "tgllp": Intel, "pvc": Intel}


def measure(target, build):
    name, file, options = build
    with tempfile.TemporaryDirectory(prefix="clquant-gpu.") as folder:
        listings = {}
        kernels = target.measure(file, [option if option[0] == "-" else "-D" + option for option in options], pathlib.Path(folder), listings)
    for kernel, lines in listings.items():
        check_instruction(target, build, kernel, lines)
    if not kernels:
        raise RuntimeError(f"{target.name} {name}: no kernel was found in the listing")
    return {f"{target.name} | {name} | {kernel}": numbers for kernel, numbers in kernels.items()}


def read_budgets():
    rows = {}
    for line in BUDGETS.read_text().splitlines() if BUDGETS.exists() else []:
        if line and not line.startswith("#"):
            key, numbers = line.rsplit("|", 1)
            rows[key.strip()] = [None if n == "-" else int(n) for n in numbers.split()]
    return rows


def line_of(key, numbers):
    return f"{key:<56} | " + " ".join(f"{'-' if n is None else n:>5}" for n in numbers)


@functools.cache
def rows_of_tiles():
    """{variant that multiplies matrices: bytes of local memory that the host reckons with for a row of the greater tile}."""
    rows = dict(re.findall(r"\[CLQ_VARIANT_(\w+)\] = \{\{\d+, \d+\}, (\d+), \d+\}", TILES.read_text()))
    rows = {variant.lower().replace("_", "-"): int(each) for variant, each in rows.items()}
    variants = {"nvidia-mma", *MATRIX_OPTIONS}
    if set(rows) != variants:
        raise RuntimeError(f"{TILES}: local memory of {sorted(rows)}, and {sorted(variants)} are built")
    return rows


def reckoned(build):
    """Bytes of local memory that the host asks a device for, before it takes the greater tile; for lesser tiles it asks
    for none, since each device of a full profile has as much."""
    for variant, each in rows_of_tiles().items():
        if build.startswith(f"gemm {variant} "):
            return 128 * each if build.endswith(" 128") else LEAST_LOCAL
    return 1 << 30


def beyond_limits(found):
    """What no budget allows: more local memory than there is, or than the host asks for."""
    failures = []
    for key, numbers in found.items():
        target, build, _ = key.split(" | ")
        limit = min(TARGETS[target].local_limit, reckoned(build))
        if numbers[5] > limit:
            failures.append(f"{key}: {numbers[5]} bytes of local memory, of which there are {limit}")
    return failures


def compare(found, budgets, others):
    """`others`: targets whose numbers are those of another compiler than the budgets'."""
    failures = beyond_limits(found)
    for key, numbers in found.items():
        if key not in budgets:
            failures.append(f"{key}: has no budget")
            continue
        for column, got, budget in zip(COLUMNS, numbers, budgets[key]):
            if column in COLUMNS[:3] and key.split()[0] in others:
                continue
            worse = None not in (got, budget) and (got < budget if column == "vectors" else got > budget)
            if worse:
                failures.append(f"{key}: {column} {got}, the budget is {budget}")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--only", default="", help="builds with this in their name")
    parser.add_argument("--quick", action="store_true", help="sm_80, gfx90a, gfx1100 and dg2-g10, and two of the types")
    given = parser.parse_args()
    targets = []
    left_out = []
    for name in given.target or (("sm_80", "gfx90a", "gfx1100", "dg2-g10") if given.quick else TARGETS):
        target = TARGETS[name](name)
        missing = "clang-15" if shutil.which("clang-15") is None else target.missing()
        if missing:
            left_out.append(f"{name}: left out, for there is no {missing}")
        else:
            targets.append(target)
    chosen = [build for build in builds()
              if given.only in build[0] and not (given.quick and re.search("f16|f32 u4|bf16 s8|gemv 4", build[0]) and
                                                 not build[0].endswith("bf16 u4"))]
    found = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for kernels in pool.map(lambda job: measure(*job), [(t, b) for t in targets for b in chosen if is_for(t, b)]):
            found.update(kernels)
    for key, numbers in found.items():
        print(line_of(key, numbers))
    print("\n".join(left_out), end="\n" if left_out else "")
    budgets = read_budgets()
    versions = set(re.findall(r"^# ((?:ptxas|ocloc) \S+)$", BUDGETS.read_text() if BUDGETS.exists() else "", re.MULTILINE))
    others = {target.name for target in targets if target.version and target.version not in versions}
    if given.write:
        budgets.update(found)
        lines = ["# target | kernel as built | kernel | registers, private bytes, spilled, accesses in loops, vectors, "
                 "local bytes",
                 "# scripts/lint-gpu.py --write makes this file; more than stands here, or fewer vectors, fails it."]
        written = {target.version for target in targets if target.version}
        written |= {version for version in versions if version.split()[0] not in {new.split()[0] for new in written}}
        lines += [f"# {version}" for version in sorted(written)]
        BUDGETS.write_text("\n".join(lines + [line_of(*row) for row in sorted(budgets.items())]) + "\n")
        failures = beyond_limits(found)
        print("\n".join(failures), end="\n" if failures else "")
        return 1 if failures else 0
    failures = compare(found, budgets, others)
    print("\n".join(failures), end="\n" if failures else "")
    print(f"{len(found)} kernels for {len(targets)} GPUs: {len(failures)} above budget")
    return 1 if failures or (left_out and os.environ.get("CLQ_REQUIRE_GPU_COMPILERS")) else 0


if __name__ == "__main__":
    sys.exit(main())
