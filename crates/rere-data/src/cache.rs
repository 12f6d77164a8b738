//! Examples kept on disk, by the content that they come from.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use rere_core::Sentence;
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use sha2::{Digest, Sha256};

use crate::{DataError, EncodeReport, EntityExample, ExampleBuilder, Examples, RelationExample, replace_file};

/// Part of the key: another number makes files of other versions of this module be passed over.
const VERSION: u32 = 1;

/// Name of the counts among the metadata of a file.
const REPORT: &str = "report";

impl ExampleBuilder<'_> {
    /// As [`encode`](Self::encode), but examples that were made before are read from `folder`, and new ones are kept there.
    ///
    /// A file is named by a digest of all that its examples depend on: texts and triples, tokenizer, relations and settings. So an old
    /// file is never used for other content, and files that are no longer wanted can be removed at any time. One that cannot be
    /// read is made again.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); and where the folder cannot be written.
    pub fn encode_cached(&self, sentences: &[Sentence], folder: &Path) -> Result<Examples, DataError> {
        let path = self.cache_file(sentences, folder)?;
        if let Some(examples) = fs::read(&path).ok().and_then(|bytes| unpack(&bytes)) {
            return Ok(examples);
        }
        let examples = self.encode(sentences)?;
        // Positions beyond 32 bits are not kept; no corpus in memory has them.
        if let Some(bytes) = pack(&examples) {
            fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.to_owned(), source })?;
            replace_file(&path, |file| file.write_all(&bytes).map_err(DataError::Output))?;
        }
        Ok(examples)
    }

    fn cache_file(&self, sentences: &[Sentence], folder: &Path) -> Result<PathBuf, DataError> {
        let mut hasher = Sha256::new();
        hasher.update(VERSION.to_le_bytes());
        let relations: Vec<_> = self.relations.iter().map(|relation| (&relation.name, &relation.query)).collect();
        // Debug output quotes strings, so that no two contents are written the same.
        hasher.update(format!("{relations:?} {} {:?}", self.max_tokens, self.missing));
        hasher.update(self.tokenizer.to_json()?);
        for sentence in sentences {
            let triples = sentence.triples.iter().map(|triple| (&triple.subject, &triple.relation, &triple.object));
            hasher.update(format!("{:?} {:?} {:?}\n", sentence.id, sentence.text, triples.collect::<Vec<_>>()));
        }
        let name: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(folder.join(format!("{name}.safetensors")))
    }
}

/// Lists of numbers, one behind the other, with the length of each.
#[derive(Default)]
struct Lists {
    numbers: Vec<u32>,
    lengths: Vec<u32>,
}

impl Lists {
    fn push(&mut self, list: impl IntoIterator<Item = usize>) -> Option<()> {
        let before = self.numbers.len();
        for number in list {
            self.numbers.push(number.try_into().ok()?);
        }
        self.lengths.push((self.numbers.len() - before).try_into().ok()?);
        Some(())
    }
}

/// The tensors of a file: for each kind of list its numbers and its lengths.
const RELATION: [&str; 3] = ["relation.sentence", "relation.ids", "relation.labels"];
const ENTITY: [&str; 3] = ["entity.example", "entity.ids", "entity.targets"];

/// Examples as bytes; `None` where a number is too large.
fn pack(examples: &Examples) -> Option<Vec<u8>> {
    let (mut relation, mut entity): ([Lists; 3], [Lists; 3]) = Default::default();
    for RelationExample { sentence, ids, labels } in &examples.relation {
        relation[0].push([*sentence])?;
        relation[1].push(ids.iter().map(|&id| id as usize))?;
        relation[2].push(labels.iter().copied())?;
    }
    for EntityExample { sentence, relation, ids, context, targets } in &examples.entity {
        entity[0].push([*sentence, *relation, context.start, context.end])?;
        entity[1].push(ids.iter().map(|&id| id as usize))?;
        for marks in targets {
            entity[2].push(marks.iter().copied())?;
        }
    }
    let bytes = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let mut tensors: Vec<(String, usize, Vec<u8>)> = Vec::new();
    for (name, Lists { numbers, lengths }) in RELATION.into_iter().zip(&relation).chain(ENTITY.into_iter().zip(&entity))
    {
        tensors.push((name.to_owned(), numbers.len(), bytes(numbers)));
        tensors.push((format!("{name}.lengths"), lengths.len(), bytes(lengths)));
    }
    let views = tensors.iter().map(|(name, length, bytes)| {
        let view = TensorView::new(Dtype::U32, vec![*length], bytes);
        view.map(|view| (name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().ok()?;
    let report = serde_json::to_string(&examples.report).ok()?;
    serialize(views, Some(HashMap::from([(REPORT.to_owned(), report)]))).ok()
}

/// The examples of a file; `None` where it is damaged.
fn unpack(bytes: &[u8]) -> Option<Examples> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
    let report: EncodeReport = serde_json::from_str(metadata.metadata().as_ref()?.get(REPORT)?).ok()?;
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let numbers = |name: &str| {
        let tensor = tensors.tensor(name).ok().filter(|tensor| tensor.dtype() == Dtype::U32)?;
        Some(tensor.data().chunks_exact(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
    };
    let lists = |name: &str| {
        let mut all = numbers(name)?;
        let lengths = numbers(&format!("{name}.lengths"))?;
        let lists: Vec<Vec<u32>> = lengths.map(|length| all.by_ref().take(length as usize).collect()).collect();
        all.next().is_none().then_some(lists)
    };
    let positions = |list: Vec<u32>| list.into_iter().map(|number| number as usize).collect::<Vec<_>>();
    let mut examples = Examples { report, ..Examples::default() };
    let [sentences, ids, labels] = RELATION.map(&lists);
    for ((sentence, ids), labels) in sentences?.into_iter().zip(ids?).zip(labels?) {
        let [sentence] = *positions(sentence).as_slice() else { return None };
        examples.relation.push(RelationExample { sentence, ids, labels: positions(labels) });
    }
    let [heads, ids, targets] = ENTITY.map(&lists);
    let mut targets = targets?.into_iter().map(positions);
    for (head, ids) in heads?.into_iter().zip(ids?) {
        let [sentence, relation, start, end] = *positions(head).as_slice() else { return None };
        let targets = [targets.next()?, targets.next()?, targets.next()?, targets.next()?];
        examples.entity.push(EntityExample { sentence, relation, ids, context: start..end, targets });
    }
    let whole = (examples.relation.len(), examples.entity.len()) == (report.relation_examples, report.entity_examples);
    whole.then_some(examples)
}

#[cfg(test)]
mod tests {
    use rere_core::{RelationSet, Triple};

    use super::*;
    use crate::{Missing, Tokenizer};

    #[test]
    fn examples_are_made_once() {
        let sentence = |text: &str, triples: &[(&str, &str, &str)]| Sentence {
            triples: triples
                .iter()
                .map(|(subject, relation, object)| Triple::of(*subject, *relation, *object))
                .collect(),
            ..Sentence::new(text)
        };
        let corpus = [
            sentence("Ada was born in London", &[("Ada", "born_in", "London"), ("Ada", "lives_in", "London")]),
            sentence("", &[]),
            sentence("nothing here", &[]),
        ];
        let tokenizer = Tokenizer::train_words(corpus.iter().map(|s| s.text.as_str()), 1, 100).expect("a tokenizer");
        let relations = RelationSet::from_names(["born_in", "lives_in"]).expect("relations");
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("cache");
        let files = || {
            let files = cache.read_dir().expect("a folder").map(|file| file.expect("a file").path());
            let mut files: Vec<PathBuf> = files.collect();
            files.sort();
            files
        };
        let builder = ExampleBuilder::new(&tokenizer, &relations, 20, Missing::Error).expect("a builder");
        let made = builder.encode_cached(&corpus, &cache).expect("examples");
        assert_eq!(made, builder.encode(&corpus).expect("examples"));
        assert_eq!((made.entity.len(), files().len()), (2, 1));

        // What is there is read: a file of other examples shows.
        let file = files().remove(0);
        let other = Examples { report: made.report, ..Examples::default() };
        let mut fewer = other.clone();
        (fewer.report.relation_examples, fewer.report.entity_examples) = (0, 0);
        fs::write(&file, pack(&fewer).expect("bytes")).expect("written");
        assert_eq!(builder.encode_cached(&corpus, &cache).expect("examples"), fewer);

        // A damaged one is made again: one that is cut, and one that has fewer examples than it says.
        let whole = pack(&made).expect("bytes");
        for damaged in [&whole[..whole.len() - 1], &whole[..20], b"", &pack(&other).expect("bytes")] {
            fs::write(&file, damaged).expect("written");
            assert_eq!(builder.encode_cached(&corpus, &cache).expect("examples"), made);
            assert_eq!(fs::read(&file).expect("a file"), whole);
        }

        // Whatever the examples depend on makes another file.
        let longer = ExampleBuilder::new(&tokenizer, &relations, 21, Missing::Error).expect("a builder");
        longer.encode_cached(&corpus, &cache).expect("examples");
        let skipping = ExampleBuilder::new(&tokenizer, &relations, 20, Missing::Skip).expect("a builder");
        skipping.encode_cached(&corpus, &cache).expect("examples");
        builder.encode_cached(&corpus[..2], &cache).expect("examples");
        let words = Tokenizer::train_words(["Ada"], 1, 100).expect("a tokenizer");
        let builder = ExampleBuilder::new(&words, &relations, 20, Missing::Error).expect("a builder");
        builder.encode_cached(&corpus, &cache).expect("examples");
        assert_eq!(files().len(), 5);
    }
}
