# SPDX-License-Identifier: Apache-2.0
"""Small files of every kind, in the folder that is current."""
import json
import os
import struct

NAN = float("nan")


def write(path, data):
    with open(path, "wb") as stream:
        stream.write(data)


def f32(*values):
    return struct.pack("<%df" % len(values), *values)


def safetensors(path, tensors, metadata=None):
    """Tensors: (name, dtype, shape, bytes) each."""
    header = {} if metadata is None else {"__metadata__": metadata}
    data = b""
    for name, dtype, shape, part in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    write(path, struct.pack("<Q", len(text)) + text + data)


def npy(path, descr, shape, data):
    text = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (descr, "".join("%d," % n for n in shape))
    text += " " * (-(len(text) + 11) % 64) + "\n"
    write(path, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data)


def gguf(path, keys, tensors):
    """Keys: (name, bytes of a string) each; tensors of f32: (name, shape, values) each."""
    def string(value):
        return struct.pack("<Q", len(value)) + value
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for name, value in keys:
        head += string(name.encode()) + struct.pack("<I", 8) + string(value)
    data = b""
    for name, shape, values in tensors:
        head += string(name.encode()) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", n) for n in reversed(shape)) + struct.pack("<IQ", 0, len(data))
        data += f32(*values)
        data += b"\0" * (-len(data) % 32)
    write(path, head + b"\0" * (-len(head) % 32) + data)


def ramp(count, step=0.25, start=-3.0):
    return [start + step * i for i in range(count)]


# Names that must not come out as they are: control characters of C0 and C1, quotes; in paths bytes that are not UTF-8.
NASTY = '\x1b[31m"\\\n\x85\x7f\u20ac\U0001f600'
NASTY_PATH = b'\xff\xc3n"\\\n\x1b[31m\xed\xa0\x80.npy'


def make():
    weights = [("w", "F32", [4, 6], f32(*ramp(24))), ("v.weight", "F32", [2, 8], f32(*ramp(16, 0.1))),
               ("half", "F16", [2, 3], struct.pack("<6e", *ramp(6))), ("bias", "F32", [4], f32(1, 2, 3, 4)),
               ("ids", "I64", [2], struct.pack("<2q", 1, 2)), ("empty", "F32", [0, 3], b""),
               ("zero", "F32", [2, 2], f32(0, 0, 0, 0))]
    safetensors("m.safetensors", weights, {"format": "pt", "who": "a test"})
    safetensors("nasty.safetensors", [("w" + NASTY, "F32", [2, 2], f32(1, 2, 3, 4)), ("i" + NASTY, "I8", [1], b"a")],
                {"key" + NASTY: "value" + NASTY})
    safetensors("other.safetensors", [("w", "F32", [6, 4], f32(*ramp(24))), ("v.weight", "I32", [2, 8], bytes(64)),
                                      ("half", "F16", [2, 3], struct.pack("<6e", *ramp(6, 1))),
                                      ("ids", "I64", [2], struct.pack("<2q", 1, 3)), ("new", "F32", [1], f32(1))])
    safetensors("nonfinite.safetensors", [("w", "F32", [2, 2], f32(1, NAN, NAN, NAN)), ("v", "F32", [2], f32(1, 2)),
                                          ("all", "F32", [1, 2], f32(NAN, float("inf")))])
    safetensors("steep.safetensors", [("a_scale", "F32", [1], f32(1000)), ("a", "I8", [3], b"\x01\x7f\x80")])
    safetensors("ids.safetensors", [("ids", "I32", [1, 1], b"abcd")])
    safetensors("odd.safetensors", [("a_scale", "F32", [3], f32(1, 2, 3)), ("a", "I8", [2, 2], b"abcd")])
    npy("x.npy", "<f4", [2, 4], f32(*ramp(8)))
    npy("y.npy", "<f4", [3, 4], f32(*ramp(12, 1)))
    npy("nan.npy", "<f4", [2], f32(NAN, NAN))
    npy(NASTY_PATH, "<f4", [2, 4], f32(*ramp(8)))
    npy("a.npy", "|u1", [2, 3], b"\x01\x02\x03\x04\x05\x06")
    npy("b.npy", "|i1", [3, 2], b"\x01\xff\x03\x04\xfb\x06")
    write("bad.safetensors", b"nonsense\xff\x1b[31m\"")
    gguf("m.gguf", [("general.architecture", b"test"), ("text", b"\xff\x1b\"\\\x00x")],
         [("a.weight", [2, 32], ramp(64, 0.125)), ("norm.weight", [32], ramp(32))])
    os.mkdir("shards")
    for number, (name, *rest) in enumerate(weights[:2], 1):
        safetensors("shards/s-0000%d.safetensors" % number, [(name, *rest)])
    index = {"metadata": {"total_size": 160}, "weight_map": {weights[n][0]: "s-0000%d.safetensors" % (n + 1) for n in (0, 1)}}
    write("shards/s.safetensors.index.json", json.dumps(index).encode())
    os.mkdir("model")
    safetensors("model/model.safetensors", weights[:2] + weights[3:4], {"format": "pt"})
    write("model/config.json", b'{"model_type": "test"}\n')
    write("model/tokenizer.json", b"{}\n")
    write("shapes", b"64\n4x32 axis=0\n2x3x5\n")
    write("byhand", b"nothing")
