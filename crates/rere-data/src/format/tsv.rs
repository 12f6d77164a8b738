//! Tab-separated values.

use super::{
    spec::{Content, Spec},
    table::HOLDS,
};

pub(super) const SPEC: Spec = Spec {
    name: "tsv",
    source: "tab-separated values",
    content: Content::Table { separator: b'\t', extension: "tsv" },
    holds: HOLDS,
};
