"""Last hidden states of a pretrained encoder by Hugging Face transformers: the numbers that rere-model must reproduce.

Every second row is a pair of query and sentence, so that both token types occur, if there are two. The rows differ in
length, so that the mask matters. The text can be recovered from the token ids: commit only files made from sentences
with a free licence, such as those beside this script.

    python hidden_states.py --encoder $RERE_ENCODERS/minilm --sentences sentences.json --indices 0 1 2 3 \
        --out minilm_hidden_states.safetensors
    python hidden_states.py --encoder $RERE_ENCODERS/mpnet --sentences sentences.json --indices 0 3 \
        --out mpnet_hidden_states.safetensors
    python hidden_states.py --encoder $RERE_ENCODERS/m3e-small --sentences sentences_zh.json --indices 0 1 \
        --query 人物 出生地 --out m3e_small_hidden_states.safetensors

Needs torch 2.9, transformers 4.57, safetensors. Tensors, with B rows padded to T tokens, and hidden size H:
input_ids, attention_mask (1 = a token, 0 = padding), token_type_ids: i64 [B, T]; hidden: f32 [B, T, H].
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True, help="Hugging Face folder with a tokenizer")
    parser.add_argument("--sentences", type=Path, required=True, help="CasRel file: a JSON array")
    parser.add_argument("--indices", type=int, nargs="+", required=True, help="sentences to take, counted from 0")
    parser.add_argument("--query", nargs="+", default=["person place of birth"], help="query of every second row")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(args.encoder)
    model = AutoModel.from_pretrained(
        args.encoder, add_pooling_layer=False, attn_implementation="eager", dtype=torch.float32
    ).eval()
    query = " ".join(args.query)

    sentences = json.loads(args.sentences.read_text(encoding="utf-8"))
    texts = [sentences[index]["text"] for index in args.indices]
    encodings = [tokenizer(query, text) if row % 2 else tokenizer(text) for row, text in enumerate(texts)]
    lengths = [len(encoding["input_ids"]) for encoding in encodings]
    if len(set(lengths)) < len(lengths):
        parser.error(f"expected rows of different lengths, but those of --indices have {lengths} tokens")
    batch = tokenizer.pad(encodings, padding="longest", return_tensors="pt")

    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    ids = batch["input_ids"]
    types = batch.get("token_type_ids", torch.zeros_like(ids))
    recorded = {"input_ids": ids, "attention_mask": batch["attention_mask"], "token_type_ids": types, "hidden": hidden}
    save_file(recorded, args.out)
    print(f"{args.out}: lengths {lengths}, hidden {list(hidden.shape)}, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
