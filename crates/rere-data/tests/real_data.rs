//! Public corpora and a pretrained tokenizer, in the folders RERE_DATA and RERE_ENCODERS.

use std::{collections::HashSet, path::PathBuf};

use rere_core::{ByteSpan, RelationSet, Sentence, TokenSpan, Triple};
use rere_data::{LocatedCorpus, OnMissing, Tokenizer, occurrences, pointer_marks, read, relation_labels, to_tokens};

fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {variable} is not set");
    }
    folder
}

fn names<'a>(sentences: impl IntoIterator<Item = &'a Sentence>) -> HashSet<&'a str> {
    sentences.into_iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect()
}

#[test]
fn corpora_have_the_counts_of_their_data_cards() {
    let Some(data) = folder("RERE_DATA") else { return };
    // Sentences, triples and relations, as counted with Python's json module and as in the data card.
    for (file, sentences, triples, relations) in [
        ("nyt11-hrl/test.json", 369, 370, 12),
        ("nyt11-hrl/dev.json", 313, 390, 11),
        ("nyt11-hrl/train_sample.jsonl", 13_637, 16_438, 12),
        ("nyt10-hrl/dev.json", 351, 443, 18),
        ("nyt10-hrl/train_like.jsonl", 11_881, 18_908, 19),
        ("ske2019/train_partial.jsonl", 15_759, 30_063, 47),
        ("ske2019/dev.jsonl", 1_000, 1_857, 39),
        ("webnlg/train.json", 5_019, 11_313, 211),
        ("webnlg/dev.json", 500, 1_224, 144),
    ] {
        let corpus = read(&data.join(file)).expect(file);
        let found = corpus.iter().map(|sentence| sentence.triples.len()).sum();
        assert_eq!((corpus.len(), found, names(&corpus).len()), (sentences, triples, relations), "{file}");
        // Each entity occurs in its text.
        for sentence in &corpus {
            for mention in sentence.triples.iter().flat_map(Triple::mentions) {
                let places = occurrences(&sentence.text, &mention.text);
                assert!(!places.is_empty(), "{file}: {mention:?} in {sentence:?}");
                assert!(places.iter().all(|place| place.slice(&sentence.text) == Ok(mention.text.trim())));
            }
        }
    }
    let ske = ["train_partial", "dev"].map(|part| read(&data.join(format!("ske2019/{part}.jsonl"))).expect(part));
    assert_eq!(names(ske.iter().flatten()).len(), 48);
}

#[test]
fn corpora_are_located_for_a_pretrained_encoder() {
    let (Some(data), Some(encoders)) = (folder("RERE_DATA"), folder("RERE_ENCODERS")) else { return };
    let tokenizer = Tokenizer::load(encoders.join("minilm/tokenizer.json")).expect("a tokenizer");
    for file in ["nyt11-hrl/test.json", "nyt11-hrl/train_sample.jsonl", "webnlg/dev.json"] {
        let corpus = read(&data.join(file)).expect(file);
        let mut sorted: Vec<&str> = names(&corpus).into_iter().collect();
        sorted.sort_unstable();
        let relations = RelationSet::from_names(sorted).expect("relations");
        let located = LocatedCorpus::new(&corpus, &tokenizer, &relations, OnMissing::Error).expect(file);
        println!("{file}: {}", located.report);
        assert_eq!((located.sentences.len(), located.report.sentences), (corpus.len(), corpus.len()));
        assert!(located.report.is_complete());

        // The surfaces at the marked positions are those of the triples.
        for (sentence, located) in corpus.iter().zip(&located.sentences) {
            let labels = relation_labels(&located.triples);
            assert_eq!(labels.len(), names([sentence]).len());
            for label in labels {
                let marks = pointer_marks(located.triples.iter().filter(|triple| triple.relation == label));
                let of_relation = |triple: &&Triple| relations.label(&triple.relation) == Some(label);
                for triple in sentence.triples.iter().filter(of_relation) {
                    for (role, mention) in triple.mentions().into_iter().enumerate() {
                        for place in occurrences(&sentence.text, &mention.text) {
                            let found = to_tokens(place, &located.tokens).expect("tokens under a mention");
                            let TokenSpan { start, end } = found.tokens;
                            assert!(marks[2 * role].contains(&start), "{sentence:?}");
                            assert!(marks[2 * role + 1].contains(&(end - 1)), "{sentence:?}");
                            let covered = found.tokens.to_bytes(&located.tokens.spans).expect("tokens");
                            let surface = covered.slice(&sentence.text).expect("on borders").to_lowercase();
                            if found.aligned {
                                assert_eq!(surface, mention.text.trim().to_lowercase());
                            } else {
                                assert!(surface.contains(&mention.text.trim().to_lowercase()));
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn spans_agree_with_the_vocabulary() {
    let (Some(data), Some(encoders)) = (folder("RERE_DATA"), folder("RERE_ENCODERS")) else { return };
    let tokenizer = Tokenizer::load(encoders.join("minilm/tokenizer.json")).expect("a tokenizer");
    // An independent source of the vocabulary: BERT's vocab.txt, one word piece per line.
    let vocabulary = std::fs::read_to_string(encoders.join("minilm/vocab.txt")).expect("vocab.txt");
    let vocabulary: Vec<&str> = vocabulary.lines().collect();
    assert_eq!(tokenizer.vocab_size(), vocabulary.len());
    let specials = [tokenizer.cls(), tokenizer.sep(), tokenizer.pad()].map(|id| vocabulary[id as usize]);
    assert_eq!(specials, ["[CLS]", "[SEP]", "[PAD]"]);

    // As published for BERT-base uncased: https://huggingface.co/docs/transformers, "hello world".
    assert_eq!(tokenizer.encode("Hello world").expect("tokens").ids, [7592, 2088]);

    let mut compared = 0;
    for file in ["nyt11-hrl/test.json", "webnlg/dev.json"] {
        for Sentence { text, .. } in read(&data.join(file)).expect(file) {
            let tokens = tokenizer.encode(&text).expect("tokens");
            for (id, span) in tokens.ids.iter().zip(&tokens.spans) {
                let piece = vocabulary[*id as usize];
                let slice = span.slice(&text).expect("on borders");
                if slice.is_ascii() && piece != "[UNK]" {
                    assert_eq!(slice.to_lowercase(), piece.strip_prefix("##").unwrap_or(piece), "{text}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 20_000, "{compared}");

    // The file enables truncation at 128 tokens and padding, which must be disabled.
    assert_eq!(tokenizer.encode(&"word ".repeat(500)).expect("tokens").spans.len(), 500);
    let accents = "Jose\u{301} in 北京\t👩\u{200d}🚀\r\n";
    let spans = tokenizer.encode(accents).expect("tokens").spans;
    let slices: Vec<&str> = spans.iter().map(|span: &ByteSpan| span.slice(accents).expect("on borders")).collect();
    assert_eq!(slices, ["Jose\u{301}", "in", "北", "京", "👩\u{200d}🚀"]);
}

#[test]
fn chinese_corpora_are_located_in_words() {
    let Some(data) = folder("RERE_DATA") else { return };
    let corpus = read(&data.join("ske2019/dev.jsonl")).expect("a corpus");
    let texts = corpus.iter().map(|sentence| sentence.text.as_str());
    let tokenizer = Tokenizer::train_words(texts, 1, 30_000).expect("a tokenizer");
    let mut sorted: Vec<&str> = names(&corpus).into_iter().collect();
    sorted.sort_unstable();
    let relations = RelationSet::from_names(sorted).expect("relations");
    let locate = || LocatedCorpus::new(&corpus, &tokenizer, &relations, OnMissing::Error).expect("located");
    let located = locate();
    println!("ske2019/dev.jsonl: {}", located.report);
    assert_eq!(located, locate(), "the same corpus gives the same labels");
    // Han characters are separate tokens, so few mentions end inside a token: names adjacent to Latin letters.
    assert!(located.report.misaligned * 50 < located.report.mentions, "{}", located.report);
}
