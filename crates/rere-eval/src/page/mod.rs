//! Self-contained HTML pages that show triples in their texts.
//!
//! A [`Page`] is one file to open in a browser: it loads nothing from outside and sends nothing anywhere. It shows the
//! triples of an extraction or an evaluation, and facts to judge, each with its evidence.
//!
//! ```
//! use rere_eval::page::Page;
//! use rere_eval::{Match, Probability, Sentence, Triple};
//!
//! let gold = Sentence::new("Ada was born in London .").with_triples([Triple::of("Ada", "born in", "London")]);
//! let wrong = Triple::of("London", "born in", "Ada").with_score(Probability::saturating(0.25));
//! let predicted = gold.clone().with_triples([wrong]);
//!
//! let mut page = Page::new("Predictions of model-a").with_detail("Matcher", "exact");
//! page.add_pair(&gold, &predicted, &Match::Exact);
//! let html = page.finish();
//! assert!(html.starts_with("<!doctype html>") && html.contains("London"));
//! ```
//!
//! # Sentences
//!
//! [`Page::add_predicted`] adds a sentence with predicted triples, [`Page::add_pair`] one with gold triples too. The
//! page keeps at most 2,000 sentences and 8 MiB of text, and says how many others there were. Its memory grows with the
//! number of relations, but not with the corpus. Sentences of each kind and relation take turns, those with the highest
//! scores first:
//! - A sentence belongs to the first kind of these that it has: wrong triples, missing triples, right triples,
//!   predicted triples without gold ones, no triples. For 4 sentences with a wrong triple, 3 with a missing, 2 with a
//!   right and 4 with a predicted triple of each relation, one without triples is kept.
//! - Its relation and its score are those of its highest-scoring triple of that kind. Of equal scores, and among
//!   missing and right triples, an even sample of the corpus is kept.
//!
//! Counts on the page, with precision, recall and F1, are those of all sentences, whichever are kept, at each score in
//! steps of 0.01. A triple without a score counts as one with score 1.
//!
//! # Security
//!
//! Texts are data: they are shown as they are, and markup in them has no effect. A Content-Security-Policy permits the
//! page's own script and style, by their digests, and pictures inside the page. It permits no connection.

mod drawing;
mod fact;
mod selection;
mod verdict;

use base64::{Engine, prelude::BASE64_STANDARD};
use rere_core::Sentence;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::TripleMatcher;

use self::{
    drawing::{Drawing, Judged, Kind},
    selection::{Selection, Totals},
    verdict::verdicts,
};

pub use fact::{PageEvidence, PageFact};

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Builder of a self-contained HTML page of triples.
///
/// The [module](self) says what a page shows.
#[derive(Debug, Clone)]
pub struct Page {
    title: String,
    details: Vec<(String, String)>,
    warnings: Vec<String>,
    figures: Vec<Figure>,
    facts: Vec<PageFact>,
    totals: Totals,
    selection: Selection,
}

/// A picture with its caption.
#[derive(Debug, Clone, Serialize)]
struct Figure {
    svg: String,
    caption: String,
}

/// What the script of the page reads.
#[derive(Serialize)]
struct Data<'a> {
    title: &'a str,
    details: &'a [(String, String)],
    warnings: &'a [String],
    figures: &'a [Figure],
    facts: Vec<fact::Data<'a>>,
    totals: selection::TotalsData<'a>,
    /// The most telling sentence first.
    sentences: Vec<Drawing>,
}

impl Page {
    /// Creates a page with a title and nothing else.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            details: Vec::new(),
            warnings: Vec::new(),
            figures: Vec::new(),
            facts: Vec::new(),
            totals: Totals::default(),
            selection: Selection::default(),
        }
    }

    /// Adds a line about the run below the title, such as `Model` and its name.
    #[must_use]
    pub fn with_detail(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.push((label.into(), value.into()));
        self
    }

    /// Adds a warning above everything else.
    #[must_use]
    pub fn with_warning(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// Adds a picture with its caption.
    ///
    /// `svg` is the text of an SVG file, such as the plots of this crate. Scripts in it do not run.
    #[must_use]
    pub fn with_figure(mut self, svg: impl Into<String>, caption: impl Into<String>) -> Self {
        self.figures.push(Figure { svg: svg.into(), caption: caption.into() });
        self
    }

    /// Adds facts, which readers can judge; all of them are kept.
    #[must_use]
    pub fn with_facts(mut self, facts: impl IntoIterator<Item = PageFact>) -> Self {
        self.facts.extend(facts);
        self
    }

    /// Adds a sentence with predicted triples.
    pub fn add_predicted(&mut self, sentence: &Sentence) {
        let judged = sentence.triples.iter().map(|triple| Judged::new(Kind::Predicted, triple)).collect();
        self.add(sentence, judged);
    }

    /// Adds a sentence with its gold triples and its predicted ones.
    ///
    /// The matcher decides whether a prediction is right. Triples with equal keys count once, with the highest of their
    /// scores, unless the matcher [counts repeats](TripleMatcher::counts_repeats), so the page has the counts of
    /// [`count_all`](crate::count_all). Predictions have the text of the gold sentence.
    pub fn add_pair(&mut self, gold: &Sentence, predicted: &Sentence, matcher: &impl TripleMatcher) {
        self.totals.is_evaluated = true;
        self.add(gold, verdicts(gold, predicted, matcher));
    }

    fn add(&mut self, sentence: &Sentence, judged: Vec<Judged>) {
        let relations = self.totals.add(&judged);
        let number = self.totals.sentences;
        self.selection.add(sentence, number, &judged, &relations);
    }

    /// Returns the page as HTML.
    pub fn finish(self) -> String {
        let data = Data {
            title: &self.title,
            details: &self.details,
            warnings: &self.warnings,
            figures: &self.figures,
            facts: self.facts.iter().map(PageFact::data).collect(),
            totals: self.totals.data(),
            sentences: self.selection.finish(),
        };
        let json = serde_json::to_string(&data).expect("the data have string keys and finite numbers");
        // Without `<` no text can end the element of the data or start a comment in it.
        let json = json.replace('<', "\\u003c");
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
            digest(SCRIPT),
            digest(STYLE)
        );
        // The data come last, as they may contain the names of other slots.
        HTML.replace("{{policy}}", &policy)
            .replace("{{style}}", STYLE)
            .replace("{{script}}", SCRIPT)
            .replacen("{{data}}", &json, 1)
    }
}

/// Returns the digest of an inline element as a source of a Content-Security-Policy.
fn digest(content: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(content)))
}
