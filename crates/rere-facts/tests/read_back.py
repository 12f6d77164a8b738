"""Reads the files of the example `every_format` with other people's readers, and compares them with its JSON lines.

Needs pyarrow and rdflib: python read_back.py FOLDER
"""

import csv
import gzip
import json
import pathlib
import re
import sys
from collections import Counter
from urllib.parse import quote

import pyarrow.parquet
import rdflib
from rdflib.namespace import DC, PROV, RDF, RDFS, XSD

REST = ["score", "best", "sentences", "documents", "status", "conflicts", "text", "subject_surface", "subject_start",
        "subject_end", "object_surface", "object_start", "object_end", "sentence_id", "document", "start"]
VOCAB = rdflib.Namespace("urn:rere:vocab/")


def read_text(path):
    """The text of a file, with its line ends as they are."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode("utf-8")


def evidence(sentence):
    """The columns of a sentence of evidence."""
    [triple] = sentence["triples"]
    document, start = sentence.get("document"), sentence.get("start")
    for role in ("subject", "object"):
        mention = triple[role]
        if "start" in mention:
            assert sentence["text"][mention["start"]:mention["end"]] == mention["text"], mention
    return {
        "text": sentence["text"],
        "subject_surface": triple["subject"]["text"],
        "subject_start": triple["subject"].get("start"),
        "subject_end": triple["subject"].get("end"),
        "object_surface": triple["object"]["text"],
        "object_start": triple["object"].get("start"),
        "object_end": triple["object"].get("end"),
        "score": triple["score"],
        "sentence_id": sentence.get("id"),
        "document": document if document is None or isinstance(document, str) else json.dumps(document),
        "start": start if isinstance(start, int) else None,
    }


def flat(fact):
    """The columns of a fact, without evidence."""
    own = {name: fact[name] for name in ("relation", "score", "best", "sentences", "documents", "status", "conflicts")}
    for role in ("subject", "object"):
        own |= {role: fact[role]["name"], f"{role}_ids": fact[role]["ids"]}
    return own


def cells(fact):
    """The columns of a fact with its best evidence, as `REST` has them."""
    best = evidence(fact["evidence"][0]) if fact["evidence"] else {}
    return {**best, **flat(fact)}


def same(found, expected, what):
    assert found == expected, f"{what}:\nexpected {expected!r}\nfound    {found!r}"


def split(cell):
    """The items of a list in a table."""
    items = re.findall(r"(?:\\.|[^|\\])+", cell, re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", item, flags=re.DOTALL) for item in items]


def typed(cell, like):
    """A cell as a value of the type of another."""
    if like is None:
        assert cell == "", cell
        return None
    return type(like)(cell)


def check_table(path, facts, separator):
    with open(path, newline="", encoding="utf-8") if path.suffix != ".gz" else gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, delimiter=separator, strict=True)
    same(header, ["subject", "subject_ids", "relation", "object", "object_ids", *REST], "header")
    same(len(rows), len(facts), "rows")
    for row, fact in zip(rows, facts):
        same(len(row), len(header), "cells")
        expected = {name: cells(fact).get(name) for name in header}
        row = dict(zip(header, row))
        for name in ("subject_ids", "object_ids", "conflicts"):
            row[name] = split(row[name])
        same({name: cell if isinstance(cell, list) else typed(cell, expected[name]) for name, cell in row.items()}, expected, path.name)


def check_parquet(path, facts):
    file = pyarrow.parquet.ParquetFile(path)
    schema = file.schema_arrow
    same(str(schema.field("subject_ids").type.value_type), "string", "type of ids")
    same(str(schema.field("score").type), "double", "type of scores")
    same(str(schema.field("evidence").type.value_type.field("subject_start").type), "int64", "type of offsets")
    rows = file.read().to_pylist()
    expected = [{**flat(fact), "evidence": [evidence(sentence) for sentence in fact["evidence"]]} for fact in facts]
    same(rows, expected, path.name)


def under_base(kind, name):
    return f"urn:rere:{kind}/" + quote(name, safe="")


def id_iri(value):
    if re.fullmatch(r"[QPL]\d+", value):
        return "http://www.wikidata.org/entity/" + value
    return value if re.match(r"https?://", value) else under_base("entity", value)


def entity_iri(entity):
    return id_iri(entity["ids"][0]) if len(entity["ids"]) == 1 else under_base("name", entity["name"])


def relation_iri(name):
    return "http://www.wikidata.org/prop/direct/" + name if re.fullmatch(r"P\d+", name) else under_base("relation", name)


def check_rdf(path, facts, syntax):
    graph = rdflib.Graph()
    graph.parse(data=read_text(path), format=syntax)
    same(len(set(graph.subjects(RDF.type, RDF.Statement))), len(facts), "statements")
    known = set()

    def literals(subject, terms):
        """Checks the literals of a subject, each with its datatype."""
        for predicate, values, datatype in terms:
            found = list(graph.objects(subject, predicate))
            known.update((subject, predicate, value) for value in found)
            same([value.datatype for value in found], [datatype] * len(values), f"datatypes of {predicate}")
            # The lexical form: rdflib normalises the line ends of no literal.
            to = {XSD.double: float, XSD.integer: int}.get(datatype, str)
            same(sorted(to(str(value)) for value in found), sorted(values), f"{path.name}: {predicate}")

    for fact in facts:
        subject, predicate, object = (rdflib.URIRef(iri) for iri in (
            entity_iri(fact["subject"]), relation_iri(fact["relation"]), entity_iri(fact["object"])))
        assert (subject, predicate, object) in graph, (subject, predicate, object)
        known.add((subject, predicate, object))
        for node, role in ((subject, "subject"), (object, "object")):
            literals(node, [(RDFS.label, {other[role]["name"] for other in facts for role in ("subject", "object") if entity_iri(other[role]) == str(node)}, None)])
            ids = fact[role]["ids"]
            candidates = {(node, VOCAB.candidate, rdflib.URIRef(id_iri(value))) for value in ids if len(ids) > 1}
            same(set(graph.triples((node, VOCAB.candidate, None))), candidates, "candidates")
            known |= candidates
        literals(predicate, [(RDFS.label, [fact["relation"]], None)])
        [statement] = [node for node in graph.subjects(RDF.subject, subject)
                       if (node, RDF.predicate, predicate) in graph and (node, RDF.object, object) in graph]
        known |= {(statement, RDF.type, RDF.Statement), (statement, RDF.subject, subject),
                  (statement, RDF.predicate, predicate), (statement, RDF.object, object)}
        literals(statement, [
            (VOCAB.score, [fact["score"]], XSD.double),
            (VOCAB.best, [fact["best"]], XSD.double),
            (VOCAB.sentences, [fact["sentences"]], XSD.integer),
            (VOCAB.documents, [fact["documents"]], XSD.integer),
            (VOCAB.status, [fact["status"]] if fact["status"] else [], None),
            (VOCAB.conflict, fact["conflicts"], None),
        ])
        sources = [rdflib.URIRef(f"{statement}/{number + 1}") for number in range(len(fact["evidence"]))]
        same(set(graph.objects(statement, PROV.wasDerivedFrom)), set(sources), "evidence")
        for source, sentence in zip(sources, fact["evidence"]):
            known |= {(statement, PROV.wasDerivedFrom, source), (source, RDF.type, PROV.Entity)}
            row = evidence(sentence)
            names = [("text", PROV.value, None), ("score", VOCAB.score, XSD.double), ("sentence_id", DC.identifier, None),
                     ("document", DC.source, None), ("start", VOCAB.start, XSD.integer)]
            for role in ("subject", "object"):
                names.append((f"{role}_surface", VOCAB[f"{role}Surface"], None))
                names += [(f"{role}_{end}", VOCAB[role + end.title()], XSD.integer) for end in ("start", "end")]
            literals(source, [(term, [] if row[name] is None else [row[name]], datatype) for name, term, datatype in names])
    same(set(graph) - known, set(), f"{path.name}: other triples")


def check_neo4j(folder, facts):
    """Checks the layout that neo4j-admin documents, and the content."""
    tables = {}
    for name in ("nodes", "relationships"):
        with open(folder / f"{name}.csv", newline="", encoding="utf-8") as file:
            tables[name] = list(csv.reader(file, strict=True))
    header, *nodes = tables["nodes"]
    same(header, ["iri:ID", "name:string", "ids:string[]", ":LABEL"], "header of nodes")
    same({count for count in Counter(row[0] for row in nodes).values()}, {1}, "times that a node is there")
    escaped = lambda items: ";".join(item.replace(";", "%3B") for item in items)
    entities = {entity_iri(fact[role]): [fact[role]["name"], escaped(fact[role]["ids"]), "Entity"]
                for fact in reversed(facts) for role in ("object", "subject")}
    same({row[0]: row[1:] for row in nodes}, entities, "nodes")

    header, *rows = tables["relationships"]
    same(header[:3], [":START_ID", ":END_ID", ":TYPE"], "header of relationships")
    names, types = zip(*(column.split(":") for column in header[3:]))
    same(list(names), REST, "properties")
    assert set(types) <= {"int", "long", "double", "string", "string[]"}, types
    to = {"int": int, "long": int, "double": float}
    same(len(rows), len(facts), "relationships")
    for (start, end, kind, *row), fact in zip(rows, facts):
        assert start in entities and end in entities and kind, (start, end, kind)
        same((start, end, kind), (entity_iri(fact["subject"]), entity_iri(fact["object"]), fact["relation"]), "ends")
        found = {name: to.get(kind, str)(cell) if cell else None for name, kind, cell in zip(names, types, row)}
        expected = {name: cells(fact).get(name) for name in names}
        expected["conflicts"] = escaped(expected["conflicts"]) or None
        same(found, expected, "properties")


def main():
    folder = pathlib.Path(sys.argv[1])
    lines = read_text(folder / "facts.jsonl")
    same(read_text(folder / "facts.jsonl.gz"), lines, "facts.jsonl.gz")
    facts = [json.loads(line) for line in lines.split("\n") if line]
    # What the files must hold, so that an example without it does not pass.
    assert len(facts) >= 10 and any(not fact["evidence"] for fact in facts) and any(len(fact["evidence"]) > 1 for fact in facts)
    for end in ("", ".gz"):
        check_table(folder / f"facts.tsv{end}", facts, "\t")
        check_table(folder / f"facts.csv{end}", facts, ",")
        check_rdf(folder / f"facts.nt{end}", facts, "nt")
        check_rdf(folder / f"facts.ttl{end}", facts, "turtle")
    check_parquet(folder / "facts.parquet", facts)
    check_neo4j(folder / "facts.neo4j", facts)
    print(f"{len(facts)} facts are the same in every format")


if __name__ == "__main__":
    main()
