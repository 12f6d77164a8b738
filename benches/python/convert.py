"""Converts a corpus from CasRel's format to the rere format with the json module; see ../benches/convert.rs, which runs it.

usage: convert.py IN OUT
Prints the seconds that it took.
"""

import json
import sys
import time


def convert(sentence):
    triples = [
        {"subject": {"text": subject}, "relation": relation, "object": {"text": object_}}
        for subject, relation, object_ in sentence.pop("triple_list")
    ]
    return {"text": sentence.pop("text"), "triples": triples, **sentence}


begin = time.perf_counter()
with open(sys.argv[1], encoding="utf-8") as source, open(sys.argv[2], "w", encoding="utf-8") as target:
    for line in source:
        sentence = convert(json.loads(line))
        target.write(json.dumps(sentence, ensure_ascii=False, separators=(",", ":")) + "\n")
print(time.perf_counter() - begin)
