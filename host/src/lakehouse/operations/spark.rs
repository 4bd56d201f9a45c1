//! Calls of the Python side that go to Spark. Configures it once, starts nothing before the first rewrite.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::super::catalogs::Catalog;
use crate::config::names_a_secret;
use crate::health::{self, Part};
use crate::python::{Failure, Python, State, Work};

/// Cancels, progress and status: never behind the work itself.
const CONTROL_DEADLINE: Duration = Duration::from_secs(10);

/// A JVM that is asked to end, and is killed where it does not.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// Longer than `drls.spark_server.START_TIMEOUT`, which says what was waited for.
const START_DEADLINE: Duration = Duration::from_secs(330);

/// How Spark is reached or started, as `drls.spark.configure` takes it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Settings {
    /// Home of the server; the log goes to `logs/spark.log` there.
    pub(crate) home: String,
    /// Folder with the two jars that pyspark does not carry; empty for the one that `make` fills.
    pub(crate) jars: String,
    /// `sc://...` of a cluster; empty for a server of our own.
    pub(crate) remote: String,
    /// Memory of our own server's JVM, as "1g".
    pub(crate) memory: String,
    /// Spark master of our own server.
    pub(crate) master: String,
    /// `JAVA_HOME`; empty for the Java on the path.
    pub(crate) java_home: String,
    /// Every catalog.
    pub(crate) catalogs: Vec<Catalog>,
    /// More Spark configuration, passed unchanged.
    pub(crate) properties: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Configure {
    settings: Settings,
}

#[derive(Serialize)]
struct Tag {
    tag: String,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Status {
    state: String,
    detail: String,
}

/// Progress of one tagged call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Progress {
    /// Tasks done.
    pub(crate) done: i64,
    /// Tasks known so far.
    pub(crate) total: i64,
}

/// Spark, through Python.
pub(crate) struct Spark {
    python: Arc<Python>,
    settings: Settings,
    configured: OnceCell<()>,
}

impl Spark {
    pub(crate) fn new(python: Arc<Python>, settings: Settings) -> Self {
        Self { python, settings, configured: OnceCell::new() }
    }

    /// True for a Spark that is not of this server, and goes on when this server ends.
    pub(crate) fn is_remote(&self) -> bool {
        !self.settings.remote.is_empty()
    }

    /// Where our own Spark server writes its log; none for a remote Spark.
    pub(crate) fn log_file(&self) -> Option<PathBuf> {
        (!self.is_remote()).then(|| Path::new(&self.settings.home).join("logs").join("spark.log"))
    }

    /// Home of the server.
    pub(crate) fn home(&self) -> &str {
        &self.settings.home
    }

    /// Values of the configuration that no log may show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let catalogs = self.settings.catalogs.iter().flat_map(|catalog| &catalog.properties);
        let all = catalogs.chain(&self.settings.properties);
        let mut secrets: Vec<String> =
            all.filter(|(key, value)| names_a_secret(key, value)).map(|(_, value)| value.clone()).collect();
        // The longest first: one may begin with another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }

    /// Runs a rewrite; starts Spark where it does not run.
    pub(crate) async fn call<R: DeserializeOwned + Send + 'static>(
        &self,
        function: &'static str,
        arguments: Value,
        deadline: Duration,
    ) -> Result<R, Failure> {
        self.configure().await?;
        self.python.call(Work::Long, function, arguments, deadline).await
    }

    /// Starts Spark where it does not run; goes on without waiting where it is cancelled.
    pub(crate) async fn ensure(&self, cancel: &CancellationToken) -> Result<(), Failure> {
        self.configure().await?;
        let started = self.python.call(Work::Long, "spark.ensure", Nothing {}, START_DEADLINE);
        tokio::select! {
            started = started => started.map(|_: Value| ()),
            () = cancel.cancelled() => Ok(()),
        }
    }

    /// Interrupts the call with this tag; nothing where there is none.
    pub(crate) async fn interrupt(&self, tag: &str) -> Result<(), Failure> {
        let arguments = Tag { tag: tag.to_owned() };
        let _ids: Value = self.python.call(Work::Control, "spark.interrupt", arguments, CONTROL_DEADLINE).await?;
        Ok(())
    }

    /// Progress of the call with this tag.
    pub(crate) async fn progress(&self, tag: &str) -> Result<Progress, Failure> {
        let arguments = Tag { tag: tag.to_owned() };
        self.python.call(Work::Control, "spark.progress", arguments, CONTROL_DEADLINE).await
    }

    /// How Spark is, for the health page; starts neither it nor Python.
    pub(crate) async fn part(&self) -> Part {
        if !self.configured.initialized() {
            return Part { state: health::State::Idle, detail: "starts with the first rewrite".to_owned() };
        }
        let status: Result<Status, Failure> =
            self.python.call(Work::Control, "spark.status", Nothing {}, CONTROL_DEADLINE).await;
        match status {
            Ok(Status { state, detail }) => Part {
                state: match state.as_str() {
                    "running" => health::State::Ok,
                    "starting" => health::State::Starting,
                    _ => health::State::Idle,
                },
                detail,
            },
            Err(error) => Part { state: health::State::Down, detail: error.to_string() },
        }
    }

    /// Stops our own Spark server, where it runs.
    pub(crate) async fn stop(&self) {
        if !self.configured.initialized() || self.python.state() != State::Ready {
            return;
        }
        let stopped: Result<Value, Failure> =
            self.python.call(Work::Short, "spark.stop", Nothing {}, STOP_DEADLINE).await;
        if let Err(error) = stopped {
            // It dies with our end of its pipe all the same.
            tracing::warn!(%error, "Spark did not stop when it was told to");
        }
    }

    async fn configure(&self) -> Result<(), Failure> {
        let configure = || async {
            let arguments = Configure { settings: self.settings.clone() };
            let _none: Value = self.python.call(Work::Control, "spark.configure", arguments, CONTROL_DEADLINE).await?;
            Ok(())
        };
        self.configured.get_or_try_init(configure).await.map(|_| ())
    }
}
