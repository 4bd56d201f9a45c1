//! Finding columns by their path, and saying what is near where there is none.

use crate::facts::{Field, Ref, RefKind, Snapshot};
use crate::human::count;
use crate::names::hint;

/// The columns of a schema.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a>(pub &'a [Field]);

impl<'a> Columns<'a> {
    /// The field at exactly this path.
    ///
    /// # Errors
    /// A sentence with the nearest path that exists.
    ///
    /// ```
    /// use drls_plugin::{columns::Columns, facts::Field};
    /// let city = Field {
    ///     id: 1, path: "address.city".into(), data_type: "string".into(), required: false, doc: None, identifier: false,
    /// };
    /// let fields = [city];
    /// let columns = Columns(&fields);
    /// assert_eq!(columns.find("address.city").unwrap().id, 1);
    /// let error = columns.find("address.ctiy").unwrap_err();
    /// assert_eq!(error, "the table has no column \"address.ctiy\"; did you mean \"address.city\"?");
    /// ```
    pub fn find(&self, path: &str) -> Result<&'a Field, String> {
        self.get(path).ok_or_else(|| {
            let near = hint(path, self.0.iter().map(|f| f.path.as_str()));
            format!("the table has no column \"{path}\"{near}")
        })
    }

    /// The field at exactly this path.
    pub fn get(&self, path: &str) -> Option<&'a Field> {
        self.0.iter().find(|f| f.path == path)
    }

    /// The fields directly under `parent`; the top-level columns for "".
    pub fn children(&self, parent: &str) -> impl Iterator<Item = &'a Field> {
        self.0.iter().filter(move |f| split(&f.path).0 == parent)
    }

    /// The field itself and all that are nested in it.
    pub fn tree(&self, path: &str) -> impl Iterator<Item = &'a Field> {
        self.0
            .iter()
            .filter(move |f| f.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }
}

/// Parent path ("" at the top) and last name.
///
/// ```
/// use drls_plugin::columns::split;
/// assert_eq!(split("address.city"), ("address", "city"));
/// assert_eq!(split("id"), ("", "id"));
/// ```
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

/// What is wrong with a new name of a column beside `siblings`: empty, holding a dot, outer blanks or a control
/// character, or taken. Case does not tell names apart: Spark and Hive resolve columns without it.
pub fn name_problem<'a>(name: &str, siblings: impl IntoIterator<Item = &'a Field>) -> Option<String> {
    if name.is_empty() {
        return Some("the name is empty; give the column a name".into());
    }
    if name.trim() != name || name.chars().any(char::is_control) {
        return Some(format!(
            "the name {name:?} begins or ends with a blank or holds a control character; leave those out"
        ));
    }
    if name.contains('.') {
        return Some(format!(
            "the name \"{name}\" holds a dot, which parts the levels of a path; use another character"
        ));
    }
    siblings.into_iter().map(|f| split(&f.path).1).find(|taken| taken.to_lowercase() == name.to_lowercase()).map(
        |taken| {
            format!(
                "there is a column \"{taken}\" beside it already (names are compared without case); choose another name"
            )
        },
    )
}

/// What of a table keeps the columns as they are now, in words: "3 snapshots, of which 1 is tagged"; none where nothing was
/// written yet. Who reads a snapshot by its id, a time or a tag reads it by the schema that it was written with; the table and
/// its branches are read by the current one.
pub fn kept_as_they_are(snapshots: &[Snapshot], refs: &[Ref]) -> Option<String> {
    let tagged = snapshots.iter().filter(|s| refs.iter().any(|r| r.kind == RefKind::Tag && r.snapshot == s.id)).count();
    let all = Some(count(snapshots.len() as u64, "snapshot")).filter(|_| !snapshots.is_empty())?;
    Some(match tagged {
        0 => all,
        1 => format!("{all}, of which 1 is tagged"),
        n => format!("{all}, of which {n} are tagged"),
    })
}
