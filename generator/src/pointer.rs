//! A place in the migration file: a JSON pointer (RFC 6901), built part by part.

use std::fmt;

/// A JSON pointer, as in `/migrations/0/sourceCluster`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pointer(String);

impl Pointer {
    /// The whole file.
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// Takes a pointer as text, escaped already.
    pub(crate) fn parsed(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The value of `key` in the map here.
    #[must_use]
    pub(crate) fn key(&self, key: &str) -> Self {
        Self(format!("{}/{}", self.0, key.replace('~', "~0").replace('/', "~1")))
    }

    /// The element at `position` of the list here.
    #[must_use]
    pub(crate) fn index(&self, position: usize) -> Self {
        Self(format!("{}/{position}", self.0))
    }

    /// Returns the pointer as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the parts, unescaped.
    pub(crate) fn parts(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"))
    }

    /// Returns the last part, unescaped; nothing for the root.
    pub(crate) fn last(&self) -> Option<String> {
        self.parts().last()
    }

    /// Returns whether this place is `other` or inside it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_tildes_in_keys_survive() {
        let pointer = Pointer::root().key("sourceClusters").key("a/b~c").index(3);
        assert_eq!(pointer.as_str(), "/sourceClusters/a~1b~0c/3");
        assert_eq!(pointer.parts().collect::<Vec<_>>(), ["sourceClusters", "a/b~c", "3"]);
    }

    #[test]
    fn a_longer_key_is_not_inside_a_shorter_one() {
        let here = Pointer::root().key("a");
        assert!(here.key("b").is_within(&here) && here.is_within(&here));
        assert!(!Pointer::root().key("ab").is_within(&here));
    }
}
