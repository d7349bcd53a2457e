# SPDX-License-Identifier: Apache-2.0
"""Small models with random weights, quantized by clquant and loaded by transformers (scripts/test-loaders.sh)."""

import json
import math
import os
import shutil
import subprocess
import sys
import warnings

import compressed_tensors
import torch
import transformers
from safetensors.torch import load_file, save_file

try:
    from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
except ImportError:  # before 0.15
    from compressed_tensors.compressors.quantized_compressors.pack_quantized import pack_to_int32

warnings.filterwarnings("ignore")
COMMAND, WORK = sys.argv[1:3]
FAILED = []
ASYMMETRIC = ["--preset", "compressed-tensors-asymmetric"]
PACK = ["--format", "pack-quantized"]
PACK_4 = [*PACK, "--dtype", "s4"]
KNOWN_TYPES = """bert bloom cohere deepseek_v2 deepseek_v3 falcon gemma gemma2 gemma3_text glm4 gpt2 gpt_bigcode gpt_neox
    gpt_oss granite llama llava mistral mixtral olmo olmo2 openai-gpt opt phi phi3 qwen2 qwen2_moe qwen2_vl qwen3
    qwen3_moe stablelm starcoder2 t5 whisper""".split()


def group(size):
    return ["--granularity", "group", "--group-size", str(size)]


def tell(name, right, what):
    print(f"{name:46} {'ok' if right else 'FAILED':6} {what}", flush=True)
    if not right:
        FAILED.append(name)


def run(*arguments):
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"clquant {' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def make_model(folder, kind, **own):
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(
        kind, vocab_size=256, hidden_size=256, intermediate_size=384, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, **own)
    model = transformers.AutoModelForCausalLM.from_config(config).eval().float()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0, 0.08)
    model.save_pretrained(folder)
    return model


def quantize(source, out, options):
    """A folder that engines load."""
    shutil.rmtree(out, ignore_errors=True)
    run("quantize", source, "-o", out, "--quiet", *options)


def inputs_of(model, ids, path):
    """What each linear layer is given, for calibrate."""
    seen = {}

    def remember(name):
        return lambda _, given: seen.__setitem__(name, given[0].detach().clone().contiguous())

    hooks = [module.register_forward_pre_hook(remember(name))
             for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        model(ids)
    for hook in hooks:
        hook.remove()
    save_file(seen, path)


def decibels(x, y):
    return 10 * math.log10(float((x.double() ** 2).sum() / ((x - y).double() ** 2).sum()))


def as_dequantized(model, out):
    """The same model with what clquant makes of the file: what a loader must come to, but for activations."""
    run("dequantize", f"{out}/model.safetensors", "-o", f"{WORK}/back.safetensors", "--force", "--quiet")
    shutil.rmtree(f"{WORK}/back", ignore_errors=True)
    model.config.save_pretrained(f"{WORK}/back")
    shutil.move(f"{WORK}/back.safetensors", f"{WORK}/back/model.safetensors")
    return transformers.AutoModelForCausalLM.from_pretrained(f"{WORK}/back", dtype=torch.float32).eval()


def try_one(name, model, source, ids, options, least):
    """Load it: every key in its place, logits near those of the float model, and those of our dequantized file."""
    out = f"{WORK}/out"
    try:
        quantize(source, out, options)
        loaded, told = transformers.AutoModelForCausalLM.from_pretrained(
            out, output_loading_info=True, dtype=torch.float32)
        bad = {kind: sorted(told[kind]) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if told[kind]}
        with torch.no_grad():
            logits = loaded.eval()(ids).logits
            far = decibels(model(ids).logits, logits)
            same = decibels(as_dequantized(model, out)(ids).logits, logits)
        in_integers = "W8A8" in name
        tell(name, not bad and far >= least and same >= (23 if in_integers else 90),
             f"{far:6.2f} dB of the float model, {same:6.1f} dB of the file made real {bad or ''}")
    except Exception as problem:  # pylint: disable=broad-except; a loader may raise anything
        tell(name, False, f"{type(problem).__name__}: {str(problem)[:300]}")


def try_models():
    for tied in (False, True):
        source = f"{WORK}/{'tied' if tied else 'own'}"
        model = make_model(source, "llama", tie_word_embeddings=tied)
        ids = torch.randint(0, 256, (2, 32))
        inputs_of(model, ids, f"{WORK}/inputs.safetensors")
        run("calibrate", f"{WORK}/inputs.safetensors", "-o", f"{WORK}/ranges.json", "--force", "--quiet")
        tensor = ["--granularity", "tensor"]
        cases = [
            ("int s8, tensor, W8A16", [*tensor, "--activations", "none"], 23),
            ("int s8, channel, W8A16", ["--activations", "none"], 23),
            ("int s8, tensor, W8A8 by token", tensor, 23),
            ("int s8, channel, W8A8 by token", [], 23),
            ("int s8, channel, W8A8 static", ["--activations", "static", "--ranges", f"{WORK}/ranges.json"], 23),
            ("int s8, groups of 32", group(32), 23),
            ("int s8, groups of 128", group(128), 23),
            ("int s8, tensor, asymmetric", [*tensor, *ASYMMETRIC], 23),
            ("int s8, channel, asymmetric", ASYMMETRIC, 23),
            ("int s8, groups of 32, asymmetric", [*group(32), *ASYMMETRIC], 23),
            ("pack s8, channel", PACK, 23),
            ("pack s8, groups of 128", [*PACK, *group(128)], 23),
            ("pack s4, channel", PACK_4, 3),
            ("pack s4, groups of 32", [*PACK_4, *group(32)], 3),
            ("pack s4, groups of 128", [*PACK_4, *group(128)], 3),
        ]
        for name, options, least in cases:
            try_one(f"llama, {'tied' if tied else 'own head'}: {name}", model, source, ids, options, least)
    source = f"{WORK}/experts"
    model = make_model(source, "mixtral", num_local_experts=4, num_experts_per_tok=2, tie_word_embeddings=False)
    for name, options in (("pack s8, channel", PACK), ("pack s4, groups of 32", [*PACK_4, *group(32)])):
        try_one(f"mixtral: {name}", model, source, ids, options, 3)


def try_words():
    """Words of odd shapes against the packer of compressed-tensors."""
    torch.manual_seed(3)
    bad = []
    for rows, columns in ((5, 7), (8, 64), (33, 33), (1, 9), (17, 128), (7, 31), (40, 1000), (2, 131075)):
        save_file({"m.weight": torch.randn(rows, columns)}, f"{WORK}/i.safetensors")
        for bits in (4, 8):
            options = ["--force", "--quiet", "--memory", "1M", "--dtype", f"s{bits}", *ASYMMETRIC]
            run("quantize", f"{WORK}/i.safetensors", "-o", f"{WORK}/p.safetensors", *options, *PACK)
            run("quantize", f"{WORK}/i.safetensors", "-o", f"{WORK}/c.safetensors", *options)
            words, plain = load_file(f"{WORK}/p.safetensors"), load_file(f"{WORK}/c.safetensors")
            codes = plain["m.weight"]
            if bits == 4:
                codes = torch.stack([codes & 15, codes >> 4], 1).flatten()[: rows * columns].to(torch.int8)
                codes = torch.where(codes > 7, codes - 16, codes).reshape(rows, columns)
            zero_point = plain.get("m.weight_zero_point", torch.zeros(rows, 1)).to(torch.int8)
            if not torch.equal(pack_to_int32(codes, bits), words["m.weight_packed"]) or not torch.equal(
                    pack_to_int32(zero_point, bits, packed_dim=0), words["m.weight_zero_point"]):
                bad.append((rows, columns, bits))
    tell("words and zero points, asymmetric", not bad, f"the bytes of compressed-tensors {bad or ''}")


def shrink(config):
    for key in ("num_hidden_layers", "n_layer", "num_layers", "encoder_layers", "decoder_layers", "num_decoder_layers"):
        if hasattr(config, key):
            setattr(config, key, 2)
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:2]
    for key in ("num_experts", "num_local_experts", "n_routed_experts"):
        if getattr(config, key, None):
            setattr(config, key, 8)


def try_rules(kind):
    """What the rules take must be linear layers, and what they leave of these must be heads and routers."""
    config = transformers.AutoConfig.for_model(kind)
    shrink(config)
    model = None
    with torch.device("meta"):
        for make in (transformers.AutoModelForCausalLM, transformers.AutoModelForSeq2SeqLM, transformers.AutoModel):
            if type(config) in make._model_mapping:  # pylint: disable=protected-access,unidiomatic-typecheck
                model = make.from_config(config)
                break
    linear = {name + ".weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    tensors = {name: torch.ones([2] * value.dim()) for name, value in model.state_dict().items()
               if value.is_floating_point()}
    save_file(tensors, f"{WORK}/rules/model.safetensors")
    with open(f"{WORK}/rules/config.json", "w", encoding="utf-8") as file:
        json.dump({"model_type": kind}, file)
    report = json.loads(run("quantize", f"{WORK}/rules/model.safetensors", "-o", f"{WORK}/rules/o.safetensors",
                            "--force", "--allow-empty", "--json", "--device", "reference", "--format", "compressed-tensors"))
    taken = {tensor["name"] for tensor in report["tensors"]}
    left = sorted((linear & set(tensors)) - taken)
    strange = [name for name in left if not any(part in name for part in ("head", "gate.", "proj_out", "decoder"))]
    tell(f"rules: {kind}", not taken - linear and not strange,
         f"{len(taken)} taken, {len(left)} left {sorted(taken - linear)[:3] + strange[:3] or ''}")


def main():
    print(f"transformers {transformers.__version__}, compressed-tensors {compressed_tensors.__version__}, "
          f"torch {torch.__version__}")
    os.makedirs(f"{WORK}/rules")
    for kind in KNOWN_TYPES:
        try_rules(kind)
    try_words()
    try_models()
    print(f"{len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


main()
