#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the Python package gguf (llama.cpp's own) makes of our files, and we of its files.

    pip install gguf            # in a virtual environment; tried with 0.19
    scripts/test-loaders-gguf.py build/host/clquant [--device SPEC]

Its writer makes a model of random and odd tensors; clquant quantizes it to Q8_0 and to Q4_0. Its reader must read both,
find all keys and tensors as they were, and in every block the bytes of its own quantization; what clquant makes real
again must be what it makes real, to the bit.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize

ROUTER = "blk.0.ffn_gate_inp.weight"
NORM = "blk.0.attn_norm.weight"
OTHER = "blk.0.attn_k.weight"  # Q4_1, which is copied


def as_bf16(values):
    """Bits of bf16, to nearest."""
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def odd_rows(rng):
    """Blocks at which a rounding or an order may show: zeros, ties, equal magnitudes, tiny and large scales."""
    rows = [np.zeros(32)]
    rows += [rng.standard_normal(32) * 10.0**e for e in (-36, -32, -30, -12, -8, -7, -6, -5, -4, 0, 4, 5)]
    rows += [np.arange(-16, 16), np.arange(-127, 129, 8), np.resize([1.0, -1.0], 32), np.resize([-8.0, 8.0, 0.5], 32)]
    rows += [(rng.integers(-254, 255, 32) / 2.0) for _ in range(64)]  # half steps
    rows += [(rng.integers(-32, 33, 32) / 4.0) for _ in range(64)]
    rows += [rng.standard_normal(32) for _ in range(64)]
    return np.array(rows, dtype=np.float32)


def make_model(path, rng):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("a model of this test")
    writer.add_block_count(1)
    writer.add_file_type(1)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "\u00e9", ""])
    writer.add_array("tokenizer.ggml.scores", [0.5, -1.0, 2.0, 0.0])
    writer.add_float64("test.wide", 0.1)
    tensors = {
        "token_embd.weight": (rng.standard_normal((96, 64)).astype(np.float16), None),
        NORM: (rng.standard_normal(64).astype(np.float32), None),
        "blk.0.attn_q.weight": (odd_rows(rng), None),
        OTHER: (quantize(rng.standard_normal((8, 64)).astype(np.float32), Type.Q4_1), Type.Q4_1),
        "blk.0.ffn_up_exps.weight": (as_bf16(rng.standard_normal((3, 5, 96))).view(np.uint8), Type.BF16),
        ROUTER: (rng.standard_normal((4, 64)).astype(np.float32), None),
        "blk.0.ffn_down.weight": (rng.standard_normal((2048, 512)).astype(np.float32), None),
        "output.weight": (rng.standard_normal((96, 64)).astype(np.float16), None),
    }
    for name, (data, kind) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reals(tensor):
    """The tensor's values in f32, row-major."""
    shape = [int(n) for n in reversed(tensor.shape)]
    return dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(shape)


def keys(reader):
    return {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}


def expected_type(name, kind, wanted):
    if name in (ROUTER, NORM, OTHER):
        return kind
    return Type.Q8_0 if name == "output.weight" else wanted


def compare(source, made, wanted):
    before, after = keys(source), keys(made)
    assert after.pop("general.file_type") == (7 if wanted == Type.Q8_0 else 2)
    assert after.pop("general.quantization_version") == 2
    before.pop("general.file_type")
    assert before == after and list(before) == list(after), "keys"
    assert [t.name for t in source.tensors] == [t.name for t in made.tensors]
    for old, new in zip(source.tensors, made.tensors):
        kind = expected_type(old.name, old.tensor_type, wanted)
        assert new.tensor_type == kind, (new.name, new.tensor_type, kind)
        assert list(new.shape) == list(old.shape)
        want = old.data if kind == old.tensor_type else quantize(reals(old), kind)
        want = np.ascontiguousarray(want).view(np.uint8).reshape(-1)
        got = np.ascontiguousarray(new.data).view(np.uint8).reshape(-1)
        assert want.size == got.size, new.name
        differ = np.flatnonzero(want != got)
        assert differ.size == 0, f"{new.name}: {differ.size} bytes differ, the first at {differ[0]}"


def main():
    clquant = [sys.argv[1]]
    device = sys.argv[2:]
    rng = np.random.default_rng()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.gguf"
        make_model(model, rng)
        source = gguf.GGUFReader(model)
        for wanted in (Type.Q8_0, Type.Q4_0):
            out = Path(folder) / f"{wanted.name}.gguf"
            back = Path(folder) / f"{wanted.name}-f32.gguf"
            subprocess.run(
                clquant + ["quantize", model, "-o", out, "--dtype", wanted.name.lower(), "--quiet"] + device, check=True)
            made = gguf.GGUFReader(out)
            compare(source, made, wanted)
            subprocess.run(
                clquant + ["dequantize", out, "-o", back, "--quiet"] + device, check=True)
            for old, new in zip(made.tensors, gguf.GGUFReader(back).tensors):
                same = reals(old).view(np.uint32) == reals(new).view(np.uint32)
                assert same.all(), f"{new.name} is not what it was quantized to"
            print(f"{wanted.name}: keys, tensors and bytes are those of gguf")


if __name__ == "__main__":
    main()
