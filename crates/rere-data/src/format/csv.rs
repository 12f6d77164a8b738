//! Comma-separated values.

use super::{
    spec::{Content, Spec},
    table::HOLDS,
};

pub(super) const SPEC: Spec = Spec {
    name: "csv",
    source: "comma-separated values",
    content: Content::Table { separator: b',', extension: "csv" },
    holds: HOLDS,
};
