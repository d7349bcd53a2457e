# SPDX-License-Identifier: Apache-2.0
"""Small models, with random weights and a trained one, quantized by clquant and loaded by transformers
(scripts/test-loaders.sh)."""

import copy
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
COMMAND, WORK, TRAINED = sys.argv[1:4]
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


def seen(model, ids):
    """What is compared: logits, of a model that has none the last hidden state."""
    with torch.no_grad():
        out = model(ids)
    return out.logits if "logits" in out else out.last_hidden_state


def as_dequantized(model, out):
    """The same model with what clquant makes of the file: what a loader must come to, but for activations."""
    run("dequantize", f"{out}/model.safetensors", "-o", f"{WORK}/back.safetensors", "--force", "--quiet")
    shutil.rmtree(f"{WORK}/back", ignore_errors=True)
    model.config.save_pretrained(f"{WORK}/back")
    shutil.move(f"{WORK}/back.safetensors", f"{WORK}/back/model.safetensors")
    return type(model).from_pretrained(f"{WORK}/back", dtype=torch.float32).eval()


def rounded(x, dims, symmetric):
    """Numbers in 8 bits, with a scale for all that `dims` run over."""
    low, high = x.amin(dims, keepdim=True).clamp(max=0), x.amax(dims, keepdim=True).clamp(min=0)
    if symmetric:
        high = torch.maximum(high, -low)
        low = -high
    scale = (high - low) / 255
    zero = 0 if symmetric else (-128 - low / scale).round()
    return ((x / scale + zero).round().clamp(-128, 127) - zero) * scale


def by_torch(name, model, ids):
    """What a scheme costs, in plain arithmetic: weights and inputs of linear layers are rounded where they are."""
    own = copy.deepcopy(model)
    symmetric = "asymmetric" not in name
    for module in own.modules():
        if isinstance(module, torch.nn.Linear):
            module.weight.data = rounded(module.weight.data, (0, 1) if "tensor" in name else (1,), symmetric)
            if "W8A8" in name:
                module.register_forward_pre_hook(lambda _, given: (rounded(
                    given[0], tuple(range(given[0].dim())) if "static" in name else (-1,), True),))
    return decibels(seen(model, ids), seen(own, ids))


def try_one(name, model, source, ids, options, least):
    """Load it: every key in its place, outputs near those of the float model, and those of our dequantized file."""
    out = f"{WORK}/out"
    try:
        quantize(source, out, options)
        loaded, told = type(model).from_pretrained(out, output_loading_info=True, dtype=torch.float32)
        bad = {kind: sorted(told[kind]) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if told[kind]}
        got = seen(loaded.eval(), ids)
        far = decibels(seen(model, ids), got)
        same = decibels(seen(as_dequantized(model, out), ids), got)
        tell(name, not bad and far >= least and same >= (least if "W8A8" in name else 90),
             f"{far:6.2f} dB of the float model ({least:.2f} required), {same:6.1f} dB of the file made real {bad or ''}")
    except Exception as problem:  # pylint: disable=broad-except; a loader may raise anything
        tell(name, False, f"{type(problem).__name__}: {str(problem)[:300]}")


def cases():
    tensor = ["--granularity", "tensor"]
    return [
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
        ("pack s8, groups of 32", [*PACK, *group(32)], 23),
        ("pack s8, groups of 128", [*PACK, *group(128)], 23),
        ("pack s4, channel", PACK_4, 3),
        ("pack s4, groups of 32", [*PACK_4, *group(32)], 3),
        ("pack s4, groups of 128", [*PACK_4, *group(128)], 3),
    ]


def try_cases(title, model, source, ids):
    inputs_of(model, ids, f"{WORK}/inputs.safetensors")
    run("calibrate", f"{WORK}/inputs.safetensors", "-o", f"{WORK}/ranges.json", "--force", "--quiet")
    for name, options, least in cases():
        if "s8" in name:  # no loader can do better than the scheme
            least = min(least, by_torch(name, model, ids) - 0.5)
        try_one(f"{title}: {name}", model, source, ids, options, least)


def try_models():
    for tied in (False, True):
        source = f"{WORK}/{'tied' if tied else 'own'}"
        model = make_model(source, "llama", tie_word_embeddings=tied)
        try_cases(f"llama, {'tied' if tied else 'own head'}", model, source, torch.randint(0, 256, (2, 32)))
    source = f"{WORK}/experts"
    model = make_model(source, "mixtral", num_local_experts=4, num_experts_per_tok=2, tie_word_embeddings=False)
    ids = torch.randint(0, 256, (2, 32))
    for name, options in (("pack s8, channel", PACK), ("pack s4, groups of 32", [*PACK_4, *group(32)])):
        try_one(f"mixtral: {name}", model, source, ids, options, 3)


# Plain English, for a model of sentences.
TEXT = """The rain had stopped before noon, and the children ran down to the river to see how high the water stood. An old
man was mending a net on the bridge; he said that he had not seen such a flood since the year the mill burned down. The
bakery opens at six, but on Sundays people are waiting at the door by half past five, because the rolls are gone within
the hour. She wrote to her brother that the new house was small and bright, and that from the kitchen one could see the
mountains on clear days. Engineers measured the wall twice and found that it had moved by less than a millimetre, which
nobody could explain. When the train reached the border, two officers came through the carriage, looked at every passport
and left without a word. The committee decided to publish its report in spring, after the figures have been checked by
people who had no part in the study. A letter from the bank lay on the table for a week before anyone dared to open it."""


def try_trained():
    model = transformers.AutoModel.from_pretrained(TRAINED, dtype=torch.float32).eval()
    words = transformers.AutoTokenizer.from_pretrained(TRAINED)
    ids = words(TEXT, add_special_tokens=False)["input_ids"]
    rows = [[words.cls_token_id, *ids[i:i + 30], words.sep_token_id] for i in range(0, len(ids) // 30 * 30, 30)]
    try_cases("MiniLM", model, TRAINED, torch.tensor(rows))


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
    try_trained()
    print(f"{len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


main()
