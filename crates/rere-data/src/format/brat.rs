//! brat's standoff format: a folder with a pair of files for each text, `ID.txt` and `ID.ann`. A line of the latter is a mention,
//! `T1⇥Person 0 3⇥Ada`, with half-open offsets in characters, or a relation, `R1⇥born_in Arg1:T1 Arg2:T2`.

use std::{
    collections::HashMap,
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use rere_core::{CharSpan, Mention, Sentence, Triple};
use tempfile::TempDir;

use super::{
    Loss, Lost, Room,
    json::Object,
    place::{Borders, Placed, UNTYPED, entity_type},
};
use crate::{DataError, error::name};

/// The texts of a folder, in the order of their names.
pub(super) struct Folder {
    folder: PathBuf,
    /// Names without their ending, the next one last.
    stems: Vec<OsString>,
}

impl Folder {
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Read { path: folder.to_owned(), source };
        let mut stems = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if let Some(stem) = path.file_stem()
                && path.extension().is_some_and(|extension| extension == "txt")
            {
                stems.push(stem.to_owned());
            }
        }
        if stems.is_empty() {
            return Err(DataError::Empty { path: folder.to_owned() });
        }
        stems.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Self { folder: folder.to_owned(), stems })
    }

    pub fn next(&mut self, lost: &mut Lost) -> Result<Option<Sentence>, DataError> {
        let Some(stem) = self.stems.pop() else { return Ok(None) };
        let file = |ending: &str| {
            let mut name = stem.clone();
            name.push(ending);
            let path = self.folder.join(name);
            let bytes = fs::read(&path).map_err(|source| DataError::Read { path: path.clone(), source })?;
            match String::from_utf8(bytes) {
                Ok(text) => Ok((path, text)),
                Err(error) => {
                    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                    let line = 1 + memchr::memchr_iter(b'\n', good).count();
                    Err(DataError::Encoding { path, line })
                }
            }
        };
        let (text, (path, annotations)) = (file(".txt")?.1, file(".ann")?);
        parse(stem.to_string_lossy().into_owned(), text, &path, &annotations, lost).map(Some)
    }
}

/// A mention of an annotation file: none where it is in several pieces.
type Pieces = Option<Mention>;

fn parse(id: String, text: String, path: &Path, annotations: &str, lost: &mut Lost) -> Result<Sentence, DataError> {
    let borders = Borders::of(&text);
    let mut listed: Vec<(&str, Pieces)> = Vec::new();
    let mut relations = Vec::new();
    let mut other = 0;
    for (line, content) in (1..).zip(annotations.lines()).filter(|(_, content)| !content.trim().is_empty()) {
        let at = Object::new(path, line, content);
        let mut columns = content.split('\t');
        let (key, middle, last) = (columns.next().unwrap_or_default(), columns.next(), columns.next());
        match key.as_bytes().first() {
            Some(b'T') => {
                let mention = mention(middle.unwrap_or_default(), last, &borders, &at)?;
                other += usize::from(mention.is_none());
                listed.push((key, mention));
            }
            Some(b'R') => relations.push((at, relation(middle.unwrap_or_default(), line, path)?)),
            _ => other += 1,
        }
    }
    lost.note_at(Loss::Annotation, other, || format!("{}", path.display()));

    let mut numbers = HashMap::new();
    for (number, (key, _)) in listed.iter().enumerate() {
        numbers.insert(*key, number);
    }
    let mut joined = vec![false; listed.len()];
    let mut triples = Vec::with_capacity(relations.len());
    let mut left_out = 0;
    for (at, (relation, keys)) in relations {
        let number = |key| {
            let number = numbers.get(key).copied();
            number.ok_or_else(|| at.error(format!("a relation joins {key:?}, which is no mention of the file")))
        };
        let [subject, object] = [number(keys[0])?, number(keys[1])?];
        match (&listed[subject].1, &listed[object].1) {
            (Some(head), Some(tail)) => {
                (joined[subject], joined[object]) = (true, true);
                let (subject, object) = (head.clone(), tail.clone());
                triples.push(Triple { subject, relation: relation.to_owned(), object, score: None });
            }
            _ => left_out += 1,
        }
    }
    lost.note_at(Loss::Triple, left_out, || format!("{}", path.display()));
    let entities = listed.into_iter().zip(joined).filter(|(_, joined)| !joined);
    let entities = entities.filter_map(|((_, mention), _)| mention).collect();
    Ok(Sentence { id: Some(id), text, triples, entities, ..Sentence::default() })
}

/// `Person 0 3`, or `Person 0 3;8 12` for one in pieces.
fn mention(middle: &str, claimed: Option<&str>, borders: &Borders, at: &Object) -> Result<Pieces, DataError> {
    let wrong = || at.error("a mention is a key, a tab, `TYPE START END`, a tab and its text");
    let (name, offsets) = middle.split_once(' ').ok_or_else(wrong)?;
    let claimed = claimed.ok_or_else(wrong)?;
    if offsets.contains(';') {
        return Ok(None);
    }
    let (start, end) = offsets.split_once(' ').ok_or_else(wrong)?;
    let (start, end) = (start.parse().map_err(|_| wrong())?, end.parse().map_err(|_| wrong())?);
    let mention = borders.mention(CharSpan::new(start, end), None, at)?;
    if one_line(&mention.text) != claimed {
        let (path, line) = (at.path().to_owned(), at.line);
        let (claimed, found) = (claimed.to_owned(), Some(mention.text));
        return Err(DataError::Offsets { path, line, start, end, claimed, found });
    }
    Ok(Some(Mention { entity_type: entity_type(name.to_owned()), ..mention }))
}

/// `born_in Arg1:T1 Arg2:T2`: the relation, and the keys of its subject and object.
fn relation<'a>(middle: &'a str, line: usize, path: &Path) -> Result<(&'a str, [&'a str; 2]), DataError> {
    let mut words = middle.split_ascii_whitespace();
    let name = words.next();
    let mut key = || words.next()?.split_once(':').map(|(_, key)| key);
    match (name, key(), key()) {
        (Some(name), Some(subject), Some(object)) => Ok((name, [subject, object])),
        _ => {
            let message = "a relation is a key, a tab and `NAME Arg1:KEY Arg2:KEY`".to_owned();
            Err(DataError::Parse { path: path.to_owned(), line, message })
        }
    }
}

/// A surface as it stands in one column of one line.
fn one_line(surface: &str) -> String {
    surface.replace(['\n', '\r', '\t'], " ")
}

/// A name of a relation or a type, which has no white space here.
fn one_word(name: &str) -> String {
    name.replace(char::is_whitespace, "_")
}

/// A folder under a temporary name, which takes its place when it is complete.
pub(super) struct NewFolder {
    folder: TempDir,
    path: PathBuf,
    count: usize,
}

impl NewFolder {
    pub fn create(path: &Path) -> Result<Self, DataError> {
        let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix(".tmp").tempdir_in(parent);
        let folder = folder.map_err(|source| DataError::Write { path: path.to_owned(), source })?;
        Ok(Self { folder, path: path.to_owned(), count: 0 })
    }

    pub fn write(&mut self, sentence: &Sentence, lost: &mut Lost) -> Result<(), DataError> {
        self.count += 1;
        let id = sentence.id.as_deref().filter(|id| is_file_name(id));
        lost.note(Loss::Id, usize::from(sentence.id.is_some() && id.is_none()), sentence);
        let stem = id.map_or_else(|| format!("{:06}", self.count), str::to_owned);
        let text = self.folder.path().join(format!("{stem}.txt"));
        if text.exists() {
            let message = format!("another one has the file {stem}.txt already; give each sentence an id of its own");
            return Err(DataError::Unwritable { sentence: name(sentence), message });
        }
        let annotations = annotations(sentence, lost);
        let file = |path: PathBuf, content: &str| {
            fs::write(&path, content).map_err(|source| DataError::Write { path, source })
        };
        file(text, &sentence.text)?;
        file(self.folder.path().join(format!("{stem}.ann")), &annotations)
    }

    /// Gives the folder its name, which no file and no folder with content may have.
    pub fn finish(self) -> Result<(), DataError> {
        let Self { folder, path, .. } = self;
        #[cfg(unix)]
        {
            // A temporary folder is its owner's alone; what it becomes may be read by others.
            use std::os::unix::fs::PermissionsExt;
            let opened = fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755));
            opened.map_err(|source| DataError::Write { path: path.clone(), source })?;
        }
        fs::rename(folder.path(), &path).map_err(|source| DataError::Write { path, source })?;
        // It is no longer temporary.
        _ = folder.keep();
        Ok(())
    }
}

/// Whether an id can be the name of a file everywhere.
fn is_file_name(id: &str) -> bool {
    let usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '+' | '=' | '@' | ',');
    (1..=200).contains(&id.len()) && !id.starts_with(['.', ' ']) && !id.ends_with(['.', ' ']) && id.chars().all(usual)
}

fn annotations(sentence: &Sentence, lost: &mut Lost) -> String {
    lost.compare(sentence, &Room { places: true, types: |name| name != UNTYPED, entities: true, scores: false });
    lost.note(Loss::Field, sentence.extra.len(), sentence);
    let borders = Borders::of(&sentence.text);
    let placed = Placed::of(sentence, lost);
    let mut file = String::new();
    let mut names = 0;
    for (number, (span, mention)) in (1..).zip(&placed.mentions) {
        let CharSpan { start, end } = borders.characters(*span);
        let given = mention.entity_type.as_deref().unwrap_or(UNTYPED);
        let entity_type = one_word(given);
        names += usize::from(entity_type != given);
        // Writing to a string does not fail.
        _ = writeln!(file, "T{number}\t{entity_type} {start} {end}\t{}", one_line(&mention.text));
    }
    let named: Vec<_> = placed.triples.iter().filter(|(_, triple, _)| !triple.relation.is_empty()).collect();
    lost.note(Loss::Triple, placed.triples.len() - named.len(), sentence);
    for (number, (subject, triple, object)) in (1..).zip(named) {
        let relation = one_word(&triple.relation);
        names += usize::from(relation != triple.relation);
        _ = writeln!(file, "R{number}\t{relation} Arg1:T{} Arg2:T{}", subject + 1, object + 1);
    }
    lost.note(Loss::Name, names, sentence);
    file
}
