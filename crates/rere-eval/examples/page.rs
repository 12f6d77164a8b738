//! Writes an HTML page of facts with their evidence, and of predicted sentences beside gold ones.
//!
//! ```sh
//! cargo run --release -p rere-eval --features page --example page -- facts.html
//! ```

use std::{env, error::Error, fs};

use rere_eval::page::{Page, PageEvidence, PageFact};
use rere_eval::{Match, Probability, Sentence, Triple};

/// Subject, relation, object, status, and the texts that support the fact, each with its score.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [(f32, &'static str)]);

const FACTS: &[Row] = &[
    (
        "Ada Lovelace",
        "born_in",
        "London",
        "known",
        &[
            (0.98, "Ada Lovelace was born in London on 10 December 1815, the only legitimate child of Lord Byron."),
            (0.91, "The house in London where Ada Lovelace was born stood near Piccadilly."),
            (0.55, "Ada Lovelace, of London, corresponded with Charles Babbage for seventeen years."),
        ],
    ),
    (
        "Charles Babbage",
        "educated_at",
        "Trinity College",
        "new",
        &[
            (0.94, "In 1810 Charles Babbage arrived at Trinity College, Cambridge, already well read in mathematics."),
            (
                0.71,
                "Charles Babbage left Trinity College for Peterhouse, where he was the best mathematician of his year.",
            ),
        ],
    ),
    (
        "Mary Somerville",
        "born_in",
        "Jedburgh",
        "new",
        &[(
            0.93,
            "Mary Somerville was born at the manse of Jedburgh, in the Borders, to a naval officer and his wife.",
        )],
    ),
    (
        "طه حسين",
        "born_in",
        "المنيا",
        "new",
        &[(0.88, "وُلد طه حسين في محافظة المنيا سنة 1889، وفقد بصره وهو طفل صغير.")],
    ),
    (
        "חיים ויצמן",
        "works_for",
        "אוניברסיטת מנצ'סטר",
        "new",
        &[(0.83, "חיים ויצמן לימד כימיה באוניברסיטת מנצ'סטר (University of Manchester) עד 1916.")],
    ),
    (
        "林徽因",
        "educated_at",
        "宾夕法尼亚大学",
        "new",
        &[
            (0.95, "1924年，林徽因与梁思成一同赴美，进入宾夕法尼亚大学学习美术与建筑。"),
            (0.62, "林徽因从宾夕法尼亚大学毕业以后，又到耶鲁大学学习舞台美术。"),
        ],
    ),
    (
        "Grace Hopper",
        "works_for",
        "Eckert–Mauchly Computer Corporation",
        "new",
        &[
            (0.90, "In 1949 Grace Hopper joined the Eckert–Mauchly Computer Corporation as a senior mathematician."),
            (0.64, "At the Eckert–Mauchly Computer Corporation, Grace Hopper worked on the UNIVAC I."),
        ],
    ),
    (
        "Emmy Noether",
        "born_in",
        "Erlangen",
        "known",
        &[(0.97, "Emmy Noether was born in Erlangen, where her father Max Noether taught mathematics.")],
    ),
    (
        "<b>Widgets</b> & Sons",
        "owned_by",
        "<script>alert(1)</script>",
        "new",
        &[(0.41, "Texts from web pages can hold markup: <b>Widgets</b> & Sons belongs to <script>alert(1)</script>.")],
    ),
    (
        "Sofya Kovalevskaya",
        "works_for",
        "Stockholm University",
        "new",
        &[
            (0.86, "Sofya Kovalevskaya became a full professor at Stockholm University in 1889."),
            (0.79, "Mittag-Leffler won Sofya Kovalevskaya for Stockholm University, then a new school."),
        ],
    ),
    (
        "Alan Turing",
        "born_in",
        "Wilmslow",
        "conflicting",
        &[(0.37, "Alan Turing died at home in Wilmslow in June 1954; he was born in 1912.")],
    ),
    (
        "Katherine Johnson",
        "works_for",
        "NASA",
        "known",
        &[(0.96, "Katherine Johnson worked for NASA for thirty-five years, and checked the orbit of Friendship 7.")],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: page FILE.html")?;
    let mut facts = Vec::new();
    for &(subject, relation, object, status, texts) in FACTS {
        let mut evidence = Vec::new();
        // The more sentences say so, the surer the fact.
        let mut doubt = 1.0_f64;
        for (number, &(score, text)) in (1..).zip(texts) {
            doubt *= 1.0 - f64::from(score);
            let triple = Triple::of(subject, relation, object).with_score(Probability::new(score)?);
            let sentence = Sentence::new(text).with_triples([triple]);
            evidence.push(PageEvidence::new(sentence).with_source(format!("biographies.txt, line {}", 37 * number)));
        }
        let fact = PageFact::new(subject, relation, object, Probability::new((1.0 - doubt) as f32)?)
            .with_status(status)
            .with_support(evidence.len(), evidence.len())
            .with_conflict(
                (status == "conflicting").then(|| "The knowledge base has (Alan Turing, born_in, London).".to_owned()),
            )
            .with_evidence(evidence);
        facts.push(fact);
    }

    let mut page = Page::new("Facts from biographies")
        .with_detail("Model", "model-a")
        .with_detail("Texts", "biographies.txt")
        .with_detail("Knowledge base", "kb.tsv, 3,193 triples")
        .with_warning("1 fact contradicts the knowledge base.")
        .with_facts(facts);
    for &(subject, relation, object, status, texts) in FACTS {
        for &(score, text) in texts {
            let triple = Triple::of(subject, relation, object);
            let gold = Sentence::new(text).with_triples((status == "known").then(|| triple.clone()));
            let predicted = Sentence::new(text).with_triples([triple.with_score(Probability::new(score)?)]);
            page.add_pair(&gold, &predicted, &Match::Exact);
        }
    }
    fs::write(path, page.finish())?;
    Ok(())
}
