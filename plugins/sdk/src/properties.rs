//! Table properties, read as Iceberg reads them.

use std::collections::BTreeMap;

/// Properties of a table, or options of a procedure, by key.
///
/// ```
/// use drls_plugin::Properties;
/// let properties = Properties::from_iter([("gc.enabled".to_owned(), "false".to_owned())]);
/// assert!(!properties.flag("gc.enabled", true));
/// assert_eq!(properties.number("history.expire.min-snapshots-to-keep", 1), 1);
/// assert_eq!(properties.target_file_size(), 536_870_912);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

impl Properties {
    /// The value of `key` as it stands.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// A whole number; `default` where the key is absent or holds something else.
    pub fn number(&self, key: &str, default: u64) -> u64 {
        self.get(key).and_then(|value| value.trim().parse().ok()).unwrap_or(default)
    }

    /// "true" in any case, or not; `default` where the key is absent.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, |value| value.trim().eq_ignore_ascii_case("true"))
    }

    /// `write.target-file-size-bytes`, default 512 MiB (Iceberg `TableProperties`).
    pub fn target_file_size(&self) -> u64 {
        self.number("write.target-file-size-bytes", 512 << 20)
    }
}

impl FromIterator<(String, String)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        // Not collected: that sorts first, which is more code than the tree itself.
        let mut properties = Self::default();
        properties.0.extend(pairs);
        properties
    }
}
