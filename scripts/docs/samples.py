# SPDX-License-Identifier: Apache-2.0
"""The files that commands on a page find: `<!-- given: NAME[=KIND] ... -->`, KIND else by the name's ending."""
import array
import json
import os
import random
import struct
import subprocess

MODULES = [("self_attn.q_proj", 768), ("self_attn.k_proj", 768), ("self_attn.v_proj", 768), ("self_attn.o_proj", 768),
           ("mlp.gate_proj", 768), ("mlp.up_proj", 768), ("mlp.down_proj", 2048)]  # of `clquant sample transformer-block`
ENDINGS = {"/": "folder", ".safetensors": "model", ".gguf": "gguf", ".npy": "f32", ".c": "program", ".txt": "shapes"}


def reals(seed, count):
    draw = random.Random(seed)
    return array.array("f", (draw.gauss(0, 1) for _ in range(count))).tobytes()


def model(clquant, path, _):
    subprocess.run([clquant, "sample", "transformer-block", "-o", path, "--quiet"], check=True)


def folder(clquant, path, seed):
    os.makedirs(path)
    with open(os.path.join(path, "config.json"), "w") as out:
        json.dump({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 768}, out)
    with open(os.path.join(path, "tokenizer.json"), "w") as out:
        out.write("{}\n")
    model(clquant, os.path.join(path, "model.safetensors"), seed)


def dump(_, path, seed):
    """What each linear layer of the sample is given: 8 tokens."""
    header, data = {}, b""
    for name, width in MODULES:
        values = reals(f"{seed} {name}", 8 * width)
        header["model.layers.0." + name] = {"dtype": "F32", "shape": [8, width],
                                            "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


def npy(path, descr, shape, data):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data)


def f32(_, path, seed):
    npy(path, "<f4", (64, 96), reals(seed, 64 * 96))


def s8(_, path, seed):
    npy(path, "|i1", (64, 64), random.Random(seed).randbytes(64 * 64))


def outlier(_, path, __):
    """1000 points from -1 to 1, evenly spaced, and one at 100."""
    points = array.array("f", [(2 * i - 999) / 999 for i in range(1000)] + [100.0])
    npy(path, "<f4", (1001,), points.tobytes())


def gguf(_, path, seed):
    tensors = [("token_embd.weight", (256, 32)), ("blk.0.attn_q.weight", (256, 256)), ("blk.0.attn_norm.weight", (256,))]

    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1) + text("general.architecture") + struct.pack("<I", 8)
    head += text("llama")
    data = b""
    for name, shape in tensors:
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", 0, len(data))
        count = 1
        for size in shape:
            count *= size
        data += reals(seed + name, count)
    with open(path, "wb") as out:
        out.write(head + b"\0" * (-len(head) % 32) + data)


def program(_, path, __):
    with open(path, "w") as out:
        out.write("int main(void)\n{\n    return 0;\n}\n")


def shapes(_, path, __):
    with open(path, "w") as out:
        out.write("1Mi\n64x64x64\n")


KINDS = {"folder": folder, "model": model, "dump": dump, "f32": f32, "s8": s8, "outlier": outlier, "gguf": gguf,
         "program": program, "shapes": shapes}


def make(clquant, given, where):
    """Make the files of one comment in the folder `where`."""
    for word in given.split():
        name, _, kind = word.partition("=")
        if not kind:
            kind = next((ENDINGS[ending] for ending in ENDINGS if name.endswith(ending)), "")
        if kind not in KINDS:
            raise ValueError(f"given: {word}: its kind is none of {', '.join(KINDS)}")
        path = os.path.join(where, name.rstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        KINDS[kind](clquant, path, name)
