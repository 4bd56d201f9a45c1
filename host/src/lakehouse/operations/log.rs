//! The log of a job in words: what its plugin wrote while it planned, its own steps, and what Spark said meanwhile.
//!
//! Lines are kept as they happen, Spark's when the job ends, since Spark begins a new log with every start.

use std::path::Path;

use drls_runtime::answer::Step;
use drls_runtime::{Level as PluginLevel, LogLine};
use serde::{Deserialize, Serialize};

use super::super::{full_name, rfc3339};
use super::action::{Action, Back};
use super::state::Outcome;
use super::undo::steps;
use super::{Operations, spark_log, table_of};
use crate::config::veil;
use crate::db::{self, job_lines, jobs, plans};
use crate::error::ApiError;

/// Bytes that are read from the end of Spark's log.
const SPARK_LOG_READ: u64 = 4 << 20;

/// Lines of Spark that are kept for a job: the last ones, which tell how it ended.
const SPARK_LINES: usize = 200;

/// Who says a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// The plugin, while it planned.
    Plugin,
    /// The job itself.
    Job,
    /// Spark. Its lines go by time: those of another job that ran meanwhile are among them.
    Spark,
}

/// How bad a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Details for the author of the plugin.
    Debug,
    /// Worth knowing.
    Info,
    /// Odd, yet it went on.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    fn of(word: &str) -> Self {
        match word {
            "error" => Self::Error,
            "warn" => Self::Warn,
            "debug" => Self::Debug,
            _ => Self::Info,
        }
    }
}

/// One line of a plugin, as it is kept with its plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    at: i64,
    level: Level,
    text: String,
}

impl Line {
    /// A line of a plugin's log.
    pub(super) fn of_plugin(line: LogLine) -> Self {
        let level = match line.level {
            PluginLevel::Debug => Level::Debug,
            PluginLevel::Info => Level::Info,
            PluginLevel::Warn => Level::Warn,
            PluginLevel::Error => Level::Error,
        };
        Self { at: line.at, level, text: line.message }
    }
}

/// One line of a job's log.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct JobLogLine {
    /// RFC 3339.
    at: String,
    /// plugin, job or spark.
    source: Source,
    /// debug, info, warn or error.
    level: Level,
    /// Plain text, no stack trace.
    text: String,
    #[serde(skip)]
    ms: i64,
}

impl JobLogLine {
    fn new(ms: i64, source: Source, level: Level, text: &str) -> Self {
        Self { at: rfc3339(ms), source, level, text: veil(text), ms }
    }
}

/// The log of a job.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct JobLog {
    /// Oldest first.
    pub(crate) items: Vec<JobLogLine>,
}

impl Operations {
    /// The log of a job so far.
    pub(crate) async fn log(&self, id: &str) -> Result<JobLog, ApiError> {
        let row = self.row(id).await?;
        let told = match &row.plan_id {
            Some(plan) => plans::log(self.lakehouse.db.read(), plan).await?,
            None => None,
        };
        let told: Vec<Line> =
            told.as_deref().map_or(Ok(Vec::new()), serde_json::from_str).map_err(ApiError::internal)?;
        let plugin = told.iter().map(|line| JobLogLine::new(line.at, Source::Plugin, line.level, &line.text));
        let mut items: Vec<JobLogLine> = plugin.collect();
        items.extend(began(&row));
        for line in job_lines::of(self.lakehouse.db.read(), id).await? {
            let source = if line.source == "spark" { Source::Spark } else { Source::Job };
            items.push(JobLogLine::new(line.at, source, Level::of(&line.level), &line.text));
        }
        // Its lines are kept before its end is written.
        let kept = items.iter().any(|line| line.source == Source::Spark);
        if let (Some(from), None, false) = (row.started_at, row.ended_at, kept) {
            let said = self.said(&steps(&row)?, from).await;
            items
                .extend(said.iter().map(|one| JobLogLine::new(one.at, Source::Spark, Level::of(one.level), &one.text)));
        }
        items.sort_by_key(|line| line.ms);
        items.extend(ended(&row)?);
        Ok(JobLog { items })
    }

    /// Keeps what Spark said since `from` with the job, once. A failure is logged and changes nothing for the job.
    pub(super) async fn keep_spark(&self, id: &str, actions: &[Action], from: i64) {
        // A job that is told again after a restart has them already.
        if job_lines::has_spark(self.lakehouse.db.read(), id).await.unwrap_or(false) {
            return;
        }
        let lines: Vec<job_lines::Line> = self.said(actions, from).await.into_iter().map(spark_line).collect();
        self.keep_lines(id, &lines).await;
    }

    /// Keeps lines of a job. A failure is logged and changes nothing for the job.
    pub(super) async fn keep_lines(&self, id: &str, lines: &[job_lines::Line]) {
        if lines.is_empty() {
            return;
        }
        let write = async {
            let mut tx = self.lakehouse.db.write().await?;
            for line in lines {
                job_lines::insert(&mut *tx, id, line).await?;
            }
            tx.commit().await
        };
        if let Err(error) = write.await {
            tracing::warn!(job = id, %error, "lines of the job's log were not written");
        }
    }

    /// What Spark said since `from`, where it runs here and any of the actions is one of its.
    async fn said(&self, actions: &[Action], from: i64) -> Vec<spark_log::Said> {
        let Some(file) = self.spark.log_file().filter(|_| actions.iter().any(|action| action.call().spark)) else {
            return Vec::new();
        };
        let (secrets, home) = (self.spark.secrets(), self.spark.home().to_owned());
        let to = db::now().timestamp_millis().max(from);
        let read = move || {
            let log = end_of(&file)?;
            let mut said = spark_log::between(&log, &chrono::Local, from, to);
            said.drain(..said.len().saturating_sub(SPARK_LINES));
            for one in &mut said {
                // Before it is cut, where a part of a secret would not be known any more.
                one.text = spark_log::cut(hide(&one.text, &secrets, &home));
            }
            std::io::Result::Ok(said)
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(said)) => said,
            // Spark was never started, or its log was taken away.
            Ok(Err(_)) => Vec::new(),
            Err(error) => {
                tracing::error!(%error, "Spark's log can't be put in words");
                Vec::new()
            }
        }
    }
}

/// A line that the job says of itself.
pub(super) fn line(level: &str, text: String) -> job_lines::Line {
    job_lines::Line { at: db::now().timestamp_millis(), source: "job".to_owned(), level: level.to_owned(), text }
}

/// "Step 1 of 2 begins: ...".
pub(super) fn step_begins(number: usize, of: usize, action: &Action) -> job_lines::Line {
    line("info", format!("Step {number} of {of} begins: {}.", words(action)))
}

/// "Step 1 of 2 is done: ...", with what the engine counted.
pub(super) fn step_done(number: usize, of: usize, action: &Action, outcome: &Outcome) -> job_lines::Line {
    let counted = outcome.0.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let name = name.strip_suffix("_count").or_else(|| name.ends_with("_removed").then_some(name))?;
        let figure = value.as_u64().filter(|n| *n > 0)?;
        Some(format!("{} {figure}", name.replace('_', " ")))
    });
    let counted: Vec<String> = counted.collect();
    let told = if counted.is_empty() { String::new() } else { format!(" It counted: {}.", counted.join(", ")) };
    line("info", format!("Step {number} of {of} is done: {}.{told}", words(action)))
}

fn spark_line(said: spark_log::Said) -> job_lines::Line {
    job_lines::Line { at: said.at, source: "spark".to_owned(), level: said.level.to_owned(), text: said.text }
}

fn began(row: &jobs::Job) -> Vec<JobLogLine> {
    let table = full_name(&table_of(row));
    let what = match &row.undo_of {
        Some(undone) => format!("{} asks to undo job {undone} on {table}.", row.actor),
        None => format!("{} asks for {} of {table}.", row.actor, row.operation),
    };
    let mut lines = vec![JobLogLine::new(row.created_at, Source::Job, Level::Info, &what)];
    if let Some(at) = row.started_at {
        let begins = format!("It begins; it waited {} for its table.", took(at - row.created_at));
        lines.push(JobLogLine::new(at, Source::Job, Level::Info, &begins));
    }
    lines
}

fn ended(row: &jobs::Job) -> Result<Option<JobLogLine>, ApiError> {
    let Some(at) = row.ended_at else { return Ok(None) };
    let error: Option<super::run::JobError> =
        row.error.as_deref().map(serde_json::from_str).transpose().map_err(ApiError::internal)?;
    let level = match row.state.as_str() {
        "failed" => Level::Error,
        "cancelled" => Level::Warn,
        _ => Level::Info,
    };
    let after = row.started_at.map(|from| format!(" after {}", took(at - from))).unwrap_or_default();
    let why = error.map(|error| format!(": {}", error.detail.trim_end_matches('.'))).unwrap_or_default();
    let text = format!("It {}{after}{why}.", if row.state == "cancelled" { "was cancelled" } else { &row.state });
    Ok(Some(JobLogLine::new(at, Source::Job, level, &text)))
}

/// Milliseconds as people read them.
fn took(ms: i64) -> String {
    match ms {
        ..1000 => format!("{} ms", ms.max(0)),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// What an action does, as a part of a sentence.
fn words(action: &Action) -> String {
    let step = match action {
        Action::Step(step) => step,
        Action::Back(Back::SetCurrentSnapshot { snapshot_id, .. }) => {
            return format!("make snapshot {snapshot_id} the current one again");
        }
        Action::Back(Back::SetCurrentSchema { schema_id, .. }) => {
            return format!("make schema {schema_id} the current one again");
        }
    };
    match step {
        Step::RewriteDataFiles { strategy, order, filter, .. } => {
            let strategy = format!("{strategy:?}").to_lowercase();
            let order = if order.is_empty() { String::new() } else { format!(" in the order {order}") };
            let filter = if filter.is_empty() { String::new() } else { format!(" where {filter}") };
            format!("rewrite data files by {strategy}{order}{filter}")
        }
        Step::RewritePositionDeletes { .. } => "rewrite position deletes".to_owned(),
        Step::RewriteManifests => "rewrite manifests".to_owned(),
        Step::ExpireSnapshots { snapshot_ids } => format!("remove snapshots ({})", snapshot_ids.len()),
        Step::RemoveOrphanFiles { older_than } => {
            format!("delete files that no metadata names and that are older than {}", rfc3339(*older_than))
        }
        Step::AddColumn { path, data_type, .. } => format!("add the column {path} of type {data_type}"),
        Step::RenameColumn { path, name } => format!("rename {path} to {name}"),
        Step::DropColumn { path } => format!("drop the column {path}"),
        Step::SetProperties { properties } => {
            let keys: Vec<&str> = properties.iter().map(|(key, _)| key.as_str()).collect();
            format!("set {}", keys.join(", "))
        }
        Step::Rollback { snapshot_id } => format!("make snapshot {snapshot_id} the current one"),
    }
}

/// The last part of a file, from the beginning of a line on.
fn end_of(file: &Path) -> std::io::Result<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = std::fs::File::open(file)?;
    let passed = file.metadata()?.len().saturating_sub(SPARK_LOG_READ);
    file.seek(SeekFrom::Start(passed))?;
    let mut bytes = Vec::new();
    file.take(SPARK_LOG_READ).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Spark's words without secrets and without paths of the server.
fn hide(text: &str, secrets: &[String], home: &str) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), crate::config::MASK);
    }
    let text = text.replace(home, "…");
    let words = text.split(' ').map(|word| {
        let start = word.find("file:/").or_else(|| word.find('/')).unwrap_or(word.len());
        let (before, path) = word.split_at(start);
        // What goes on in the middle of a name is a partition or an address.
        let inside = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ':' | '…'));
        let absolute = path.starts_with("file:/") || (path.starts_with('/') && !inside);
        let mut parts = path.rsplit('/');
        match (parts.next(), parts.next()) {
            (Some(last), Some(folder)) if absolute && path.matches('/').count() > 2 => {
                format!("{before}…/{folder}/{last}")
            }
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_secrets_and_shortens_paths_of_the_server() {
        let secrets = ["hunter2".to_owned()];
        for (told, shown) in [
            ("opened by hunter2", "opened by <secret>"),
            ("no file:///srv/my lake/warehouse/t/data/a.parquet there", "no …/data/a.parquet there"),
            ("no file:/var/lib/x/a.parquet", "no …/x/a.parquet"),
            ("(/usr/lib/jvm/bin/java)", "(…/bin/java)"),
            ("group 1/12 of a=1/b=2/c=3/d=4", "group 1/12 of a=1/b=2/c=3/d=4"),
            ("https://lake.example.org/a/b/c", "https://lake.example.org/a/b/c"),
        ] {
            assert_eq!(hide(told, &secrets, "/srv/my lake"), shown);
        }
    }

    #[test]
    fn tells_times_as_people_read_them() {
        assert_eq!([took(7), took(1250), took(125_000)], ["7 ms", "1.2 s", "2 min 5 s"]);
    }
}
