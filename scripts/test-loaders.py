# SPDX-License-Identifier: Apache-2.0
"""Small models with random weights, quantized by clquant and loaded by transformers (scripts/test-loaders.sh)."""

import json
import math
import os
import shutil
import subprocess
import sys
import warnings

import torch
import transformers
import compressed_tensors
from safetensors.torch import load_file, save_file

warnings.filterwarnings("ignore")
COMMAND, WORK = sys.argv[1:3]
FAILED = []


def make_model(folder, tied):
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=256, hidden_size=256, intermediate_size=384, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, tie_word_embeddings=tied)
    model = transformers.LlamaForCausalLM(config).eval().float()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(0, 0.08)
    model.save_pretrained(folder)
    return model


def run(*arguments):
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"clquant {' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()}")


def quantize(source, out, options):
    """A folder that engines load: the file and its configuration, put together by hand."""
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    run("quantize", f"{source}/model.safetensors", "-o", f"{out}/model.safetensors", "--quiet", "--emit-config",
        f"{out}/q.json", *options)
    with open(f"{source}/config.json") as file:
        config = json.load(file)
    with open(f"{out}/q.json") as file:
        config.update(json.load(file))
    with open(f"{out}/config.json", "w") as file:
        json.dump(config, file)


def inputs_of(model, ids, path):
    """What each linear layer is given, for calibrate."""
    seen = {}
    hooks = [module.register_forward_pre_hook(
        lambda _, given, name=name: seen.__setitem__(name, given[0].detach().clone().contiguous()))
        for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        model(ids)
    for hook in hooks:
        hook.remove()
    save_file(seen, path)


def decibels(x, y):
    return 10 * math.log10(float((x.double() ** 2).sum() / ((x - y).double() ** 2).sum()))


def try_one(name, model, source, ids, options, least, codes=None):
    out = os.path.join(WORK, "out")
    try:
        quantize(source, out, options)
        loaded, told = transformers.AutoModelForCausalLM.from_pretrained(
            out, output_loading_info=True, dtype=torch.float32)
        keys = {kind: sorted(told[kind]) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")}
        with torch.no_grad():
            db = decibels(model(ids).logits, loaded.eval()(ids).logits)
        bad = {kind: found for kind, found in keys.items() if found}
        verdict = "ok" if not bad and db >= least else "FAILED"
        print(f"{name:44} {db:7.2f} dB  {verdict} {bad or ''}")
    except Exception as problem:  # a loader may raise anything
        verdict = "FAILED"
        print(f"{name:44} {'-':>7}     FAILED {type(problem).__name__}: {str(problem)[:300]}")
    if verdict != "ok":
        FAILED.append(name)


def main():
    print(f"transformers {transformers.__version__}, compressed-tensors {compressed_tensors.__version__}, "
          f"torch {torch.__version__}")
    asymmetric = ["--preset", "compressed-tensors-asymmetric"]
    pack = ["--format", "pack-quantized"]
    for tied in (False, True):
        source = os.path.join(WORK, "tied" if tied else "own")
        model = make_model(source, tied)
        ids = torch.randint(0, 256, (2, 32))
        inputs_of(model, ids, f"{WORK}/inputs.safetensors")
        run("calibrate", f"{WORK}/inputs.safetensors", "-o", f"{WORK}/ranges.json", "--force", "--quiet")
        group = lambda size: ["--granularity", "group", "--group-size", str(size)]
        cases = [
            ("int, per tensor, W8A16", ["--granularity", "tensor", "--activations", "none"], 23),
            ("int, per channel, W8A16", ["--activations", "none"], 23),
            ("int, per channel, W8A8 per token", [], 23),
            ("int, per tensor, W8A8 per token", ["--granularity", "tensor"], 23),
            ("int, per channel, W8A8 static",
             ["--activations", "static", "--ranges", f"{WORK}/ranges.json"], 23),
            ("int, groups of 32", group(32), 23),
            ("int, groups of 128", group(128), 23),
            ("int, per channel, asymmetric", asymmetric, 23),
            ("int, per tensor, asymmetric", ["--granularity", "tensor", *asymmetric], 23),
            ("int, groups of 32, asymmetric", [*group(32), *asymmetric], 23),
            ("pack, s8 per channel", pack, 23),
            ("pack, s8 groups of 128", [*pack, *group(128)], 23),
            ("pack, s8 per channel, asymmetric", [*pack, *asymmetric], 23),
            ("pack, s4 per channel", [*pack, "--dtype", "s4"], 6),
            ("pack, s4 groups of 32", [*pack, "--dtype", "s4", *group(32)], 6),
            ("pack, s4 groups of 128", [*pack, "--dtype", "s4", *group(128)], 6),
            ("pack, s4 groups of 32, asymmetric", [*pack, "--dtype", "s4", *group(32), *asymmetric], 6),
            ("pack, s4 per channel, asymmetric", [*pack, "--dtype", "s4", *asymmetric], 6),
        ]
        for name, options, least in cases:
            try_one(f"{'tied' if tied else 'own head'}: {name}", model, source, ids, options, least)
    print(f"{len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


main()
