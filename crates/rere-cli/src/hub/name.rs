//! Names of models on the hub.

/// A name on the hub: `NAME` or `OWNER/NAME`, and after `@` a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) model: String,
    pub(super) revision: String,
}

impl Name {
    /// Parses a name; `None` if it has characters that no name has, or too many parts.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (model, revision) = name.split_once('@').unwrap_or((name, "main"));
        // The hub forbids what would be ambiguous in the cache.
        let is_name = model.split('/').all(is_part) && model.split('/').count() <= 2 && !model.contains("--");
        (is_name && revision.split('/').all(is_part))
            .then(|| Self { model: model.to_owned(), revision: revision.to_owned() })
    }

    pub(super) fn has_owner(&self) -> bool {
        self.model.contains('/')
    }
}

/// Returns whether this can be a part of a name or the name of a file: letters, digits, `_`, `.`, `-`.
pub(super) fn is_part(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
        && !part.contains("..")
}

/// Returns whether a revision is a commit, which does not change.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed() {
        let name = |model: &str, revision: &str| Some(Name { model: model.into(), revision: revision.into() });
        assert_eq!(Name::parse("bert-base-uncased"), name("bert-base-uncased", "main"));
        assert_eq!(Name::parse("microsoft/deberta-v3-base@refs/pr/4"), name("microsoft/deberta-v3-base", "refs/pr/4"));
        for other in ["", "a/b/c", "/models/x", "../x", "./x", "a b", "a@", "a@../b", "C:\\x", "a/", "a--b", "a..b"] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }
}
