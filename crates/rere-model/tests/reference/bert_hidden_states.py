"""Last hidden states of a BERT encoder by Hugging Face transformers: the numbers that `Bert` must reproduce.

Every second row is a pair, `[CLS] query [SEP] sentence [SEP]`, so that both token types occur. The rows differ in
length, so that the mask matters. The text can be recovered from the token ids: commit only files made from sentences
with a free licence, such as those beside this script.

    python bert_hidden_states.py --encoder $RERE_ENCODERS/minilm --sentences sentences.json --indices 0 1 2 3 \
        --out minilm_hidden_states.safetensors

Needs torch 2.9, transformers 4.57, safetensors. Tensors, with B rows padded to T tokens, and hidden size H:
input_ids, attention_mask (1 = a token, 0 = padding), token_type_ids: i64 [B, T]; hidden: f32 [B, T, H].
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, BertModel

QUERY = "person place of birth"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True, help="Hugging Face BERT folder with a tokenizer")
    parser.add_argument("--sentences", type=Path, required=True, help="CasRel file: a JSON array")
    parser.add_argument("--indices", type=int, nargs="+", required=True, help="sentences to take, counted from 0")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(args.encoder)
    model = BertModel.from_pretrained(
        args.encoder, add_pooling_layer=False, attn_implementation="eager", dtype=torch.float32
    ).eval()

    sentences = json.loads(args.sentences.read_text(encoding="utf-8"))
    texts = [sentences[index]["text"] for index in args.indices]
    encodings = [tokenizer(QUERY, text) if row % 2 else tokenizer(text) for row, text in enumerate(texts)]
    lengths = [len(encoding["input_ids"]) for encoding in encodings]
    if len(set(lengths)) < len(lengths):
        parser.error(f"expected rows of different lengths, but those of --indices have {lengths} tokens")
    batch = tokenizer.pad(encodings, padding="longest", return_tensors="pt")

    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    names = ("input_ids", "attention_mask", "token_type_ids")
    save_file({name: batch[name] for name in names} | {"hidden": hidden}, args.out)
    print(f"{args.out}: lengths {lengths}, hidden {list(hidden.shape)}, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
