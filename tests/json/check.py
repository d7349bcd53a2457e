# SPDX-License-Identifier: Apache-2.0
"""
What `clquant VERB --json` prints, held to docs/schemas: every verb in many ways, on the reference and on a device, also
after failures; and the objects among the expectations of tests/cli. Then, which members no run has shown.

    check.py --command PATH [--device SPEC]

CLQ_ZOO_LAYER and CLQ_ICD_FOLDER (tests/CMakeLists.txt): devices that fail, without which not all can be shown.
Exit code: 0 all fits, 1 something does not.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

import inputs
import runs
import schemas

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REQUIRED = os.environ.get("CLQ_REQUIRE_DEVICE") == "1"

# Members, nulls and words that no run shows, and why. What is listed and shown all the same is a fault, too.
NO_PEER = "there are peers in clquant-bench only, whose reports test_bench_command reads"
UNSEEN = {
    "bench.platform = null": "of a device that does not say it",
    "bench.driver = null": "of a device that does not say it",
    "bench.peer (other than null)": NO_PEER,
    'bench.rows[].role = "peer"': NO_PEER,
    "bench.rows[].peer (other than null)": NO_PEER,
    "bench.rows[].peer_ratio (other than null)": NO_PEER,
    "bench.rows[].best_peer_ratio (other than null)": NO_PEER,
    "bench.rows[].target (other than null)": NO_PEER,
    'bench.rows[].outcome = "failed"': "of a kernel that differs after its trial; test_bench_command has one",
    "bench.error": "likewise",
    'bench.rows[].outcome = "stopped"': "of a run that was interrupted",
    "dequantize.summary.device = null": "the summary is that of quantize; dequantize opens a device always",
    "devices.devices[].operations[].variant = null": "of a device on which no kernel could run",
    'sample.model = "resnet-50"': "100 MB say nothing that the others do not",
    "verify.only = null": "all cases take minutes",
}

# What the machine decides, or how fast it is: either is fine. And the report of join, which is printed as that of quantize.
PERHAPS = ("join.", "bench.instructions", "bench.rows[].outcome",
           "bench.rows[].median_seconds = null", "bench.rows[].best_seconds = null",
           "bench.rows[].gb_per_second", "bench.rows[].best_gb_per_second",
           "bench.rows[].gops", "bench.rows[].best_gops", "devices.devices[].type", "tune.searched[].")

# Objects among the expectations of tests/cli that are no reports.
OTHER_OBJECTS = {"quantize_config": "a quantization_config", "quantize_folder": "a config.json",
                 "quantize_shards": "an index of shards"}


class Checker:
    def __init__(self, command):
        self.command = os.path.abspath(command)
        self.verbs, self.faults = schemas.read(os.path.join(ROOT, "docs", "schemas"))
        self.count = 0

    def fault(self, what, problems):
        self.faults += ["%s: %s" % (what, problem) for problem in problems]

    def run(self, code, words, environment=None):
        """One run with --json: its exit code, one whole object and nothing else, which fits the schema of the verb."""
        done = subprocess.run([self.command, *words, *([] if "--js" in words else ["--json"])], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **(environment or {})))
        what = " ".join(os.fsdecode(word).encode("ascii", "backslashreplace").decode() for word in words)
        self.count += 1
        if done.returncode != code:
            self.fault(what, ["exit code %d, not %d: %r" % (done.returncode, code, done.stderr[-200:])])
        report = self.judge(what, self.verbs[words[0]], done.stdout)
        if report is not None and ("error" in report) != (code != 0):
            self.fault(what, ["exit code %d, and %s member 'error'" % (code, "no" if code else "a")])
        return report

    def judge(self, what, verb, data):
        try:
            report = schemas.parse(data)
        except ValueError as error:
            self.fault(what, ["not one object of JSON: %s: %r" % (error, data[:200])])
            return None
        self.fault(what, verb.judge_report(report))
        return report


def judge_verbs(checker):
    """A schema for each verb that has --json, and none besides."""
    text = subprocess.run([checker.command, "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    listed = re.search(r"^verbs:\n((?:  .*\n)+)", text, re.M).group(1)
    verbs = set(re.findall(r"^  (\S+)", listed, re.M)) - {"help", "man", "completion"}  # which print what they are named for
    if verbs != set(checker.verbs):
        checker.faults.append("verbs without a schema, or schemas without a verb: %s" % sorted(verbs ^ set(checker.verbs)))


def judge_written(checker):
    """What was written besides is strict JSON as well: configurations, indexes, ranges, headers of safetensors."""
    for folder, _, files in os.walk(os.fsencode(".")):
        for file in files:
            path = os.path.join(folder, file)
            with open(path, "rb") as stream:
                data = stream.read(1 << 20)
            if path.endswith(b".safetensors") and file != b"bad.safetensors":
                length = int.from_bytes(data[:8], "little")
                data = data[8:8 + length].rstrip(b" ")
            elif not path.endswith(b".json"):
                continue
            try:
                schemas.json.loads(data.decode("utf-8"), object_pairs_hook=schemas.no_duplicates,
                                   parse_constant=schemas.no_constant)
            except ValueError as error:
                if file != b"bad.safetensors":
                    checker.fault(repr(path), ["not JSON: %s" % error])


def judge_expectations(checker):
    """
    Objects that the cases of tests/cli expect. What differs from run to run was taken out of them, or is a letter, so
    members may be missing; which verb printed them is not told, so one must know all members.
    """
    folder = os.path.join(ROOT, "tests", "cli")
    found = 0
    for file in sorted(os.listdir(folder)):
        case = file.split(".")[0]
        if ".stdout." not in file or case in OTHER_OBJECTS:
            continue
        with open(os.path.join(folder, file), encoding="utf-8") as stream:
            text = stream.read()
        for block in re.findall(r"^\{\n.*?^\}$", text, re.M | re.S):
            block = re.sub(r'^ *"\w+": [A-Z],?\n', "", block, flags=re.M)
            block = re.sub(r",(\s*[}\]])", r"\1", block)
            found += 1
            try:
                report = schemas.parse(block.encode())
            except ValueError as error:
                checker.fault(file, ["not JSON: %s: %s" % (error, block[:200])])
                continue
            results = {name: verb.judge_report(report, partial=True) for name, verb in checker.verbs.items()}
            if all(results.values()):
                name = min(results, key=lambda verb: len(results[verb]))
                checker.fault("%s, an object of %s perhaps" % (file, name), results[name])
    if found < 20:
        checker.faults.append("only %d objects were found in tests/cli" % found)
    return found


def judge_unseen(checker):
    unseen = [label for verb in checker.verbs.values() for label in verb.unseen()]
    checker.faults += [label + ": no run shows it" for label in unseen if label not in UNSEEN and not label.startswith(PERHAPS)]
    checker.faults += [label + ": is shown, or is no member, and listed as unseen" for label in UNSEEN if label not in unseen]


def broken_driver(checker):
    """A driver that ends the process that loads it is told by devices (tests/zoo/broken_icd.c), and that there is none."""
    os.mkdir("drivers")
    inputs.write("drivers/bad.icd", (os.environ["CLQ_ICD_FOLDER"] + "/libclquant_icd_exits.so\n").encode())
    checker.run(0, ["devices"], {"OCL_ICD_VENDORS": "drivers", "CLQUANT_DRIVER_SECONDS": "20"})
    os.mkdir("none")
    checker.run(0, ["devices"], {"OCL_ICD_VENDORS": "none"})


def check(checker, device):
    os.environ["CLQUANT_DEVICE"] = "reference"
    inputs.make()
    judge_verbs(checker)
    for code, words in runs.all_runs():
        checker.run(code, words)
    found = judge_expectations(checker)
    report = checker.run(0, ["devices"]) or {"devices": []}
    real = device != "reference" and any(d["usable"] and d["spec"] not in ("native", "reference")
                                 for d in report["devices"])
    if not real and REQUIRED and device != "reference":
        checker.faults.append("there is no device, and CLQ_REQUIRE_DEVICE=1")
    if real:
        for code, words in runs.on_device():
            checker.run(code, [words[0], "--device", device, *words[1:]])
    if real and os.environ.get("CLQ_ZOO_LAYER") and os.environ.get("CLQ_ICD_FOLDER"):
        layer = {"OPENCL_LAYERS": os.environ["CLQ_ZOO_LAYER"]}
        for code, words, habits in runs.on_faulty_device():
            checker.run(code, [words[0], "--device", device, *words[1:]], dict(layer, CLQ_ZOO=habits, CLQUANT_CACHE_DIR=""))
        with open("report.json", "rb") as stream:
            checker.judge("verify --report", checker.verbs["verify"], stream.read())
        broken_driver(checker)
        judge_unseen(checker)
    else:
        print("members that no run shows are not told: that needs a device and the layer of tests/zoo")
    judge_written(checker)
    print("%d runs, %d objects of tests/cli" % (checker.count, found))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--command", required=True)
    parser.add_argument("--device", default="reference")
    options = parser.parse_args()
    checker = Checker(options.command)
    scratch = tempfile.mkdtemp(prefix="clquant-json.")
    try:
        os.chdir(scratch)
        os.mkdir("cache", 0o700)
        os.environ.update(CLQUANT_CACHE_DIR=os.path.abspath("cache"), LC_ALL="C")
        os.environ.setdefault("CLQUANT_DRIVER_SECONDS", "0")
        os.environ.setdefault("CLQUANT_COMPILE_SECONDS", "0")
        check(checker, options.device)
    finally:
        os.chdir("/")
        shutil.rmtree(os.fsencode(scratch))
    for fault in checker.faults:
        print("FAIL " + fault.encode("ascii", "backslashreplace").decode())
    return 1 if checker.faults else 0


if __name__ == "__main__":
    sys.exit(main())
