//! Reports made behind lists and jobs, for tables whose kept one is missing or out of date.

use std::collections::HashSet;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use drls_runtime::facts::TableId;
use tokio::sync::mpsc;

use super::Lakehouse;
use super::health::Judged;
use crate::error::ApiError;

/// Reports that are written at once, at most: each write waits for the disk, however much is in it.
const TOGETHER: usize = 64;

/// A table to be judged.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    /// The table.
    pub(crate) id: TableId,
    /// Where it stands, where a list has just told so and told too that its report is of another place, or of other rules.
    pub(crate) location: Option<String>,
}

/// Tables whose reports are being made.
#[derive(Default)]
pub(crate) struct Refresher {
    pending: Mutex<HashSet<TableId>>,
}

impl Refresher {
    /// Those of `due` that nobody makes a report of yet.
    fn take(&self, due: Vec<Due>) -> Vec<Due> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        due.into_iter().filter(|due| pending.insert(due.id.clone())).collect()
    }

    fn done(&self, id: &TableId) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

impl Lakehouse {
    /// Makes reports of these tables in the background, on half of the machine; those already waiting are passed over.
    pub(crate) fn refresh(&self, due: Vec<Due>) {
        let due = self.refresher.take(due);
        if due.is_empty() {
            return;
        }
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers = cores.div_ceil(2).max(2).min(due.len());
        let queue = Arc::new(Mutex::new(due.into_iter()));
        let (judged, kept) = mpsc::channel(TOGETHER);
        for _ in 0..workers {
            let (lakehouse, queue, judged) = (self.clone(), queue.clone(), judged.clone());
            tokio::spawn(async move { lakehouse.judge_all(&queue, &judged).await });
        }
        let lakehouse = self.clone();
        tokio::spawn(async move { lakehouse.keep_all(kept).await });
    }

    /// Judges one table after the other, until none is left or the server stops.
    async fn judge_all(&self, queue: &Mutex<std::vec::IntoIter<Due>>, judged: &mpsc::Sender<Judged>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(due) = next.filter(|_| !self.stopping.is_cancelled()) else { return };
            match self.judge_due(&due).await {
                Ok(Some(report)) => {
                    if judged.send(report).await.is_err() {
                        return;
                    }
                }
                Ok(None) => self.refresher.done(&due.id),
                Err(error) => {
                    if error.code() == "table-not-found" {
                        self.gauges.forget(&due.id);
                    }
                    self.lists.failed(&due.id, &error);
                    tracing::warn!(table = due.id.name, code = error.code(), "no health report: {}", error.detail());
                    self.refresher.done(&due.id);
                }
            }
        }
    }

    /// A new report; none where the kept one holds.
    async fn judge_due(&self, due: &Due) -> Result<Option<Judged>, ApiError> {
        if let Some(location) = &due.location {
            let at = self.catalogs.at(&due.id, location).await?;
            let judged = self.judge(&at, self.plugins().await?).await;
            if judged.is_ok() {
                return judged.map(Some);
            }
            // It may have moved, or be gone, since it was listed: where it stands now decides what is told.
        }
        let rules = self.plugins().await?;
        let table = self.locate(&due.id).await?;
        match self.kept_report(&table, &rules).await? {
            Some(_) => Ok(None),
            None => self.judge(&table, rules).await.map(Some),
        }
    }

    /// Keeps reports as they come, as many in one write as came during the one before.
    async fn keep_all(&self, mut judged: mpsc::Receiver<Judged>) {
        let mut together = Vec::with_capacity(TOGETHER);
        while judged.recv_many(&mut together, TOGETHER).await > 0 {
            self.keep(&together).await;
            for one in together.drain(..) {
                self.refresher.done(&one.table);
            }
        }
    }
}
