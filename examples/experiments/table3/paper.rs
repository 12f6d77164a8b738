//! Table 3 of the RERE paper (Xie et al., ACL 2021): precision, recall and F1 in percent.
//!
//! Rows marked "(exact)" compare whole subjects and objects, the others their first words. Results with one decimal are quoted by
//! the paper from Wei et al. (ACL 2020), those of TPLinker and CasRel with two are the authors' own runs.

use rere_eval::Match;

/// The data sets, in the order of [`ROWS`].
const COLUMNS: [&str; 4] = ["NYT10-HRL", "NYT11-HRL", "NYT21", "SKE21"];

type Figures = [Option<[f64; 3]>; COLUMNS.len()];

#[rustfmt::skip]
const ROWS: [(&str, Figures); 14] = [
    ("KB Match", [Some([38.10, 32.38, 34.97]), Some([47.92, 31.08, 37.7]), Some([47.92, 29.56, 36.57]), Some([69.12, 28.1, 39.96])]),
    ("MultiR", [None, Some([32.8, 30.6, 31.7]), None, None]),
    ("SPTree", [Some([49.2, 55.7, 52.2]), Some([52.2, 54.1, 53.1]), None, None]),
    ("NovelTagging", [Some([59.3, 38.1, 46.4]), Some([46.9, 48.9, 47.9]), None, None]),
    ("CoType", [None, Some([48.6, 38.6, 43.0]), None, None]),
    ("CopyR", [Some([56.9, 45.2, 50.4]), Some([34.7, 53.4, 42.1]), None, None]),
    ("HRL", [Some([71.4, 58.6, 64.4]), Some([53.8, 53.8, 53.8]), None, None]),
    ("TPLinker", [Some([81.19, 65.41, 72.45]), Some([56.2, 55.14, 55.67]), Some([59.78, 55.78, 57.71]), None]),
    ("CasRel", [Some([77.7, 68.8, 73.0]), Some([50.1, 58.4, 53.9]), Some([58.64, 56.62, 57.61]), None]),
    ("RERE - LSTM", [Some([56.71, 42.00, 48.26]), Some([56.46, 35.4, 43.52]), Some([62.06, 37.01, 46.37]), None]),
    ("RERE", [Some([75.45, 72.50, 73.95]), Some([53.12, 59.59, 56.23]), Some([57.69, 61.69, 59.62]), None]),
    ("TPLinker (exact)", [Some([80.34, 65.11, 71.93]), Some([55.43, 55.12, 55.28]), Some([58.96, 55.78, 57.33]), Some([83.86, 84.77, 84.32])]),
    ("CasRel (exact)", [Some([75.12, 65.72, 70.11]), Some([47.88, 55.13, 51.25]), Some([55.06, 54.49, 54.78]), Some([86.94, 85.96, 86.45])]),
    ("RERE (exact)", [Some([74.90, 71.97, 73.4]), Some([52.40, 58.91, 55.47]), Some([56.97, 60.93, 58.88]), Some([90.44, 84.20, 87.21])]),
];

/// Returns precision, recall and F1 of a row, if the paper has them for the data set and the matcher.
pub fn figures(row: &str, column: &str, matcher: Match) -> Option<[f64; 3]> {
    let name = match matcher {
        Match::Exact => format!("{row} (exact)"),
        Match::Partial => row.to_owned(),
        _ => return None,
    };
    let column = COLUMNS.iter().position(|other| *other == column)?;
    ROWS.iter().find(|(other, _)| *other == name)?.1[column]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wrong digit of a figure would show: F1 is the harmonic mean of the other two.
    #[test]
    fn f1_of_the_paper_is_that_of_its_precision_and_recall() {
        for (name, figures) in ROWS {
            for [precision, recall, f1] in figures.into_iter().flatten() {
                let mean = 2.0 * precision * recall / (precision + recall);
                assert!((mean - f1).abs() < 0.11, "{name}: {precision} {recall} {f1}, not {mean:.2}");
            }
        }
        assert_eq!(figures("RERE", "NYT11-HRL", Match::Exact), Some([52.40, 58.91, 55.47]));
        assert_eq!(figures("RERE", "NYT11-HRL", Match::Partial), Some([53.12, 59.59, 56.23]));
        assert_eq!(figures("HRL", "NYT11-HRL", Match::Exact), None);
        assert_eq!(figures("RERE", "WebNLG", Match::Exact), None);
    }
}
