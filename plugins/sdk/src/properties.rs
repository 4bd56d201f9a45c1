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

    /// Keys that go by one of these columns: those that end in `.column.<path>`, and `write.orc.bloom.filter.columns` where it
    /// lists one. Writers follow them by name, so they hold for no column that is called otherwise.
    ///
    /// ```
    /// use drls_plugin::Properties;
    /// let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    /// let properties = Properties::from_iter([
    ///     pair("write.metadata.metrics.column.note", "full"),
    ///     pair("write.metadata.metrics.column.address.note", "none"),
    ///     pair("write.orc.bloom.filter.columns", "id, note"),
    /// ]);
    /// assert_eq!(properties.of_columns(&["note"]), ["write.metadata.metrics.column.note", "write.orc.bloom.filter.columns"]);
    /// ```
    pub fn of_columns(&self, paths: &[&str]) -> Vec<&str> {
        let listed = |key: &str, value: &str| {
            key == "write.orc.bloom.filter.columns" && value.split(',').any(|one| paths.contains(&one.trim()))
        };
        let named = |key: &str| key.split_once(".column.").is_some_and(|(_, path)| paths.contains(&path));
        let found = self.0.iter().filter(|(key, value)| named(key) || listed(key, value));
        found.map(|(key, _)| key.as_str()).collect()
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
