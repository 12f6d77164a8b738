use std::{fs, io::Read, path::Path};

use rere_core::{ByteSpan, Extra, Mention, Probability, Sentence, Triple};

use super::*;
use crate::{FactEntity, FactStatus};

fn entity(name: &str, ids: &[&str]) -> FactEntity {
    FactEntity { name: name.to_owned(), ids: ids.iter().map(|&id| id.to_owned()).collect() }
}

/// A fact with all fields, and one with as few as possible.
fn facts() -> [CorpusFact; 2] {
    let text = "Zoë\t\"Z\" was born\nin Rome";
    let at = |start, end| Mention::at(text, ByteSpan::new(start, end)).expect("a span");
    let born = Triple::new(at(0, 8), "born in", at(21, 25)).with_score(Probability::new(0.9).expect("a score"));
    let mut extra = Extra::default();
    extra.set("document", "a,b.txt").expect("JSON");
    extra.set("start", &40).expect("JSON");
    let full = CorpusFact {
        subject: entity("Zoë", &["Q1", "a|b;c"]),
        relation: "born in".to_owned(),
        object: entity("Rome", &["Q220"]),
        score: 0.99,
        best: 0.9,
        sentences: 3,
        documents: 2,
        status: Some(FactStatus::New),
        conflicts: vec!["Paris (knowledge base)".to_owned(), "Bonn (found)".to_owned()],
        evidence: vec![Sentence::new(text).with_id("s1").with_triples([born]).with_extra(extra)],
    };
    let bare = CorpusFact {
        subject: entity("Rome", &["Q220"]),
        relation: "P36".to_owned(),
        object: entity("b", &[]),
        score: 1.0,
        best: 1.0,
        sentences: 1,
        documents: 1,
        status: None,
        conflicts: Vec::new(),
        evidence: Vec::new(),
    };
    [full, bare]
}

fn write_all(path: &Path) {
    let mut writer = FactWriter::create(path, &FactWriterOptions::default()).expect("a writer");
    facts().iter().for_each(|fact| writer.write(fact).expect("written"));
    writer.finish().expect("finished");
}

/// The content of a file with the facts.
fn written(name: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    write_all(&folder.path().join(name));
    let mut text = String::new();
    rere_data::open(&folder.path().join(name)).expect("opened").read_to_string(&mut text).expect("UTF-8");
    text
}

#[test]
fn tables() {
    let header = "subject,subject_ids,relation,object,object_ids,score,best,sentences,documents,status,conflicts,text,\
         subject_surface,subject_start,subject_end,object_surface,object_start,object_end,sentence_id,document,start\n";
    let csv = "Zoë,Q1|a\\|b;c,born in,Rome,Q220,0.99,0.9,3,2,new,Paris (knowledge base)|Bonn (found),\
         \"Zoë\t\"\"Z\"\" was born\nin Rome\",\"Zoë\t\"\"Z\"\"\",0,7,Rome,20,24,s1,\"a,b.txt\",40\n\
         Rome,Q220,P36,b,,1,1,1,1,,,,,,,,,,,,\n";
    assert_eq!(written("facts.csv"), format!("{header}{csv}"));
    let tsv = format!("{header}{csv}").replace("\"a,b.txt\"", "a;b.txt").replace(',', "\t").replace("a;b", "a,b");
    assert_eq!(written("facts.tsv"), tsv);
    for name in ["facts.tsv.gz", "facts.TSV.zst"] {
        assert_eq!(written(name), tsv);
    }
}

#[test]
fn json_lines() {
    let lines = written("facts.jsonl");
    let expected = r#"{"subject":{"name":"Zoë","ids":["Q1","a|b;c"]},"relation":"born in","object":{"name":"Rome","ids":["Q220"]},"score":0.99,"best":0.9,"sentences":3,"documents":2,"status":"new","conflicts":["Paris (knowledge base)","Bonn (found)"],"evidence":[{"id":"s1","text":"Zoë\t\"Z\" was born\nin Rome","triples":[{"subject":{"text":"Zoë\t\"Z\"","start":0,"end":7},"relation":"born in","object":{"text":"Rome","start":20,"end":24},"score":0.9}],"document":"a,b.txt","start":40}]}
{"subject":{"name":"Rome","ids":["Q220"]},"relation":"P36","object":{"name":"b","ids":[]},"score":1.0,"best":1.0,"sentences":1,"documents":1,"status":null,"conflicts":[],"evidence":[]}
"#;
    assert_eq!(lines, expected);
}

#[test]
fn n_triples() {
    let statement = "<urn:rere:statement/52a72b81eb85f2f0b6575c63c4084619>";
    let expected = r#"<urn:rere:name/Zo%C3%AB> <urn:rere:relation/born%20in> <http://www.wikidata.org/entity/Q220> .
<urn:rere:name/Zo%C3%AB> <http://www.w3.org/2000/01/rdf-schema#label> "Zoë" .
<urn:rere:name/Zo%C3%AB> <urn:rere:vocab/candidate> <http://www.wikidata.org/entity/Q1> .
<urn:rere:name/Zo%C3%AB> <urn:rere:vocab/candidate> <urn:rere:entity/a%7Cb%3Bc> .
<http://www.wikidata.org/entity/Q220> <http://www.w3.org/2000/01/rdf-schema#label> "Rome" .
<urn:rere:relation/born%20in> <http://www.w3.org/2000/01/rdf-schema#label> "born in" .
S <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/1999/02/22-rdf-syntax-ns#Statement> .
S <http://www.w3.org/1999/02/22-rdf-syntax-ns#subject> <urn:rere:name/Zo%C3%AB> .
S <http://www.w3.org/1999/02/22-rdf-syntax-ns#predicate> <urn:rere:relation/born%20in> .
S <http://www.w3.org/1999/02/22-rdf-syntax-ns#object> <http://www.wikidata.org/entity/Q220> .
S <urn:rere:vocab/score> "0.99"^^<http://www.w3.org/2001/XMLSchema#double> .
S <urn:rere:vocab/best> "0.9"^^<http://www.w3.org/2001/XMLSchema#double> .
S <urn:rere:vocab/sentences> "3"^^<http://www.w3.org/2001/XMLSchema#integer> .
S <urn:rere:vocab/documents> "2"^^<http://www.w3.org/2001/XMLSchema#integer> .
S <urn:rere:vocab/status> "new" .
S <urn:rere:vocab/conflict> "Paris (knowledge base)" .
S <urn:rere:vocab/conflict> "Bonn (found)" .
S <http://www.w3.org/ns/prov#wasDerivedFrom> E .
E <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/prov#Entity> .
E <http://www.w3.org/ns/prov#value> "Zoë\t\"Z\" was born\nin Rome" .
E <urn:rere:vocab/score> "0.9"^^<http://www.w3.org/2001/XMLSchema#double> .
E <http://purl.org/dc/elements/1.1/identifier> "s1" .
E <http://purl.org/dc/elements/1.1/source> "a,b.txt" .
E <urn:rere:vocab/subjectSurface> "Zoë\t\"Z\"" .
E <urn:rere:vocab/objectSurface> "Rome" .
E <urn:rere:vocab/subjectStart> "0"^^<http://www.w3.org/2001/XMLSchema#integer> .
E <urn:rere:vocab/subjectEnd> "7"^^<http://www.w3.org/2001/XMLSchema#integer> .
E <urn:rere:vocab/objectStart> "20"^^<http://www.w3.org/2001/XMLSchema#integer> .
E <urn:rere:vocab/objectEnd> "24"^^<http://www.w3.org/2001/XMLSchema#integer> .
E <urn:rere:vocab/start> "40"^^<http://www.w3.org/2001/XMLSchema#integer> .
<http://www.wikidata.org/entity/Q220> <http://www.wikidata.org/prop/direct/P36> <urn:rere:name/b> ."#;
    // sha256sum of "urn:rere:name/Zo%C3%AB urn:rere:relation/born%20in http://www.wikidata.org/entity/Q220"
    let evidence = statement.replace('>', "/1>");
    let resolve = |line: &str| {
        let name = |word: &str| match word {
            "S" => statement.to_owned(),
            "E" => evidence.clone(),
            word => word.to_owned(),
        };
        line.split(' ').map(name).collect::<Vec<_>>().join(" ")
    };
    let expected: Vec<String> = expected.lines().map(resolve).collect();
    let triples = written("facts.nt");
    let found: Vec<&str> = triples.lines().take(expected.len()).collect();
    assert_eq!(found, expected);
}

#[test]
fn turtle_has_the_triples_of_n_triples() {
    let turtle = written("facts.ttl");
    assert!(turtle.contains("wd:Q220 wdt:P36 <urn:rere:name/b> ;\n\trdfs:label \"Rome\""), "{turtle}");
    let read = |triple: Result<oxrdf::Triple, oxttl::TurtleSyntaxError>| triple.expect("Turtle").to_string();
    let from_turtle: Vec<String> = oxttl::TurtleParser::new().for_slice(&turtle).map(read).collect();
    let from_n_triples: Vec<String> = oxttl::NTriplesParser::new().for_slice(&written("facts.nt")).map(read).collect();
    assert_eq!(from_turtle, from_n_triples);
    assert!(from_turtle.len() > 40);
}

#[test]
fn neo4j() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("facts.neo4j");
    // The second time the folder is there.
    for _ in 0..2 {
        write_all(&path);
    }
    let read = |name: &str| fs::read_to_string(path.join(name)).expect("a file");
    let nodes = "iri:ID,name:string,ids:string[],:LABEL\n\
         urn:rere:name/Zo%C3%AB,Zoë,Q1;a|b%3Bc,Entity\n\
         http://www.wikidata.org/entity/Q220,Rome,Q220,Entity\n\
         urn:rere:name/b,b,,Entity\n";
    assert_eq!(read("nodes.csv"), nodes);
    let relationships = ":START_ID,:END_ID,:TYPE,score:double,best:double,sentences:int,documents:int,status:string,\
         conflicts:string[],text:string,subject_surface:string,subject_start:int,subject_end:int,object_surface:string,\
         object_start:int,object_end:int,sentence_id:string,document:string,start:long\n\
         urn:rere:name/Zo%C3%AB,http://www.wikidata.org/entity/Q220,born in,0.99,0.9,3,2,new,\
         Paris (knowledge base);Bonn (found),\"Zoë\t\"\"Z\"\" was born\nin Rome\",\"Zoë\t\"\"Z\"\"\",0,7,Rome,20,24,s1,\
         \"a,b.txt\",40\n\
         http://www.wikidata.org/entity/Q220,urn:rere:name/b,P36,1,1,1,1,,,,,,,,,,,,\n";
    assert_eq!(read("relationships.csv"), relationships);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet() {
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("facts.parquet");
    write_all(&path);
    let file = fs::File::open(&path).expect("a file");
    let mut lines = Vec::new();
    let mut writer = arrow_json::LineDelimitedWriter::new(&mut lines);
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("a reader") {
        writer.write(&batch.expect("rows")).expect("JSON");
    }
    writer.finish().expect("JSON");
    // Empty cells are left out.
    let expected = r#"{"subject":"Zoë","subject_ids":["Q1","a|b;c"],"relation":"born in","object":"Rome","object_ids":["Q220"],"score":0.99,"best":0.9,"sentences":3,"documents":2,"status":"new","conflicts":["Paris (knowledge base)","Bonn (found)"],"evidence":[{"text":"Zoë\t\"Z\" was born\nin Rome","subject_surface":"Zoë\t\"Z\"","subject_start":0,"subject_end":7,"object_surface":"Rome","object_start":20,"object_end":24,"score":0.9,"sentence_id":"s1","document":"a,b.txt","start":40}]}
{"subject":"Rome","subject_ids":["Q220"],"relation":"P36","object":"b","object_ids":[],"score":1.0,"best":1.0,"sentences":1,"documents":1,"conflicts":[],"evidence":[]}
"#;
    assert_eq!(String::from_utf8(lines).expect("UTF-8"), expected);
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_needs_its_feature() {
    let error = FactWriter::create(Path::new("facts.parquet"), &FactWriterOptions::default()).expect_err("not built");
    assert!(error.to_string().contains("cargo feature `parquet`"), "{error}");
}

#[test]
fn formats_by_name() {
    for format in FactFormat::ALL {
        let name = format!("a.b.{}", format.extension());
        assert_eq!(FactFormat::of(Path::new(&name)).expect("a format"), format);
        assert!(ENDINGS.contains(&format!(".{}", format.extension())), "{format}");
    }
    assert_eq!(FactFormat::of(Path::new("-")).expect("a format"), FactFormat::JsonLines);
    assert_eq!(FactFormat::of(Path::new("A.TTL.GZ")).expect("a format"), FactFormat::Turtle);
    for name in
        ["facts", "tsv", ".tsv", "facts.json", "facts.gz", "facts.parquet.gz", "facts.neo4j.zst", "facts.tsv.gz.gz", ""]
    {
        let error = FactFormat::of(Path::new(name)).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{name}: expected a name that ends in one of .tsv, ")), "{error}");
    }
}

#[test]
fn a_file_appears_when_it_is_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in FactFormat::ALL {
        if format == FactFormat::Parquet && cfg!(not(feature = "parquet")) {
            continue;
        }
        let path = folder.path().join(format!("facts.{}", format.extension()));
        let file = if format == FactFormat::Neo4j { path.join("relationships.csv") } else { path.clone() };
        write_all(&path);
        let complete = fs::read(&file).expect("a file");
        let mut writer = FactWriter::create(&path, &FactWriterOptions::default()).expect("a writer");
        writer.write(&facts()[0]).expect("written");
        drop(writer);
        assert_eq!(fs::read(&file).expect("a file"), complete, "{format}");
    }
    // Nothing is left of the files that were not completed.
    let files = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files, FactFormat::ALL.len() - usize::from(cfg!(not(feature = "parquet"))));
}

#[test]
fn errors_say_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = FactWriterOptions::default();
    for format in [FactFormat::Csv, FactFormat::JsonLines, FactFormat::Turtle, FactFormat::Neo4j] {
        let path = folder.path().join("none").join(format!("facts.{}", format.extension()));
        let error = FactWriter::create(&path, &options).expect_err("no such folder").to_string();
        assert!(error.contains("cannot be written: its folder is not found"), "{error}");
    }
    for name in ["facts.nt", "facts.ttl", "facts.neo4j"] {
        let error = FactWriter::create(&folder.path().join(name), &options.clone().with_base("facts/"));
        let error = error.expect_err("a base").to_string();
        assert!(error.contains("expected an absolute IRI") && error.contains("\"facts/\""), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);

    let [mut fact, _] = facts();
    fact.evidence[0].text = "another text".to_owned();
    let path = folder.path().join("facts.tsv");
    let mut writer = FactWriter::create(&path, &options).expect("a writer");
    let error = writer.write(&fact).expect_err("spans").to_string();
    assert!(error.contains("sentence \"s1\" cannot be written: the mention \"Zoë"), "{error}");
}
