"""A BERT with random weights and its hidden states, for parity tests without a download.

transformers initialises weights with deviation 0.02, biases with 0 and norms with 1, which would hide many errors. Here
every parameter has a wide distribution. The epsilon of the norms is large, so that a loader that ignores it fails, too.

    python tiny_bert.py --out tiny-bert

Needs torch 2.9, transformers 4.57, safetensors. Writes config.json and model.safetensors as `save_pretrained` does, and
expected.safetensors with B = 3 rows padded to T = 12 tokens, and hidden size H = 16: input_ids, attention_mask
(1 = a token, 0 = padding), token_type_ids: i64 [B, T]; hidden: f32 [B, T, H]. Padding has random ids and token types,
which must not influence the states of the tokens.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

SEED = 20
LENGTHS = (12, 7, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    config = BertConfig(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        type_vocab_size=2,
        layer_norm_eps=0.05,
        attn_implementation="eager",
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            mean = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            parameter.normal_(mean, 0.5, generator=generator)

    shape = (len(LENGTHS), max(LENGTHS))
    input_ids = torch.randint(config.vocab_size, shape, generator=generator)
    token_type_ids = torch.randint(config.type_vocab_size, shape, generator=generator)
    attention_mask = (torch.arange(shape[1]) < torch.tensor(LENGTHS)[:, None]).long()
    batch = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state

    model.save_pretrained(args.out)
    save_file(batch | {"hidden": hidden}, args.out / "expected.safetensors")
    print(f"{args.out}: {sum(p.numel() for p in model.parameters())} parameters, hidden {list(hidden.shape)}")


if __name__ == "__main__":
    main()
