"""Times the plain Python cross-product pairing on the cases of a file; see ../benches/python.rs, which runs it.

usage: cross_product.py CASES REFERENCE
CASES: JSON lines with text, tokens and scores. REFERENCE: the folder of cross_product.py, the transcription of the steps.
Prints the seconds that the pairing took, reading not counted, and the number of pairs.
"""

import json
import sys
import time

sys.path.insert(0, sys.argv[2])
from cross_product import pairs  # noqa: E402

with open(sys.argv[1], encoding="utf-8") as file:
    cases = [json.loads(line) for line in file]
begin = time.perf_counter()
count = sum(len(pairs(case["text"], case["tokens"], case["scores"], 0.5)) for case in cases)
print(time.perf_counter() - begin, count)
