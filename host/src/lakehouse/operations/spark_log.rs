//! Spark's log in words: what it warned of and failed at, and what Iceberg's actions told, without stack traces.

use chrono::{NaiveDateTime, TimeZone};

/// Loggers whose lines of level INFO tell what becomes of a rewrite.
const TELLING: [&str; 4] = [
    "RewriteDataFilesSparkAction",
    "RewriteManifestsSparkAction",
    "RewritePositionDeleteFilesSparkAction",
    "SnapshotProducer",
];

/// What every Spark warns of when it starts; nothing to do about it.
const EVERY_START: [&str; 3] = [
    "Unable to load native-hadoop library",
    "Note that spark.local.dir will be overridden",
    "Truncated the string repr",
];

/// What a JVM says past its log when it dies.
const LAST_WORDS: [&str; 2] = ["Terminating due to ", "Exception in thread "];

/// Exceptions whose name says nothing beyond their message.
const NAMELESS: [&str; 9] = [
    "Error",
    "Exception",
    "ExecutionException",
    "CompletionException",
    "IOException",
    "RuntimeException",
    "SparkException",
    "Throwable",
    "UncheckedIOException",
];

/// Longest text of a line, bytes.
const LONGEST: usize = 600;

/// One thing that Spark said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// Milliseconds since the epoch; the log has whole seconds.
    pub(super) at: i64,
    /// "info", "warn" or "error".
    pub(super) level: &'static str,
    pub(super) text: String,
}

/// What a log says between two times (ms since the epoch, both in it). `zone` is that of the machine, which the log's times
/// are of. A line of the log begins with its time; what follows without one belongs to it.
pub(super) fn between<Z: TimeZone>(log: &str, zone: &Z, from: i64, to: i64) -> Vec<Said> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for line in log.lines() {
        if let Some(entry) = header(line, zone) {
            entries.push(entry);
        } else if let Some(last) = entries.last_mut() {
            if LAST_WORDS.iter().any(|words| line.starts_with(words)) {
                let (at, logger) = (last.at, "");
                entries.push(Entry { at, level: "error", logger, first: line, rest: Vec::new() });
            } else {
                last.rest.push(line);
            }
        }
    }
    let in_time = |at: i64| at + 999 >= from && at <= to;
    let told = entries.into_iter().filter(|entry| in_time(entry.at) && entry.tells());
    told.map(|entry| Said { at: entry.at.max(from).min(to), level: entry.level, text: entry.words() }).collect()
}

/// The text of a line at the length that is kept.
pub(super) fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

struct Entry<'a> {
    at: i64,
    level: &'static str,
    logger: &'a str,
    first: &'a str,
    rest: Vec<&'a str>,
}

/// "26/11/29 21:30:24 WARN NativeCodeLoader: Unable ...".
fn header<'a, Z: TimeZone>(line: &'a str, zone: &Z) -> Option<Entry<'a>> {
    let (time, rest) = line.split_at_checked(17)?;
    let time = NaiveDateTime::parse_from_str(time, "%y/%m/%d %H:%M:%S").ok()?;
    let (level, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let level = match level {
        "INFO" => "info",
        "WARN" => "warn",
        "ERROR" | "FATAL" => "error",
        _ => "debug",
    };
    let (logger, first) = rest.trim_start().split_once(": ")?;
    let at = zone.from_local_datetime(&time).earliest()?.timestamp_millis();
    Some(Entry { at, level, logger, first, rest: Vec::new() })
}

impl Entry<'_> {
    fn tells(&self) -> bool {
        match self.level {
            "info" => TELLING.contains(&self.logger),
            "debug" => false,
            _ => !EVERY_START.iter().any(|words| self.first.starts_with(words)),
        }
    }

    /// The message and the chain of exceptions under it as one sentence.
    fn words(&self) -> String {
        let mut parts = vec![plain(self.first)];
        for line in &self.rest {
            let bare = line.trim();
            let frame = bare.starts_with("at ") || (bare.starts_with("... ") && bare.ends_with(" more"));
            let thrown = exception(bare.trim_start_matches("Caused by: ").trim_start_matches("Suppressed: "));
            if let Some(thrown) = thrown.filter(|_| !frame) {
                // Java repeats a cause in the message of what it caused.
                let told = parts.iter().any(|part| part.contains(thrown.trim_end_matches('.')));
                if !told && !thrown.is_empty() {
                    parts.push(thrown);
                }
            }
        }
        parts.join("; because: ")
    }
}

/// The words of "org.apache.x.SomeException: message"; none where a line is something else.
fn exception(line: &str) -> Option<String> {
    let (class, message) = line.split_once(": ").unwrap_or((line, ""));
    if !is_class(class) {
        return None;
    }
    let (name, message) = (name_in_words(class), plain(message));
    Some(match (name.is_empty(), message.is_empty()) {
        (true, _) => message,
        (false, true) => name,
        (false, false) => format!("{name}: {message}"),
    })
}

/// A text without the full names of exceptions in it, and its blanks made single.
fn plain(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let (class, colon) = word.strip_suffix(':').map_or((word, ""), |class| (class, ":"));
        if !is_class(class) {
            return word.to_owned();
        }
        let name = name_in_words(class);
        if name.is_empty() { name } else { format!("{name}{colon}") }
    });
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether it is the full name of an exception: "java.lang.RuntimeException".
fn is_class(word: &str) -> bool {
    let name = word.rsplit('.').next().unwrap_or_default();
    word.matches('.').count() >= 2
        && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '$' | '_'))
        && (name.ends_with("Exception") || name.ends_with("Error"))
}

/// "CatalogNotFoundException" as "Catalog not found"; empty where the name says nothing.
fn name_in_words(class: &str) -> String {
    let name = class.rsplit(['.', '$']).next().unwrap_or_default();
    if NAMELESS.contains(&name) {
        return String::new();
    }
    let name = name.trim_end_matches("Exception").trim_end_matches("Error");
    let mut words = String::new();
    let mut before_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && before_lower {
            words.push(' ');
            words.extend(c.to_lowercase());
        } else {
            words.push(c);
        }
        before_lower = c.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    const LOG: &str = "\
WARNING: Using incubator modules: jdk.incubator.vector
26/11/29 21:30:24 WARN NativeCodeLoader: Unable to load native-hadoop library for your platform... using builtin
26/11/29 21:30:25 WARN Spark3Util: Failed to load catalog: lake
org.apache.spark.sql.connector.catalog.CatalogNotFoundException: [CATALOG_NOT_FOUND] The catalog `lake` not found.
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.catalogNotFoundError(QueryExecutionErrors.scala:1869)
\tat org.apache.spark.sql.connector.catalog.Catalogs$.load(Catalogs.scala:57)
26/11/29 21:30:26 INFO DAGScheduler: Submitting 15 missing tasks (user_context {
  user_id: \"drls\"
}) (first 15 tasks are for partitions Vector(0))
26/11/29 21:30:27 INFO SnapshotProducer: Committed snapshot 64 (BaseRewriteFiles)
26/11/29 21:30:28 ERROR TaskSetManager: Lost task 0.0: java.lang.RuntimeException: org.x.y.CommitFailedException: moved
org.apache.spark.SparkException: Job aborted
\tat a.b.C.d(C.scala:1)
Caused by: java.io.UncheckedIOException: java.io.FileNotFoundException: gone.parquet
\tat a.b.C.d(C.scala:1)
\t... 12 more
Caused by: java.io.FileNotFoundException: gone.parquet
\t... 14 more
26/11/29 21:30:29 INFO BlockManager: stored
Terminating due to java.lang.OutOfMemoryError: Java heap space
26/11/29 21:31:00 ERROR Other: later
";

    fn said(from: &str, to: &str) -> Vec<(&'static str, String)> {
        let ms = |at: &str| format!("2026-11-29T{at}Z").parse::<chrono::DateTime<Utc>>().unwrap().timestamp_millis();
        between(LOG, &Utc, ms(from), ms(to)).into_iter().map(|said| (said.level, said.text)).collect()
    }

    #[test]
    fn tells_what_matters_of_the_time_in_sentences() {
        let told = said("21:30:00.000", "21:30:59.000");
        let expected = [
            (
                "warn",
                "Failed to load catalog: lake; because: Catalog not found: [CATALOG_NOT_FOUND] The catalog `lake` \
                 not found.",
            ),
            ("info", "Committed snapshot 64 (BaseRewriteFiles)"),
            (
                "error",
                "Lost task 0.0: Commit failed: moved; because: Job aborted; because: File not found: gone.parquet",
            ),
            ("error", "Terminating due to Out of memory: Java heap space"),
        ];
        assert_eq!(told, expected.map(|(level, text)| (level, text.to_owned())));
    }

    #[test]
    fn keeps_to_the_time_whose_seconds_are_whole() {
        assert_eq!(said("21:30:27.900", "21:30:27.950").len(), 1);
        assert_eq!(said("21:30:59.500", "21:31:00.100"), [("error", "later".to_owned())]);
        assert!(said("21:40:00.000", "21:50:00.000").is_empty());
    }

    #[test]
    fn cuts_what_is_long_between_characters() {
        let log = format!("26/11/29 21:30:24 ERROR A: {}", "ü".repeat(LONGEST));
        let said = between(&log, &Utc, 0, i64::MAX - 999);
        let text = cut(said[0].text.clone());
        assert!(text.ends_with('…') && text.len() <= LONGEST + 3);
    }
}
