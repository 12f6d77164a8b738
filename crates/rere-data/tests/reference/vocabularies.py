"""Writes the folder `vocabularies`: small vocabularies, texts, and the tokens that transformers finds in them.

    pip install transformers==4.57.6 tokenizers==0.22.2 sentencepiece==0.2.3 protobuf
    python vocabularies.py

`texts.json` has 500 texts. Each folder has the files of a published tokenizer without `tokenizer.json`. `tokens.json.zst`
has for each folder the ids of CLS, SEP and padding, and for each text the ids and the offsets (in characters) of the fast
tokenizer that transformers builds from these files. Special tokens that are spelled out in a text are text, as in rere.
"""

import io
import json
import os
import random
import subprocess
import unicodedata

import sentencepiece
import tokenizers
from transformers import AutoTokenizer

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vocabularies")

WORDS = """the The of and Paris London Ada Lovelace born in company founder isn't we'll it's I'M company's United
naïve café Café cafe\u0301 ne\u0301e Ångström ÅNGSTRÖM straße STRASSE Łódź İstanbul ıstanbul ΑΘΗΝΑ Αθήνα οδός Москва
москва ёлка Киев ירושלים שָׁלוֹם القاهرة مُحَمَّد हिन्दी दिल्ली ประเทศไทย กรุงเทพ 北京 中国人民 東京都 とうきょう トウキョウ ﾄｳｷｮｳ
서울 한국어 \u1112\u1161\u11ab Việt Nam Tiếng 2026 1,024.50 ½ ² ⅷ Ⅷ ① ３７ ﬁnance ﬂow ﬀ ŉ ǆ ㎏ ㍿ Ａｄａ ＡＤＡ
https://example.org/a?b=c user@example.org R&D AT&T #tag @name C++ e.g. U.S. o'clock rock'n'roll well-known
non\u2011breaking soft\u00adhyphen zero\u200bwidth join\u200der 👩\u200d🚀 👍🏽 🇫🇷 ❤\ufe0f 🙂 → ≠ ∞ € £ ™ © “quoted” ‘it’ «là»
– — … · • ・ 。 ， ！ （ ） 「 」 ~ ^ ` | \\ / _ __ * ** % $ + = < > <> [ ] { } ( ) ' " '' "" ! ? ?! ... , ; :
[CLS] [SEP] [PAD] [UNK] [MASK] <s> </s> <pad> <unk> <mask> <e1> <e2> ## ##ing ▁ ▁the Ġ Ġthe \ufffd \u0000 \u0001 \u007f
\u00a0 \u3000 \u2028 \ufeff supercalifragilisticexpialidocious Donaudampfschifffahrtsgesellschaft aaaaaaaaaa ZZZZ xX""".split(" ")
WORDS = [word for part in WORDS for word in part.split("\n") if word]
SEPARATORS = [" "] * 12 + ["", "", "", "  ", "   ", "\t", "\n", "\r\n", " \n ", "\u00a0", "\u3000", "-", "'", ", ", ". "]
ALONE = ["", " ", "  ", "\n", "\t", "\u0301", "\u200b", "\u0000", "a" * 120, "é" * 110, "▁", "▁▁", " ▁ ", "##", "Ġ"]


def texts():
    draw = random.Random(7)
    found = list(ALONE)
    while len(found) < 470:
        text = "".join(draw.choice(WORDS) + draw.choice(SEPARATORS) for _ in range(draw.randint(1, 9)))
        found.append(draw.choice(["", "", "", " ", "\n"]) + (text if draw.random() < 0.3 else text.strip()))
    # Characters from everywhere, without surrogates.
    while len(found) < 500:
        codes = [draw.choice([range(1, 0x250), range(0x300, 0x370), range(0x900, 0x980), range(0x2000, 0x2070),
                              range(0xAC00, 0xAD00), range(0xFB00, 0xFFFE), range(0x1F300, 0x1F700)]) for _ in range(12)]
        found.append("".join(chr(draw.choice(code)) for code in codes))
    return found


TEXTS = texts()
CORPUS = [text for text in TEXTS if text.strip()] + [" ".join(WORDS)] * 2


def write(folder, name, content):
    os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    with open(os.path.join(HERE, folder, name), "w", encoding="utf-8", newline="\n") as file:
        file.write(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False) + "\n")


def word_pieces(folder, special, settings, config, lower, chinese):
    inner = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    inner.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lower, handle_chinese_chars=chinese)
    inner.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=700, special_tokens=special, limit_alphabet=300, show_progress=False)
    inner.train_from_iterator(CORPUS, trainer)
    vocabulary = sorted(inner.get_vocab().items(), key=lambda item: item[1])
    write(folder, "vocab.txt", "".join(token + "\n" for token, _ in vocabulary))
    if settings is not None:
        write(folder, "tokenizer_config.json", settings)
    write(folder, "config.json", config)


def byte_pairs(folder, settings, added):
    inner = tokenizers.Tokenizer(tokenizers.models.BPE())
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=settings.get("add_prefix_space", False))
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
    inner.train_from_iterator(CORPUS, trainer)
    state = json.loads(inner.to_str())["model"]
    write(folder, "vocab.json", state["vocab"])
    write(folder, "merges.txt", "#version: 0.2\n" + "".join(" ".join(merge) + "\n" for merge in state["merges"]))
    write(folder, "tokenizer_config.json", settings)
    write(folder, "config.json", {"model_type": "roberta"})
    if added:
        size = len(state["vocab"])
        write(folder, "added_tokens.json", {token: size + index for index, token in enumerate(added)})


def rules():
    """Compatibility decompositions of the characters of WORDS, and white space, in the format of SentencePiece."""
    characters = sorted({c for word in WORDS for c in word} | set("\t\n\r"))
    lines = []
    for c in characters:
        to = " " if c.isspace() else "" if c in "\u200b\u0000\u0001\u007f\ufeff" else unicodedata.normalize("NFKC", c)
        if to != c and c != "\u0000":
            lines.append(f"{ord(c):X}\t{' '.join(f'{ord(x):X}' for x in to)}")
    for pair in ["e\u0301", "\u1112\u1161", "\u1112\u1161\u11ab"]:
        lines.append(f"{' '.join(f'{ord(x):X}' for x in pair)}\t{ord(unicodedata.normalize('NFC', pair)):X}")
    return "\n".join(lines) + "\n"


def sentence_pieces(folder, name, settings, config, normalised, **options):
    model = io.BytesIO()
    path = os.path.join(HERE, "rules.tsv")
    if normalised:
        with open(path, "w", encoding="utf-8") as file:
            file.write(rules())
        options["normalization_rule_tsv"] = path
    else:
        options["normalization_rule_name"] = "identity"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text.replace("\n", " ").replace("\u0000", "") for text in CORPUS), model_writer=model,
        model_type="unigram", vocab_size=600, hard_vocab_limit=False, character_coverage=0.98, minloglevel=2,
        num_threads=1, **options)
    if normalised:
        os.remove(path)
    write(folder, "tokenizer_config.json", settings)
    write(folder, "config.json", config)
    with open(os.path.join(HERE, folder, name), "wb") as file:
        file.write(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).get_piece_size()


bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
word_pieces("bert", bert, {"do_lower_case": True, "model_max_length": 512}, {"model_type": "bert"}, True, True)
word_pieces("bert-cased", bert,
            {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "tokenize_chinese_chars": False,
             "strip_accents": True, "do_basic_tokenize": False}, {"model_type": "bert"}, False, False)
word_pieces("electra", bert, None, {"model_type": "electra"}, True, True)
# As the published one, MPNet's vocabulary has BERT's special tokens too.
word_pieces("mpnet", ["<s>", "<pad>", "</s>", "<unk>", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<mask>"],
            {"tokenizer_class": "MPNetTokenizer", "do_lower_case": True, "unk_token": {
                "content": "[UNK]", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False,
                "__type": "AddedToken"}}, {"model_type": "mpnet"}, True, True)
with open(os.path.join(HERE, "mpnet", "vocab.txt"), encoding="utf-8") as file:
    size = len(file.read().split("\n")) - 1
write("mpnet", "tokenizer_config.json", {
    "tokenizer_class": "MPNetTokenizer", "do_lower_case": True, "unk_token": "[UNK]", "added_tokens_decoder": {
        str(size): {"content": "<e1>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
                    "special": False},
        str(size + 1): {"content": "Café", "lstrip": False, "normalized": True, "rstrip": False, "single_word": True,
                        "special": False}}})
byte_pairs("roberta", {"model_max_length": 512}, ["<mask>", "<e1>", "London"])
byte_pairs("roberta-prefix", {"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": True}, [])
symbols = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]", "bos_piece": "[CLS]",
           "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
size = sentence_pieces("deberta-v3", "spm.model", {"do_lower_case": False, "vocab_type": "spm"},
                       {"model_type": "deberta-v2"}, True, **symbols)
write("deberta-v3", "added_tokens.json", {"[MASK]": size})
sentence_pieces("deberta-lower", "spm.model",
                {"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": True, "split_by_punct": True},
                {"model_type": "deberta-v2"}, False, user_defined_symbols=["<e1>", "##"], **symbols)
sentence_pieces("xlm-roberta", "sentencepiece.bpe.model", {"model_max_length": 512}, {"model_type": "xlm-roberta"}, True,
                user_defined_symbols=["<e2>"])
sentence_pieces("camembert", "sentencepiece.bpe.model", {"tokenizer_class": "CamembertTokenizer"},
                {"model_type": "camembert"}, False)

write(".", "texts.json", "[\n" + ",\n".join(json.dumps(text) for text in TEXTS) + "\n]\n")
found = {}
for folder in sorted(name for name in os.listdir(HERE) if os.path.isdir(os.path.join(HERE, name))):
    tokenizer = AutoTokenizer.from_pretrained(os.path.join(HERE, folder), use_fast=True, split_special_tokens=True)
    assert tokenizer.is_fast and not os.path.exists(os.path.join(HERE, folder, "tokenizer.json"))
    inner = tokenizer.backend_tokenizer
    inner.encode_special_tokens = True
    encodings = [inner.encode(text, add_special_tokens=False) for text in TEXTS]
    found[folder] = {
        "special": [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id],
        "texts": [[e.ids, [end for offset in e.offsets for end in offset]] for e in encodings],
    }
    unknown = tokenizer.unk_token_id
    tokens = sum(len(e.ids) for e in encodings)
    print(f"{folder}: {type(tokenizer).__name__}, {len(tokenizer)} tokens, {tokens} in the texts, "
          f"{sum(e.ids.count(unknown) for e in encodings)} unknown")
subprocess.run(["zstd", "-q", "-f", "-19", "-o", os.path.join(HERE, "tokens.json.zst")],
               input=json.dumps(found, separators=(",", ":")).encode(), check=True)
