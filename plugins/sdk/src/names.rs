//! "Did you mean": every refusal of a name says the nearest one that would be right.

/// The name of `known` that `wrong` was most likely meant to be, compared without (ASCII) case; none where nothing is near.
///
/// ```
/// use drls_plugin::names::nearest;
/// assert_eq!(nearest("min-input-file", ["min-input-files", "rewrite-all"]), Some("min-input-files"));
/// assert_eq!(nearest("xyz", ["min-input-files"]), None);
/// ```
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_ascii_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&wrong, &name.to_ascii_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// " Did you mean ...?" for the end of a sentence; empty where nothing is near.
///
/// ```
/// use drls_plugin::names::hint;
/// assert_eq!(hint("dset", ["dest", "origin"]), "; did you mean \"dest\"?");
/// assert_eq!(hint("xyz", ["dest"]), "");
/// ```
pub fn hint<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default()
}
