# SPDX-License-Identifier: Apache-2.0
"""The parts of peers.sh that are Python: `model LAYERS DIR`, `torch IN OUT`, `llm-compressor IN OUT`, `compare OUR
TORCH LLM_COMPRESSOR`. Needs torch and safetensors; llm-compressor needs llmcompressor."""
import json
import os
import shutil
import sys


def make_model(layers, folder):
    """Shapes of TinyLlama-1.1B in bf16; weights are normal, so that amax of each row is another one."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    hidden, inner, heads, kv_heads, tokens = 2048, 5632, 32, 4, 32000
    kv = hidden // heads * kv_heads

    def matrix(rows, columns):
        return torch.randn(rows, columns, dtype=torch.float32).mul_(0.02).to(torch.bfloat16)

    tensors = {"model.embed_tokens.weight": matrix(tokens, hidden), "lm_head.weight": matrix(tokens, hidden)}
    tensors["model.norm.weight"] = torch.ones(hidden, dtype=torch.bfloat16)
    for i in range(layers):
        at = f"model.layers.{i}."
        for name, rows, columns in (
            ("self_attn.q_proj", hidden, hidden), ("self_attn.k_proj", kv, hidden), ("self_attn.v_proj", kv, hidden),
            ("self_attn.o_proj", hidden, hidden), ("mlp.gate_proj", inner, hidden), ("mlp.up_proj", inner, hidden),
            ("mlp.down_proj", hidden, inner)):
            tensors[f"{at}{name}.weight"] = matrix(rows, columns)
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{at}{name}.weight"] = torch.ones(hidden, dtype=torch.bfloat16)
    os.makedirs(folder)
    save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": hidden,
              "intermediate_size": inner, "num_attention_heads": heads, "num_key_value_heads": kv_heads,
              "num_hidden_layers": layers, "vocab_size": tokens, "max_position_embeddings": 2048,
              "rms_norm_eps": 1e-05, "hidden_act": "silu", "tie_word_embeddings": False, "torch_dtype": "bfloat16"}
    with open(os.path.join(folder, "config.json"), "w", encoding="ascii") as file:
        json.dump(config, file, indent=2)


def is_linear(name):
    return name.endswith("_proj.weight")


def plain_script(source, out):
    """What one writes in ten lines: symmetric, s8, a scale for each row, as numerics.md has the preset symmetric."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    result = {}
    with safe_open(os.path.join(source, "model.safetensors"), framework="pt") as model:
        for name in model.keys():
            x = model.get_tensor(name)
            if not is_linear(name):
                result[name] = x
                continue
            x = x.to(torch.float32)
            scale = x.abs().amax(dim=1, keepdim=True) / 127
            result[name] = torch.clamp(torch.round(x / scale), -127, 127).to(torch.int8)
            result[name + "_scale"] = scale
    os.makedirs(out)
    save_file(result, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})
    shutil.copy(os.path.join(source, "config.json"), out)


def llm_compressor(source, out):
    from llmcompressor import model_free_ptq

    model_free_ptq(model_stub=source, save_directory=out, scheme="W8A8", ignore=["lm_head", "re:.*embed_tokens.*"],
                   max_workers=os.cpu_count(), device="cpu")


def open_all(folder):
    from safetensors import safe_open

    tensors = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            model = safe_open(os.path.join(folder, name), framework="pt")
            tensors.update({key: model for key in model.keys()})
    return tensors


def compare(ours, script, peer):
    import torch

    mine, plain, theirs = open_all(ours), open_all(script), open_all(peer)
    count = 0
    for name in plain:
        assert torch.equal(mine[name].get_tensor(name), plain[name].get_tensor(name)), name
        count += is_linear(name)
    missing = sorted(set(theirs) ^ set(mine))
    assert not missing, f"names that one of clquant and llm-compressor has: {missing[:4]}"
    print(f"clquant: {count} matrices, codes and scales as torch computes them; names as llm-compressor has them")


if __name__ == "__main__":
    if sys.argv[1] == "model":
        make_model(int(sys.argv[2]), sys.argv[3])
    else:
        {"torch": plain_script, "llm-compressor": llm_compressor, "compare": compare}[sys.argv[1]](*sys.argv[2:])
