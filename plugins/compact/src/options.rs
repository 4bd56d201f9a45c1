//! Options of Iceberg's `rewrite_data_files`: which there are, what they may hold, and what they make of the sizes.
//! Source: apache/iceberg 1.12 `SizeBasedFileRewritePlanner`, `BinPackRewriteFilePlanner`, `RewriteDataFilesSparkAction`.

use std::collections::BTreeMap;

use drls_plugin::facts::PartitionSpec;
use drls_plugin::{Problems, Properties, names, token};

use crate::arguments::Strategy;

/// Largest number that Iceberg reads an `int` option as.
const INT_MAX: u64 = i32::MAX as u64;
const LONG_MAX: u64 = i64::MAX as u64;

enum Kind {
    /// A whole number in these bounds.
    Whole(u64, u64),
    /// A number above 0 and at most 1.
    Share,
    /// A number above 0.
    Factor,
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    Spec,
}

const COMMON: &[(&str, Kind)] = &[
    ("target-file-size-bytes", Kind::Whole(1, LONG_MAX)),
    ("min-file-size-bytes", Kind::Whole(0, LONG_MAX)),
    ("max-file-size-bytes", Kind::Whole(1, LONG_MAX)),
    ("min-input-files", Kind::Whole(1, INT_MAX)),
    ("max-file-group-size-bytes", Kind::Whole(1, LONG_MAX)),
    ("max-file-group-input-files", Kind::Whole(1, LONG_MAX)),
    ("delete-file-threshold", Kind::Whole(0, INT_MAX)),
    ("delete-ratio-threshold", Kind::Share),
    ("max-files-to-rewrite", Kind::Whole(1, INT_MAX)),
    ("rewrite-job-order", Kind::Word(&["none", "bytes-asc", "bytes-desc", "files-asc", "files-desc"])),
    ("max-concurrent-file-group-rewrites", Kind::Whole(1, INT_MAX)),
    ("partial-progress.enabled", Kind::Flag),
    ("partial-progress.max-commits", Kind::Whole(1, INT_MAX)),
    ("partial-progress.max-failed-commits", Kind::Whole(0, INT_MAX)),
    ("use-starting-sequence-number", Kind::Flag),
    ("remove-dangling-deletes", Kind::Flag),
    ("output-spec-id", Kind::Spec),
];
const SHUFFLING: &[(&str, Kind)] =
    &[("compression-factor", Kind::Factor), ("shuffle-partitions-per-file", Kind::Whole(1, INT_MAX))];
const ZORDER: &[(&str, Kind)] =
    &[("max-output-size", Kind::Whole(1, INT_MAX)), ("var-length-contribution", Kind::Whole(1, INT_MAX))];

/// What the options say about sizes, with Iceberg's defaults.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sizing {
    pub(crate) target: u64,
    /// Files under it are rewritten: 75 % of the target.
    pub(crate) min: u64,
    /// Files over it are rewritten: 180 % of the target.
    pub(crate) max: u64,
    /// What the writer is told as the maximum, where it needs more room than what is picked has.
    pub(crate) room: Option<u64>,
    pub(crate) min_input_files: u64,
    pub(crate) max_group_bytes: u64,
    pub(crate) max_group_files: u64,
    pub(crate) delete_file_threshold: u64,
    pub(crate) delete_ratio_threshold: f64,
    pub(crate) max_files: u64,
    pub(crate) compression_factor: f64,
}

impl Sizing {
    /// Reads checked `options` over the table's `properties`.
    pub(crate) fn new(options: &BTreeMap<String, String>, properties: &Properties) -> Self {
        let given = Properties::from_iter(options.clone());
        let ratio = |key, default| given.get(key).and_then(ratio_of).unwrap_or(default);
        let target = given.number("target-file-size-bytes", properties.target_file_size());
        // Iceberg computes both bounds in doubles and cuts them off.
        let part = |share: f64| (target as f64 * share) as u64;
        Self {
            target,
            min: given.number("min-file-size-bytes", part(0.75)),
            max: given.number("max-file-size-bytes", part(1.8)),
            room: None,
            min_input_files: given.number("min-input-files", 5),
            max_group_bytes: given.number("max-file-group-size-bytes", 100 << 30),
            max_group_files: given.number("max-file-group-input-files", u64::MAX),
            delete_file_threshold: given.number("delete-file-threshold", INT_MAX),
            delete_ratio_threshold: ratio("delete-ratio-threshold", 0.3),
            max_files: given.number("max-files-to-rewrite", u64::MAX),
            compression_factor: ratio("compression-factor", 1.0),
        }
    }

    /// Iceberg's `writeMaxFileSize`: half-way between target and maximum.
    pub(crate) fn largest_written(&self) -> u64 {
        let max = self.room.unwrap_or(self.max);
        (self.target as f64 + max.saturating_sub(self.target) as f64 * 0.5) as u64
    }
}

/// A number as JSON writes it. By the JSON parser, which is linked anyway: the one of the standard library is 14 KB more.
fn ratio_of(text: &str) -> Option<f64> {
    drls_plugin::serde_json::from_str(text.trim()).ok()
}

/// Adds every mistake in `options` to `problems`, at `/options/<name>`.
pub(crate) fn check(
    options: &BTreeMap<String, String>,
    strategy: Strategy,
    properties: &Properties,
    specs: &[PartitionSpec],
    problems: &mut Problems,
) {
    let known: Vec<&(&str, Kind)> = match strategy {
        Strategy::Binpack => COMMON.iter().collect(),
        Strategy::Sort => COMMON.iter().chain(SHUFFLING).collect(),
        Strategy::Zorder => COMMON.iter().chain(SHUFFLING).chain(ZORDER).collect(),
    };
    let before = problems.len();
    for (name, value) in options {
        let detail = match known.iter().find(|(k, _)| k == name) {
            Some((_, kind)) => misfit(kind, value.trim(), specs),
            None => Some(unknown(name, known.iter().map(|(k, _)| *k))),
        };
        if let Some(detail) = detail {
            problems.add(format!("/options/{}", token(name)), detail);
        }
    }
    if problems.len() == before {
        check_sizes(&Sizing::new(options, properties), options, problems);
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    if name == "rewrite-all" {
        return "is not taken: it rewrites files that are well sized already, at the price of reading and storing the \
                whole table once more; leave it out, or widen what is picked by min-file-size-bytes, max-file-size-bytes \
                or delete-file-threshold"
            .into();
    }
    let other = SHUFFLING.iter().chain(ZORDER).any(|(k, _)| *k == name);
    let why = if other { "is not an option of this strategy" } else { "is not an option of rewrite_data_files" };
    format!("{why}{}", names::hint(name, known))
}

fn misfit(kind: &Kind, value: &str, specs: &[PartitionSpec]) -> Option<String> {
    match kind {
        Kind::Whole(least, most) => match value.parse::<u64>() {
            Ok(n) if (*least..=*most).contains(&n) => None,
            _ => Some(format!("must be a whole number from {least} to {most}, not \"{value}\"")),
        },
        Kind::Share if ratio_of(value).is_some_and(|n| n > 0.0 && n <= 1.0) => None,
        Kind::Share => Some(format!("must be a number above 0 and at most 1, not \"{value}\"")),
        Kind::Factor if ratio_of(value).is_some_and(|n| n > 0.0) => None,
        Kind::Factor => Some(format!("must be a number above 0, not \"{value}\"")),
        Kind::Flag if matches!(value.to_ascii_lowercase().as_str(), "true" | "false") => None,
        Kind::Flag => Some(format!("must be \"true\" or \"false\", not \"{value}\"")),
        Kind::Word(words) if words.contains(&value) => None,
        Kind::Word(words) => Some(format!("must be one of {}, not \"{value}\"", words.join(", "))),
        Kind::Spec if value.parse().is_ok_and(|id: i32| specs.iter().any(|s| s.id == id)) => None,
        Kind::Spec => {
            let ids: Vec<String> = specs.iter().map(|s| s.id.to_string()).collect();
            Some(format!("must be the id of one of the table's partition specs ({}), not \"{value}\"", ids.join(", ")))
        }
    }
}

/// Iceberg's own preconditions: `min < target < max`.
fn check_sizes(sizing: &Sizing, options: &BTreeMap<String, String>, problems: &mut Problems) {
    let Sizing { target, min, max, .. } = sizing;
    let at = |key: &str| if options.contains_key(key) { format!("/options/{key}") } else { "/options".into() };
    if target <= min {
        let detail = format!("min-file-size-bytes ({min}) must be under target-file-size-bytes ({target})");
        problems.add(at("min-file-size-bytes"), detail);
    }
    if target >= max {
        let detail = format!("max-file-size-bytes ({max}) must be over target-file-size-bytes ({target})");
        problems.add(at("max-file-size-bytes"), detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drls_plugin::Error;

    fn checked(strategy: Strategy, options: &[(&str, &str)]) -> Vec<(String, String)> {
        let options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut problems = Problems::default();
        check(&options, strategy, &Properties::default(), &[], &mut problems);
        match problems.check() {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| (f.pointer, f.detail)).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn takes_what_iceberg_takes() {
        assert_eq!(checked(Strategy::Binpack, &[("min-input-files", "2"), ("delete-ratio-threshold", "0.1")]), []);
        assert_eq!(checked(Strategy::Zorder, &[("var-length-contribution", "8"), ("compression-factor", "1.5")]), []);
    }

    #[test]
    fn names_the_option_that_was_meant() {
        let told = checked(Strategy::Binpack, &[("min-input-file", "2"), ("target-file-size", "9")]);
        assert_eq!(told[0].1, "is not an option of rewrite_data_files; did you mean \"min-input-files\"?");
        assert_eq!(told[1].1, "is not an option of rewrite_data_files; did you mean \"target-file-size-bytes\"?");
    }

    #[test]
    fn refuses_rewrite_all_with_the_reason() {
        let told = checked(Strategy::Binpack, &[("rewrite-all", "true")]);
        assert_eq!(told[0].0, "/options/rewrite-all");
        assert!(told[0].1.contains("whole table"), "{told:?}");
    }

    #[test]
    fn refuses_values_and_options_of_another_strategy_all_at_once() {
        let told = checked(
            Strategy::Binpack,
            &[
                ("min-input-files", "0"),
                ("partial-progress.enabled", "yes"),
                ("compression-factor", "2"),
                ("output-spec-id", "7"),
            ],
        );
        assert_eq!(told.len(), 4, "{told:?}");
    }

    #[test]
    fn refuses_bounds_that_leave_no_room_for_the_target() {
        let told = checked(Strategy::Binpack, &[("target-file-size-bytes", "100"), ("min-file-size-bytes", "100")]);
        assert_eq!(told[0].0, "/options/min-file-size-bytes");
    }
}
