//! Reports made behind lists and jobs, for tables whose kept one is missing or out of date.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use drls_runtime::facts::TableId;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::Lakehouse;
use super::catalogs::Located;
use super::health::Judged;
use crate::error::ApiError;

/// Reports that are written at once, at most: each write waits for the disk, however much is in it.
const TOGETHER: usize = 64;

/// A table to be judged.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    /// The table.
    pub(crate) id: TableId,
    /// Where the list has it, it stands; else the catalog is asked.
    pub(crate) listed: bool,
}

/// Tables whose reports are being made, or are to be.
#[derive(Default)]
pub(crate) struct Refresher {
    pending: Mutex<HashMap<TableId, Pending>>,
}

#[derive(Clone, Copy, Default)]
struct Pending {
    listed: bool,
    /// It is being judged.
    begun: bool,
    /// It was asked for once more since that began.
    again: bool,
}

impl Refresher {
    fn of<T>(&self, what: impl FnOnce(&mut HashMap<TableId, Pending>) -> T) -> T {
        what(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those of `due` that do not wait yet. One that is being judged is judged once more after that.
    fn take(&self, due: Vec<Due>) -> Vec<TableId> {
        self.of(|pending| {
            let new = due.into_iter().filter_map(|Due { id, listed }| {
                let Some(known) = pending.get_mut(&id) else {
                    pending.insert(id.clone(), Pending { listed, ..Pending::default() });
                    return Some(id);
                };
                // A list may have been read before what a job did.
                known.listed &= listed;
                known.again |= known.begun;
                None
            });
            new.collect()
        })
    }

    /// Says that it is being judged; whether the list knows where it stands.
    fn begin(&self, id: &TableId) -> bool {
        self.of(|pending| {
            pending.get_mut(id).is_some_and(|one| {
                one.begun = true;
                one.listed
            })
        })
    }
}

/// A table's turn. Over when dropped, whatever came of it.
struct Turn {
    lakehouse: Lakehouse,
    id: TableId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let ended = self.lakehouse.refresher.of(|pending| pending.remove(&self.id));
        if ended.is_some_and(|one| one.again) && Handle::try_current().is_ok() {
            self.lakehouse.refresh(vec![Due { id: self.id.clone(), listed: false }]);
        }
    }
}

type Queue = Mutex<std::vec::IntoIter<Turn>>;

impl Lakehouse {
    /// Makes reports of these tables in the background, on half of the machine; those already waiting are passed over.
    pub(crate) fn refresh(&self, due: Vec<Due>) {
        if self.stopping.is_cancelled() {
            return;
        }
        let due = self.refresher.take(due);
        if due.is_empty() {
            return;
        }
        let turns: Vec<Turn> = due.into_iter().map(|id| Turn { lakehouse: self.clone(), id }).collect();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers = cores.div_ceil(2).max(2).min(turns.len());
        let queue = Arc::new(Mutex::new(turns.into_iter()));
        let (judged, kept) = mpsc::channel(TOGETHER);
        for _ in 0..workers {
            let (lakehouse, queue, judged) = (self.clone(), queue.clone(), judged.clone());
            tokio::spawn(async move { lakehouse.judge_all(&queue, &judged).await });
        }
        let lakehouse = self.clone();
        tokio::spawn(async move { lakehouse.keep_all(kept).await });
    }

    /// Judges one table after the other, until none is left or the server stops.
    async fn judge_all(&self, queue: &Queue, judged: &mpsc::Sender<(Judged, Turn)>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(turn) = next.filter(|_| !self.stopping.is_cancelled()) else { return };
            match self.judge_due(&turn.id).await {
                Ok(Some(report)) => {
                    if judged.send((report, turn)).await.is_err() {
                        return;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    if error.code() == "table-not-found" {
                        self.gauges.forget(&turn.id);
                    }
                    self.lists.failed(&turn.id, &error);
                    tracing::warn!(table = turn.id.name, code = error.code(), "no health report: {}", error.detail());
                }
            }
        }
    }

    /// A new report; none where the kept one holds.
    async fn judge_due(&self, id: &TableId) -> Result<Option<Judged>, ApiError> {
        // Looked up now: much may have happened since it was queued.
        let place = if self.refresher.begin(id) { self.lists.place(id) } else { None };
        if let Some(place) = place {
            let at = self.catalogs.at(id, &place).await?;
            let judged = self.judge_at(&at).await;
            if judged.is_ok() {
                return judged;
            }
            // It may have moved, or be gone, since it was listed: where it stands now decides what is told.
        }
        let table = self.locate(id).await?;
        self.judge_at(&table).await
    }

    async fn judge_at(&self, table: &Located) -> Result<Option<Judged>, ApiError> {
        let rules = self.plugins().await?;
        match self.kept_report(table, &rules).await? {
            Some(kept) if kept.holds => Ok(None),
            kept => self.judge(table, rules, kept).await.map(Some),
        }
    }

    /// Keeps reports as they come, as many in one write as came during the one before.
    async fn keep_all(&self, mut judged: mpsc::Receiver<(Judged, Turn)>) {
        let mut together = Vec::with_capacity(TOGETHER);
        while judged.recv_many(&mut together, TOGETHER).await > 0 {
            // One that moved meanwhile is judged anew by whoever found that out.
            let stands =
                |one: &Judged| self.lists.place(&one.table).is_none_or(|at| at == one.summary.metadata_location);
            let holds: Vec<&Judged> = together.iter().map(|(one, _)| one).filter(|one| stands(one)).collect();
            self.keep(&holds).await;
            together.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(name: &str, listed: bool) -> Due {
        let namespace = vec!["a".to_owned()];
        Due { id: TableId { catalog: "drls".to_owned(), namespace, name: name.to_owned() }, listed }
    }

    #[test]
    fn what_a_job_asks_for_is_not_lost_behind_what_a_list_asked_for() {
        let refresher = Refresher::default();
        let id = &refresher.take(vec![due("t", true), due("t", true)])[..];
        let [id] = id else { panic!("{id:?} wait") };
        assert!(refresher.take(vec![due("t", false)]).is_empty(), "it waits already");
        assert!(!refresher.begin(id), "the catalog is asked where it stands, for the list was read before the job");
        assert!(!refresher.of(|pending| pending[id].again));
        assert!(refresher.take(vec![due("t", true)]).is_empty());
        assert!(
            refresher.of(|pending| pending[id].again),
            "what is found to have moved meanwhile is judged after this"
        );
    }
}
