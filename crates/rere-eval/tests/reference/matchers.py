"""Writes matchers.json: counts of small random corpora under each matcher, by a plain transcription of the definitions.

An independent source for rere_eval::Match, written from the definitions of the field and not from the Rust code. Run
`python3 matchers.py` in this folder; it needs only the standard library.

In matchers.json, `mentions` are [surface, first byte, byte after the last, entity type, entity or null] in one text.
`corpora` are lists of [gold, predicted] for each sentence. A side is a string with three characters per triple:
subject, relation and object; subject and object are letters from A on (mentions). `counts` has, for each corpus,
[true positives, predicted, gold] in the order of `matchers`.
"""

import json
import pathlib
import random

SEED, CORPORA = 21, 1000
# Words that come twice, white space of several kinds, and characters of one, two and three bytes.
TEXT = "New York \u3000New\tJersey \u00a0 York é New York City 北京 北京 市 "
# In characters. Some share a start, an end, a word or the whole surface; one is only white space.
SPANS = [(0, 8), (0, 3), (30, 38), (30, 43), (4, 8), (10, 20), (8, 20), (10, 13), (22, 27), (23, 29), (28, 29)]
SPANS += [(44, 46), (47, 49), (47, 51), (21, 22)]
TYPES = ["LOC", "ORG"]
# Some entities share a name or a span.
ENTITIES = [None, "0", "1", "2", "1"]
RELATIONS = "rs"


def mentions():
    """Each span; every second one with both types."""
    table = []
    for number, (start, end) in enumerate(SPANS):
        before, surface = TEXT[:start].encode(), TEXT[start:end]
        for kind in TYPES[: 1 + number % 2]:
            entity_id = ENTITIES[len(table) % len(ENTITIES)]
            table.append((surface, len(before), len(before) + len(surface.encode()), kind, entity_id))
    return table


def score_sets(gold, predicted, compared):
    """Compares the triples of a sentence as sets."""

    def reduced(triples):
        return {(compared(subject), relation, compared(obj)) for subject, relation, obj in triples}

    gold, predicted = reduced(gold), reduced(predicted)
    return len(gold & predicted), len(predicted), len(gold)


def word(surface, at):
    words = surface.split()
    return words[at] if words else ""


def exact(gold, predicted):
    return score_sets(gold, predicted, lambda mention: mention[0].strip())


def partial(gold, predicted):
    return score_sets(gold, predicted, lambda mention: word(mention[0], 0))


def last_word(gold, predicted):
    return score_sets(gold, predicted, lambda mention: word(mention[0], -1))


def boundaries(gold, predicted):
    return score_sets(gold, predicted, lambda mention: mention[1:3])


def strict(gold, predicted):
    return score_sets(gold, predicted, lambda mention: mention[1:4])


def begin(gold, predicted):
    """Each gold triple takes the first free prediction that agrees; repeats count."""
    free = list(predicted)
    true_positives = 0
    for subject, relation, obj in gold:
        for index, (other_subject, other_relation, other_object) in enumerate(free):
            if relation == other_relation and subject[1] == other_subject[1] and obj[1] == other_object[1]:
                del free[index]
                true_positives += 1
                break
    return true_positives, len(predicted), len(gold)


def entity(gold, predicted):
    """Compares sets of entities with relations; gold mentions decide which entities a predicted mention can mean."""

    def of(mention):
        surface, _, _, _, entity_id = mention
        return (0, surface.strip()) if entity_id is None else (1, entity_id)

    mentions = [mention for subject, _, obj in gold for mention in (subject, obj)]
    facts = {(of(subject), relation, of(obj)) for subject, relation, obj in gold}

    def readings(mention):
        surface = mention[0].strip()
        by_span = {of(known) for known in mentions if known[1:3] == mention[1:3]}
        by_name = {of(known) for known in mentions if known[0].strip() == surface}
        return by_span or by_name or {(0, surface)}

    def read(triple):
        subject, relation, obj = triple
        every = [(one, relation, other) for one in readings(subject) for other in readings(obj)]
        return min(every, key=lambda fact: (fact not in facts, (fact[0] != of(subject)) + (fact[2] != of(obj)), fact))

    read_as = {read(triple) for triple in predicted}
    return len(facts & read_as), len(read_as), len(facts)


MATCHERS = {
    "exact": exact,
    "partial": partial,
    "begin": begin,
    "last-word": last_word,
    "boundaries": boundaries,
    "strict": strict,
    "entity": entity,
}


def main():
    rng = random.Random(SEED)
    table = mentions()

    def triple():
        # Few subjects, so equal triples are frequent.
        subject = rng.randrange(len(table)) if rng.random() < 0.5 else rng.randrange(4)
        return subject, rng.choice(RELATIONS), rng.randrange(4 if rng.random() < 0.5 else len(table))

    def sides():
        gold = [triple() for _ in range(rng.randrange(6))]
        predicted = [triple() for _ in range(rng.randrange(4))]
        predicted += [rng.choice(gold) for _ in range(rng.randrange(4)) if gold]
        rng.shuffle(predicted)
        gold += [rng.choice(gold) for _ in range(rng.randrange(2)) if gold]
        return gold, predicted

    def packed(triples):
        return "".join(chr(65 + subject) + relation + chr(65 + obj) for subject, relation, obj in triples)

    def looked_up(triples):
        return [(table[subject], relation, table[obj]) for subject, relation, obj in triples]

    corpora, counts = [], []
    for _ in range(CORPORA):
        corpus = [sides() for _ in range(rng.randint(1, 3))]
        corpora.append([[packed(gold), packed(predicted)] for gold, predicted in corpus])
        sentences = [[looked_up(gold), looked_up(predicted)] for gold, predicted in corpus]
        counts.append([[sum(n) for n in zip(*(count(*sides) for sides in sentences))] for count in MATCHERS.values()])
    result = {"matchers": list(MATCHERS), "mentions": table, "corpora": corpora, "counts": counts}
    text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    pathlib.Path(__file__).with_name("matchers.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
