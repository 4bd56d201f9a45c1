//! What `GET /metrics` says of tables and jobs: the figures of the last reports, and how jobs ended.

use drls_runtime::facts::{TableFacts, TableId};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

use super::full_name;
use crate::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TableLabels {
    catalog: String,
    table: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    operation: String,
    state: String,
}

/// Figures of one table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    bytes: u64,
    data_files: u64,
    delete_files: u64,
    snapshots: usize,
}

impl From<&TableFacts> for Figures {
    fn from(facts: &TableFacts) -> Self {
        let totals = &facts.totals;
        Self {
            bytes: totals.data_bytes,
            data_files: totals.data_files,
            delete_files: totals.delete_files,
            snapshots: facts.snapshots.len(),
        }
    }
}

/// Gauges of judged tables and counters of ended jobs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges {
    score: Family<TableLabels, Gauge>,
    bytes: Family<TableLabels, Gauge>,
    data_files: Family<TableLabels, Gauge>,
    delete_files: Family<TableLabels, Gauge>,
    snapshots: Family<TableLabels, Gauge>,
    jobs: Family<JobLabels, Counter>,
}

impl Gauges {
    /// Shows them on the metrics page.
    pub(crate) fn register(&self, metrics: &Metrics) {
        metrics.register("table_health_score", "Score of the last report, 0 to 100", self.score.clone());
        metrics.register("table_data_bytes", "Bytes of live data files", self.bytes.clone());
        metrics.register("table_data_files", "Live data files", self.data_files.clone());
        metrics.register("table_delete_files", "Live delete files", self.delete_files.clone());
        metrics.register("table_snapshots", "Snapshots in the metadata", self.snapshots.clone());
        metrics.register("jobs", "Jobs that ended", self.jobs.clone());
    }

    /// A table was judged.
    pub(super) fn judged(&self, id: &TableId, score: u8, figures: Figures) {
        let table = TableLabels { catalog: id.catalog.clone(), table: full_name(id) };
        self.score.get_or_create(&table).set(i64::from(score));
        self.bytes.get_or_create(&table).set(figures.bytes.cast_signed());
        self.data_files.get_or_create(&table).set(figures.data_files.cast_signed());
        self.delete_files.get_or_create(&table).set(figures.delete_files.cast_signed());
        self.snapshots.get_or_create(&table).set(i64::try_from(figures.snapshots).unwrap_or(i64::MAX));
    }

    /// A job ended.
    pub(super) fn ended(&self, operation: &str, state: &str) {
        let labels = JobLabels { operation: operation.to_owned(), state: state.to_owned() };
        self.jobs.get_or_create(&labels).inc();
    }

    /// A table is gone: nothing is said of it any more.
    pub(super) fn forget(&self, id: &TableId) {
        let table = TableLabels { catalog: id.catalog.clone(), table: full_name(id) };
        for family in [&self.score, &self.bytes, &self.data_files, &self.delete_files, &self.snapshots] {
            family.remove(&table);
        }
    }
}
