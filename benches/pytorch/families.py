"""Writes encoders of every family with random weights and the size of MiniLM, 6 layers of 384, for compare.py.

    python families.py --tokenizer minilm --out encoders

Needs torch 2.9, transformers 4.57. --tokenizer is a folder with a `tokenizer.json` of 30,522 tokens, which all of them
get. Everything but the sizes is as in the published checkpoints that are named below.
"""

import argparse
import shutil
from pathlib import Path

import torch
import transformers as hf

SIZES = {
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "pad_token_id": 0,
}
MODELS: dict[str, tuple[type[hf.PreTrainedModel], hf.PretrainedConfig]] = {
    "bert": (hf.BertModel, hf.BertConfig(**SIZES)),
    "roberta": (hf.RobertaModel, hf.RobertaConfig(**SIZES, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)),
    "distilbert": (hf.DistilBertModel, hf.DistilBertConfig(vocab_size=30522, dim=384, n_layers=6, n_heads=12, hidden_dim=1536)),
    # electra-small projects embeddings of 128 to the hidden size.
    "electra": (hf.ElectraModel, hf.ElectraConfig(**SIZES, embedding_size=128)),
    "ernie": (hf.ErnieModel, hf.ErnieConfig(**SIZES, use_task_id=False)),
    "mpnet": (hf.MPNetModel, hf.MPNetConfig(**SIZES, max_position_embeddings=514, layer_norm_eps=1e-5)),
    "deberta-v3": (
        hf.DebertaV2Model,
        hf.DebertaV2Config(
            **SIZES, relative_attention=True, position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True,
            pos_att_type=["p2c", "c2p"], position_biased_input=False, max_relative_positions=-1, type_vocab_size=0,
        ),
    ),
    # ModernBERT-base's inner size is 1.5 times the hidden size.
    "modernbert": (
        hf.ModernBertModel,
        hf.ModernBertConfig(**SIZES | {"intermediate_size": 576}, reference_compile=False, cls_token_id=101, sep_token_id=102),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    for name, (model, config) in MODELS.items():
        torch.manual_seed(1)
        model(config).save_pretrained(args.out / name)
        shutil.copy(args.tokenizer / "tokenizer.json", args.out / name)
        print(args.out / name)


if __name__ == "__main__":
    main()
