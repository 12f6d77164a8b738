"""Encoders of nine families with random weights and their hidden states, for parity tests without a download.

Each folder is laid out as the Hugging Face hub serves a published checkpoint (named below for each family): its config
with only the sizes cut, its tensor names with their prefix and the heads, its file format. As in tiny_bert.py, every
parameter has a wide distribution, and the epsilon of the norms is large if the config sets it, so that a loader that
ignores a parameter fails. families.md beside this script describes the families.

    python families.py --out .                # every family
    python families.py --out . bert roberta   # only these

Needs torch 2.9, transformers 4.57, safetensors. Writes OUT/FAMILY/config.json, the weights, and expected.safetensors
with B = 3 rows padded to T tokens, and hidden size H: input_ids, attention_mask (1 = a token, 0 = padding),
token_type_ids: i64 [B, T]; hidden: f32 [B, T, H], the last hidden state of the base model. Padding has random ids and
token types, which must not influence the states of the tokens. RoBERTa, XLM-RoBERTa and MPNet compute the positions
from `input_ids`, so their padding is `pad_token_id`. token_type_ids are all 0 if the checkpoint has no second segment.
"""

import argparse
import inspect
import re
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers as hf
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file
from torch import nn

SEED = 1
LENGTHS = (12, 7, 3)
CUT = {"vocab_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2}
CUT_BERT = CUT | {"hidden_size": 16, "intermediate_size": 32, "max_position_embeddings": 24, "layer_norm_eps": 0.05}
# RoBERTa and MPNet number the positions from pad_token_id + 1 = 2: the table has two rows more than a text has tokens.
CUT_ROBERTA = CUT_BERT | {"max_position_embeddings": 26, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
TIED_DECODER = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
OLD_NORM_NAMES = ((r"LayerNorm\.weight$", "LayerNorm.gamma"), (r"LayerNorm\.bias$", "LayerNorm.beta"))


@dataclass
class Family:
    """A published checkpoint with its sizes cut, and how its files differ from what its class saves today."""

    model: type[hf.PreTrainedModel]
    config: hf.PretrainedConfig
    architecture: str = ""  # in the published config, if it is not that class
    weights: str = "model.safetensors"  # or "pytorch_model.bin" or "shards"
    lengths: tuple[int, ...] = LENGTHS
    dtype: torch.dtype = torch.float32  # of the tensors in the file
    column_major: bool = False  # matrices of the linear layers, in the file
    drop: tuple[str, ...] = ()  # tensors tied to others, which the checkpoint lacks
    rename: tuple[tuple[str, str], ...] = ()
    extra: dict[str, tuple[int, ...]] = field(default_factory=dict)  # tensors that only the checkpoint has
    pads_with_pad_id: bool = False


def dense(name: str, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, 16), f"{name}.bias": (outputs,)}


def deberta_config() -> hf.DebertaV2Config:
    config = hf.DebertaV2Config(
        **CUT_BERT,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        max_relative_positions=-1,
        position_biased_input=False,
    )
    config.pos_att_type = "p2c|c2p"  # as published; the constructor would split it into a list
    return config


def modernbert_config() -> hf.ModernBertConfig:
    return hf.ModernBertConfig(
        **CUT | {"num_hidden_layers": 4},
        hidden_size=16,
        intermediate_size=24,
        max_position_embeddings=24,
        norm_eps=0.05,
        layer_norm_eps=1e-5,  # a stray key of the published config; the model uses norm_eps
        global_attn_every_n_layers=3,
        local_attention=4,
        global_rope_theta=160000.0,
        local_rope_theta=10000.0,
        **dict.fromkeys(("bos_token_id", "cls_token_id"), 36),
        **dict.fromkeys(("eos_token_id", "sep_token_id"), 37),
        pad_token_id=38,
        classifier_pooling="mean",
        position_embedding_type="absolute",
        gradient_checkpointing=False,
        reference_compile=False,
    )


def families() -> dict[str, Family]:
    return {
        # bert-base-uncased
        "bert": Family(
            hf.BertForPreTraining,
            hf.BertConfig(**CUT_BERT, type_vocab_size=2),
            architecture="BertForMaskedLM",
            drop=TIED_DECODER,
            rename=OLD_NORM_NAMES,
        ),
        # roberta-base. The file keeps decoder.weight, which shares its storage with the word embeddings.
        "roberta": Family(
            hf.RobertaForMaskedLM,
            hf.RobertaConfig(**CUT_ROBERTA, type_vocab_size=1),
            weights="pytorch_model.bin",
            drop=("lm_head.decoder.bias",),
            extra=dense("roberta.pooler.dense", 16) | {"roberta.embeddings.position_ids": (1, 26)},
            pads_with_pad_id=True,
        ),
        # xlm-roberta-base
        "xlm-roberta": Family(
            hf.XLMRobertaForMaskedLM,
            hf.XLMRobertaConfig(**CUT_ROBERTA, type_vocab_size=1, output_past=True),
            drop=("lm_head.decoder.weight", "lm_head.decoder.bias"),
            extra=dense("roberta.pooler.dense", 16),
            pads_with_pad_id=True,
        ),
        # distilbert-base-uncased. Its code fixes the epsilon at 1e-12.
        "distilbert": Family(
            hf.DistilBertForMaskedLM,
            hf.DistilBertConfig(40, 24, dim=16, n_layers=2, n_heads=2, hidden_dim=32, tie_weights_=True),
            drop=("vocab_projector.weight",),
        ),
        # google/electra-small-discriminator. The conversion from TensorFlow left its matrices transposed views.
        "electra": Family(
            hf.ElectraForPreTraining,
            hf.ElectraConfig(**CUT_BERT | {"hidden_size": 24}, embedding_size=16, type_vocab_size=2),
            weights="pytorch_model.bin",
            column_major=True,
        ),
        # nghuyong/ernie-3.0-base-zh
        "ernie": Family(
            hf.ErnieForMaskedLM,
            hf.ErnieConfig(**CUT_BERT, type_vocab_size=4, task_type_vocab_size=3, use_task_id=True),
            weights="pytorch_model.bin",
            drop=TIED_DECODER,
            rename=OLD_NORM_NAMES,
            extra=dense("ernie.pooler.dense", 16),
        ),
        # sentence-transformers/all-mpnet-base-v2. Distances of 8 and more share relative buckets.
        "mpnet": Family(
            hf.MPNetModel,
            hf.MPNetConfig(**CUT_ROBERTA | {"max_position_embeddings": 40}, relative_attention_num_buckets=32),
            architecture="MPNetForMaskedLM",
            lengths=(24, 17, 5),
            extra={"embeddings.position_ids": (1, 40)},
            pads_with_pad_id=True,
        ),
        # microsoft/deberta-v3-base, which is f16. Distances of 5 and more share relative buckets. The file has tensors
        # that neither the base model nor the class uses.
        "deberta-v3": Family(
            hf.DebertaV2ForMaskedLM,
            deberta_config(),
            weights="pytorch_model.bin",
            lengths=(20, 13, 4),
            dtype=torch.float16,
            drop=TIED_DECODER,
            rename=((r"^cls\.predictions\.(transform\.)?", "lm_predictions.lm_head."),),
            extra={"deberta.embeddings.position_embeddings.weight": (24, 16)}
            | dense("mask_predictions.dense", 16)
            | {"mask_predictions.LayerNorm.weight": (16,), "mask_predictions.LayerNorm.bias": (16,)}
            | dense("mask_predictions.classifier", 1),
        ),
        # answerdotai/ModernBERT-base, but in shards. Layers 0 and 3 are global, layers 1 and 2 see two tokens each way.
        "modernbert": Family(
            hf.ModernBertForMaskedLM,
            modernbert_config(),
            weights="shards",
            drop=("decoder.weight",),
        ),
    }


def randomise(model: nn.Module, dtype: torch.dtype, generator: torch.Generator) -> None:
    norms = {id(module.weight) for module in model.modules() if isinstance(module, nn.LayerNorm)}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(1.0 if id(parameter) in norms else 0.0, 0.5, generator=generator)
            parameter.copy_(parameter.to(dtype))


def random_batch(family: Family, generator: torch.Generator) -> dict[str, torch.Tensor]:
    config = family.config
    shape = (len(family.lengths), max(family.lengths))
    attention_mask = (torch.arange(shape[1]) < torch.tensor(family.lengths)[:, None]).long()
    if family.pads_with_pad_id:
        input_ids = torch.randint(config.vocab_size - 1, shape, generator=generator)
        input_ids += (input_ids >= config.pad_token_id).long()
        input_ids[attention_mask == 0] = config.pad_token_id
    else:
        input_ids = torch.randint(config.vocab_size, shape, generator=generator)
    # ERNIE has four token types, but its tokenizer gives only the first two.
    segments = min(max(getattr(config, "type_vocab_size", 0), 1), 2)
    token_type_ids = torch.randint(segments, shape, generator=generator)
    return {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}


def published_state(family: Family, model: nn.Module, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Returns the tensors of the weight file. Keeps the `_metadata` of the state dict, which torch.save writes, too."""
    state = model.state_dict()
    for name in list(state):
        tensor = state.pop(name)
        if name not in family.drop:
            for pattern, replacement in family.rename:
                name = re.sub(pattern, replacement, name)
            if family.column_major and tensor.dim() == 2 and "embeddings." not in name:
                tensor = tensor.T.contiguous().T
            state[name] = tensor.to(family.dtype)
    for name, shape in family.extra.items():
        if name.endswith("position_ids"):
            state[name] = torch.arange(shape[1])[None]
        else:
            state[name] = torch.randn(shape, generator=generator).to(family.dtype)
    return state


def write(family: Family, seed: int, out: Path) -> None:
    generator = torch.Generator().manual_seed(seed)
    family.config._attn_implementation = "eager"
    model = family.model(family.config).eval()
    randomise(model, family.dtype, generator)

    batch = random_batch(family, generator)
    accepted = inspect.signature(model.base_model.forward).parameters
    with torch.inference_mode():
        hidden = model.base_model(**{name: ids for name, ids in batch.items() if name in accepted}).last_hidden_state

    out.mkdir(parents=True, exist_ok=True)
    model.config.architectures = [family.architecture or type(model).__name__]
    model.config.dtype = "float32"
    model.config.save_pretrained(out)
    state = published_state(family, model, generator)
    if family.weights == "pytorch_model.bin":
        torch.save(state, out / family.weights)
    else:
        save_torch_state_dict(state, out, max_shard_size=24_000 if family.weights == "shards" else "1GB")
    save_file(batch | {"hidden": hidden}, out / "expected.safetensors")
    size = sum(path.stat().st_size for path in out.iterdir())
    print(f"{out}: {len(state)} tensors, hidden {list(hidden.shape)}, {size} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("families", nargs="*", help=f"of {', '.join(families())} (default: all)")
    args = parser.parse_args()
    if unknown := set(args.families) - set(families()):
        parser.error(f"expected families of {', '.join(families())}, found {', '.join(sorted(unknown))}")

    torch.set_num_threads(1)
    for seed, (name, family) in enumerate(families().items(), SEED):
        if name in (args.families or families()):
            write(family, seed, args.out / name)


if __name__ == "__main__":
    main()
