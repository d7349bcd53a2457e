# SPDX-License-Identifier: Apache-2.0
"""Small Llamas, quantized by clquant and run by llama.cpp (scripts/test-loaders.sh).

    test-loaders-llama.py COMMAND FOLDER

Each is written as f32 and f16 into a folder, with an output head of its own or that of the embeddings, and becomes Q8_0
and Q4_0 twice: in a folder by clquant and by llama.cpp's own quantizer, told to take the types that clquant takes. All
tensors must be the same to the byte, and the logits of both be the same and near those of the float model.
"""

import ctypes
import math
import os
import shutil
import subprocess
import sys

import gguf
import llama_cpp
import numpy as np
from gguf import GGMLQuantizationType as Type

COMMAND, WORK = sys.argv[1:3]
FAILED = []
LAYERS, WIDTH, INNER, HEADS, KV_HEADS = 3, 256, 384, 8, 4
SPECIAL = ["<unk>", "<s>", "</s>"]
VOCABULARY = SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)]
PROMPT = b"The rain had stopped before noon, and the children ran down to the river."
FILE_TYPES = {Type.F32: 0, Type.F16: 1, Type.Q8_0: 7, Type.Q4_0: 2}  # general.file_type, and enum llama_ftype
# dB. llama.cpp rounds the inputs of such layers to 8 bits too, and weights that are normal noise are the worst that 4 bits
# can meet.
LEAST = {Type.Q8_0: 25.0, Type.Q4_0: 7.0}


def tell(name, right, what):
    print(f"{name:46} {'ok' if right else 'FAILED':6} {what}", flush=True)
    if not right:
        FAILED.append(name)


def make_model(path, kind, tied):
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("a model of this test")
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(VOCABULARY))
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(VOCABULARY)
    writer.add_token_scores([0.0] * len(VOCABULARY))
    writer.add_token_types([2, 3, 3] + [6] * 256)  # unknown, control, bytes
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def matrix(name, rows, columns):
        values = rng.standard_normal((rows, columns)).astype(np.float32) / math.sqrt(columns)
        writer.add_tensor(f"{name}.weight", values.astype(np.float16 if kind == Type.F16 else np.float32))

    def norm(name):
        writer.add_tensor(f"{name}.weight", (1 + 0.1 * rng.standard_normal(WIDTH)).astype(np.float32))

    matrix("token_embd", len(VOCABULARY), WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        norm(block + "attn_norm")
        matrix(block + "attn_q", WIDTH, WIDTH)
        matrix(block + "attn_k", WIDTH // HEADS * KV_HEADS, WIDTH)
        matrix(block + "attn_v", WIDTH // HEADS * KV_HEADS, WIDTH)
        matrix(block + "attn_output", WIDTH, WIDTH)
        norm(block + "ffn_norm")
        matrix(block + "ffn_gate", INNER, WIDTH)
        matrix(block + "ffn_up", INNER, WIDTH)
        matrix(block + "ffn_down", WIDTH, INNER)
    norm("output_norm")
    if not tied:
        matrix("output", len(VOCABULARY), WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def logits(path):
    """Of every place of the prompt."""
    model = llama_cpp.Llama(path, n_ctx=128, n_threads=2, logits_all=True, verbose=False)
    tokens = model.tokenize(PROMPT)
    model.eval(tokens)
    got = np.array(model.scores[: len(tokens)])
    model.close()
    return got


def by_llama(source, out, kind, tied):
    """Their quantizer; the tensor that makes the output stays in 8 bits, as clquant leaves it."""
    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread = 2
    params.ftype = FILE_TYPES[kind]
    params.pure = True
    if tied:
        params.token_embedding_type = Type.Q8_0
    else:
        params.output_tensor_type = Type.Q8_0
    if llama_cpp.llama_model_quantize(source.encode(), out.encode(), ctypes.byref(params)) != 0:
        raise RuntimeError(f"llama.cpp cannot quantize {source}")


def different(ours, theirs):
    """Tensors that are not the same."""
    mine, other = ({tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors} for path in (ours, theirs))
    return sorted(set(mine) ^ set(other)) + [
        name for name in mine.keys() & other.keys()
        if mine[name].tensor_type != other[name].tensor_type or list(mine[name].shape) != list(other[name].shape)
        or not np.array_equal(mine[name].data.view(np.uint8), other[name].data.view(np.uint8))]


def decibels(x, y):
    return 10 * math.log10(float((x.astype(np.float64) ** 2).sum() / ((x.astype(np.float64) - y) ** 2).sum()))


def try_one(source, kind, want, name, tied):
    ours, theirs = f"{WORK}/out/model.gguf", f"{WORK}/theirs.gguf"
    shutil.rmtree(f"{WORK}/out", ignore_errors=True)
    subprocess.run([COMMAND, "quantize", os.path.dirname(source), "-o", f"{WORK}/out", "--dtype", kind.name.lower(),
                    "--quiet"], check=True)
    by_llama(source, theirs, kind, tied)
    bad = different(ours, theirs)
    far, same = decibels(want, logits(ours)), decibels(want, logits(theirs))
    tell(name, not bad and far == same and far >= LEAST[kind],
         f"{far:6.2f} dB of the float model ({LEAST[kind]:.0f} required), {same:6.2f} dB by llama.cpp's own quantizer, "
         f"{'other bytes in ' + str(bad[:3]) if bad else 'the same bytes'}")


def main():
    print(f"llama.cpp of llama-cpp-python {llama_cpp.__version__}: {llama_cpp.llama_print_system_info().decode().strip()}")
    llama_cpp.llama_log_set(QUIET, ctypes.c_void_p(0))
    os.makedirs(f"{WORK}/in", exist_ok=True)
    for tied in (False, True):
        for source_kind in (Type.F32, Type.F16):
            source = f"{WORK}/in/model.gguf"
            make_model(source, source_kind, tied)
            want = logits(source)
            for kind in (Type.Q8_0, Type.Q4_0):
                head = "tied" if tied else "own head"
                try_one(source, kind, want, f"llama.cpp, {head}: {source_kind.name} to {kind.name}", tied)
    print(f"{len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


QUIET = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
main()
