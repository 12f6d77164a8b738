"""Times the search for names in texts by Python; see ../benches/python.rs, which runs it.

usage: align.py CASE
CASE: JSON with names, a list for each entity, texts, and fold_case. Finds what `EntityMatcher` finds with its default
settings, but for scripts without spaces: names of 2 characters or more that stand on word borders, always the leftmost
and of these the longest. Prints JSON: for each way the seconds, building and reading not counted, and the mentions.

plain        a loop over the words, with the names in a set
ahocorasick  all places of all names by pyahocorasick, of which those on borders are kept; null where it is not installed
bare         the same places, with nothing done to them
"""

import json
import sys
import time
from collections.abc import Callable

try:
    import ahocorasick
except ImportError:
    ahocorasick = None

Span = tuple[int, int]  # first character, character after the last one


def plain(names: set[str]) -> Callable[[str], list[Span]]:
    """Tries, at every border, the lengths of the names with the same first 3 characters, longest first."""
    lengths: dict[str, set[int]] = {}
    for name in names:
        lengths.setdefault(name[:3], set()).add(len(name))
    longest_first = {prefix: sorted(own, reverse=True) for prefix, own in lengths.items()}

    def find(text: str) -> list[Span]:
        found = []
        at, end = 0, len(text)
        while at < end:
            if at == 0 or not text[at - 1].isalnum():
                # Names of 2 characters are under these two, and come last.
                three, two = text[at : at + 3], text[at : at + 2]
                tried = longest_first.get(three, ()) if len(three) == 3 else ()
                for length in (*tried, *longest_first.get(two, ())):
                    after = at + length
                    if after <= end and text[at:after] in names and (after == end or not text[after].isalnum()):
                        found.append((at, after))
                        at = after - 1
                        break
            at += 1
        return found

    return find


def automaton(names: set[str]) -> "ahocorasick.Automaton":
    built = ahocorasick.Automaton()
    for name in names:
        built.add_word(name, len(name))
    built.make_automaton()
    return built


def on_borders(built: "ahocorasick.Automaton") -> Callable[[str], list[Span]]:
    def find(text: str) -> list[Span]:
        size = len(text)
        places = []
        for last, length in built.iter(text):
            start, end = last + 1 - length, last + 1
            if (start == 0 or not text[start - 1].isalnum()) and (end == size or not text[end].isalnum()):
                places.append((start, -end))
        places.sort()
        found, free = [], 0
        for start, end in places:
            if start >= free:
                free = -end
                found.append((start, free))
        return found

    return find


def timed(find: Callable[[str], list[Span]], texts: list[str], fold_case: bool) -> tuple[float, int]:
    """The least seconds of 3 rounds, and the number of mentions."""
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        count = sum(len(find(text.lower() if fold_case else text)) for text in texts)
        seconds.append(time.perf_counter() - begin)
    return min(seconds), count


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        case = json.load(file)
    texts, fold_case = case["texts"], case["fold_case"]
    names = {name.strip() for own in case["names"] for name in own if len(name.strip()) >= 2}
    if fold_case:
        names = {name.lower() for name in names}
    result = {"plain": timed(plain(names), texts, fold_case), "ahocorasick": None, "bare": None}
    if ahocorasick is not None:
        built = automaton(names)
        result["ahocorasick"] = timed(on_borders(built), texts, fold_case)
        result["bare"] = timed(lambda text: list(built.iter(text)), texts, fold_case)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
