# SPDX-License-Identifier: Apache-2.0
"""What is run: between them the runs show every member of every schema. Each is (exit code, words)."""
import os
import re

from inputs import NASTY_PATH, write

SEVERAL = ["--device", "native,reference"]
OUT = ["-o", "out", "--force"]
Q = ["quantize", "m.safetensors", "-o", "q.safetensors", "--force"]


def quantize():
    yield from ((0, Q + words) for words in (
        [], ["--granularity", "tensor", "--preset", "affine"], ["--granularity", "group", "--group-size", "3"],
        ["--dtype", "u8", "--preset", "onnx"], ["--dtype", "s4"], ["--dtype", "u4", "--preset", "onnx"],
        ["--dtype", "s16"], ["--dtype", "u16", "--preset", "onnx"], ["--dry-run"], ["--check", "sample"],
        ["--check", "all"], ["--range", "-1:1"], ["--scale", "0.5", "--zero-point", "3"], ["--calibrate", "mse"]))
    yield 0, [*Q, *SEVERAL]
    yield 0, ["quantize", "nonfinite.safetensors", "--nonfinite", "ignore", *OUT]
    yield 0, ["quantize", "nonfinite.safetensors", "--nonfinite", "ignore", "--preset", "affine", "--granularity",
              "tensor", *OUT]
    yield 0, ["quantize", "nasty.safetensors", *OUT]
    yield 0, ["quantize", NASTY_PATH, "-o", NASTY_PATH + b"\x9b.safetensors", "--force"]
    yield 0, ["quantize", "m.gguf", "-o", "q.gguf", "--force"]
    yield 0, ["quantize", "m.gguf", "-o", "q.gguf", "--force", "--dtype", "q4_0"]
    yield 0, ["quantize", "shards/s.safetensors.index.json", "-o", "t.safetensors.index.json", "--force"]
    yield 0, ["quantize", "model", "-o", "quantized"]
    yield 0, ["quantize", "ids.safetensors", "--allow-empty", *OUT]
    yield 6, ["quantize", "m.safetensors", "--strict", *OUT]
    yield 6, Q + ["--fail-sqnr-below", "200"]
    yield 7, ["quantize", "nonfinite.safetensors", *OUT]
    yield 6, ["quantize", "ids.safetensors", *OUT]


def join():
    for part in ("1/2", "2/2"):
        yield 0, ["quantize", "m.safetensors", "-o", "parts.safetensors", "--part", part]
    yield 0, ["join", "parts.safetensors"]
    yield 2, ["join", "parts.safetensors"]


def dequantize():
    yield 0, ["dequantize", "q.safetensors", *OUT]
    yield 0, ["dequantize", "q.safetensors", "--dtype", "f16", "--check", "sample", *OUT]
    yield 0, ["dequantize", "q.safetensors", "--check", "all", *OUT]
    yield 0, ["dequantize", "q.safetensors", *OUT, *SEVERAL]
    yield 0, ["dequantize", "q.gguf", "-o", "back.gguf", "--force"]
    yield 0, ["dequantize", "quantized", "-o", "back"]
    yield 0, ["dequantize", "steep.safetensors", "--dtype", "f16", *OUT]
    yield 6, ["dequantize", "steep.safetensors", "--dtype", "f16", "--strict", *OUT]
    yield 0, ["dequantize", "ids.safetensors", "--allow-empty", *OUT]


def minmax():
    for words in ([], ["--granularity", "channel"], ["--granularity", "group", "--group-size", "2"],
                  ["--check", "sample"], ["--check", "all"]):
        yield 0, ["minmax", "m.safetensors", *words]
        yield 0, ["minmax", "nonfinite.safetensors", "--nonfinite", "ignore", *words]
    yield 0, ["minmax", "m.safetensors", *SEVERAL]
    yield 7, ["minmax", "nonfinite.safetensors"]
    yield 0, ["minmax", "nan.npy", "--nonfinite", "ignore"]
    yield 0, ["minmax", NASTY_PATH]
    yield 6, ["minmax", "ids.safetensors"]


def compare():
    yield 0, ["compare", "m.safetensors", "m.safetensors"]
    yield 0, ["compare", "m.safetensors", "q.safetensors"]
    yield 0, ["compare", "m.safetensors", "q.safetensors", *SEVERAL]
    yield 5, ["compare", "m.safetensors", "other.safetensors"]
    yield 6, ["compare", "m.safetensors", "q.safetensors", "--fail-sqnr-below", "200"]
    yield 0, ["compare", "ids.safetensors", "ids.safetensors"]
    yield 0, ["compare", "nonfinite.safetensors", "nonfinite.safetensors"]
    yield 0, ["compare", NASTY_PATH, NASTY_PATH]
    yield 0, ["compare", "nasty.safetensors", "nasty.safetensors"]


def calibrate():
    for method in ("minmax", "moving-average:0.5", "mean", "percentile:99", "mse", "entropy"):
        for words in ([], ["--granularity", "channel", "--axis", "-1"]):
            yield 0, ["calibrate", "x.npy", "y.npy", "--name", "x", "--method", method, *words, *OUT]
    yield 0, ["calibrate", "x.npy", "y.npy", "--name", "x", *OUT, *SEVERAL]
    yield 0, ["calibrate", "m.safetensors", "--method", "entropy", "--histograms", *OUT]
    yield 0, ["calibrate", "x.npy", "--check", "sample", *OUT]
    yield 0, ["calibrate", "m.safetensors", "--method", "mse", "--preset", "onnx", "--histograms", "--check", "all", *OUT]
    yield 0, ["calibrate", "m.safetensors", "--include", "[wvz]*", "--exclude", "zero", *OUT]
    yield 0, ["calibrate", "nonfinite.safetensors", "--nonfinite", "ignore", *OUT]
    for dtype in ("u8", "s4", "u4"):
        yield 0, ["calibrate", "x.npy", "--method", "mse", "--preset", "onnx", "--dtype", dtype, *OUT]
    yield 0, ["calibrate", NASTY_PATH, "-o", NASTY_PATH + b".json"]
    yield 6, ["calibrate", "nan.npy", "--nonfinite", "ignore", "--plot", "p.svg", *OUT]


def info():
    yield 0, ["info", "m.safetensors", "q.safetensors", "m.gguf", "q.gguf", "x.npy", "model", "quantized",
              "shards/s.safetensors.index.json", NASTY_PATH, NASTY_PATH + b"\x9b.safetensors", "nasty.safetensors"]
    yield 0, ["quantize", "m.safetensors", "-o", "words.safetensors", "--format", "pack-quantized", "--dtype", "s4"]
    yield 0, ["quantize", "m.safetensors", "-o", "each.safetensors", "--granularity", "tensor", "--preset", "affine"]
    yield 0, ["info", "words.safetensors", "each.safetensors"]
    yield 3, ["info", "odd.safetensors", "bad.safetensors", "x.npy"]
    yield 1, ["info", b"no\xff\xc3"]


def gemm():
    product = ["gemm", "a.npy", "b.npy", "-o", "c.npy", "--force"]
    scales = ["--scale-a", "0.5", "--scale-b", "0.5", "--scale-c", "1"]
    yield 0, product
    yield 0, ["gemm", "b.npy", "a.npy", "-o", NASTY_PATH + b".c.npy"]
    yield 0, product + ["--dtype", "f32", "--check"]
    for mode in ("double", "single", "shift", "float", "single-away", "double-up"):
        yield 0, product + ["--dtype", "s8" if mode < "e" else "u8", "--requant", mode, *scales]
    yield 3, ["gemm", "a.npy", "a.npy", "-o", "c.npy", "--force"]


def others():
    yield 0, ["multiplier", "0.0088", "--bits", "8"]
    yield 0, ["multiplier", "1e-30", "--sample", "-19868", "--max-shift", "0"]
    for model in ("mobilenet-v2", "transformer-block"):
        yield 0, ["sample", model, "-o", "sample.safetensors", "--force"]
    yield 0, ["devices"]
    yield 0, ["bench", "minmax", "gemm", "--quick", "--rounds", "1", "--shapes", "shapes"]


def failures():
    """Of every verb, and of none: the object that is printed instead."""
    for verb, words in (("quantize", ["m.safetensors"]), ("dequantize", ["m.safetensors"]), ("minmax", []),
                        ("compare", ["m.safetensors"]), ("calibrate", ["m.safetensors"]), ("info", []), ("gemm", ["a.npy"]),
                        ("multiplier", ["nan"]), ("verify", ["x"]), ("tune", ["x"]), ("sample", ["x"]), ("devices", ["x"]),
                        ("bench", [b"\xff\x1b[31m\""])):
        yield 2, [verb, *words]
        yield 2, [verb, b"--bogus\xff\x1b\""]
    yield 1, ["quantize", b"nowhere\xff\x1b\"\n.npy", *OUT]
    yield 3, ["minmax", "bad.safetensors"]
    yield 4, ["minmax", "x.npy", "--device", b"nonsense\xff\xe2\x82"]
    yield 2, ["tune"]
    yield 2, ["quantize", "m.safetensors", *OUT, "--js", "--bogus"]


def on_device():
    """Little, since kernels are compiled for it."""
    yield 0, ["devices", "--probe"]
    yield 0, Q
    yield 0, ["gemm", "a.npy", "b.npy", "-o", "c.npy", "--force"]
    yield 0, ["tune", "--budget", "1", "--operation", "minmax"]
    yield 0, ["tune", "--export", "tuning", "--force"]
    with open("tuning") as table, open("byhand", "w") as changed:
        changed.write(re.sub("^checksum.*", "walk.items 64\nchecksum none", table.read(), flags=re.M))
    yield 0, ["tune", "--import", "byhand"]
    yield 3, ["tune", "--import", "bad.safetensors"]
    for extent in ([], ["--quick"], ["--full"]):
        yield 0, ["verify", "--only", "probe-integer/add", "--seed", "18446744073709551615", *extent]


def on_faulty_device():
    """(exit code, words, habits of tests/zoo): what is told of devices that fail or lack something."""
    write("fault", b"return a + b;\treturn a - b;\n")
    verify = ["verify", "--quick", "--seed", "5", "--only"]
    yield 5, [*verify, "probe-integer/add", "--reproduce", "faults", "--report", "report.json"], \
        "mutate=" + os.path.abspath("fault")
    write("refused", b"\t#error no\\n\n")
    yield 4, [*verify, "probe-integer/add"], "mutate=" + os.path.abspath("refused")
    yield 5, [*verify, "probe-memory/atomics-global"], "crash=probe_atomic:3"
    yield 6, [*verify, "probe-queue/out-of-order-events"], "in-order"
    yield 4, ["minmax", "m.safetensors"], "fail=clEnqueueNDRangeKernel:1:-6"
    yield 4, ["devices", "--probe"], "fail=clEnqueueNDRangeKernel:2:-5"  # the first asks how long loops may be


def all_runs():
    for verb in (quantize, join, dequantize, minmax, compare, calibrate, info, gemm, others, failures):
        yield from verb()
