# SPDX-License-Identifier: Apache-2.0
"""dump_inputs.py MODEL TEXT FOLDER: what each linear layer of a model is given, a file for each line of a text."""
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

model_folder, text, out = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(model_folder).eval()
tokenizer = AutoTokenizer.from_pretrained(model_folder)
seen = {}


def keep(name):
    return lambda module, given: seen.__setitem__(name, given[0].detach().flatten(0, -2).clone())


for name, module in model.named_modules():
    if isinstance(module, torch.nn.Linear):
        module.register_forward_pre_hook(keep(name))  # called as the layer is: model.layers.0.self_attn.q_proj
os.makedirs(out, exist_ok=True)
for number, line in enumerate(open(text, encoding="utf-8")):
    with torch.no_grad():
        model(**tokenizer(line, return_tensors="pt"))
    save_file(seen, f"{out}/{number:04}.safetensors")
    seen.clear()  # of experts, not all run each time
