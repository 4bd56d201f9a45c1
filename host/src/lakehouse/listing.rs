//! The list of tables: names from the catalog, figures from the last reports. Reads no Iceberg file; reports that are
//! missing or out of date are made in the background, for the next look.
//!
//! A list is kept between requests: names are read again when the catalog's version says that somebody committed, and
//! each new report is put in as it is made, so that a page costs its own rows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use drls_runtime::facts::TableId;
use serde::{Deserialize, Serialize};

use super::catalogs::{Catalog, Listed};
use super::health::Worst;
use super::refresh::Due;
use super::{Lakehouse, full_name, namespace_of, rfc3339};
use crate::db::reports::{self, Summary};
use crate::error::ApiError;

/// Catalogs that do not tell where a table stands are asked again after this.
const UNSEEN_MS: i64 = 300_000;

/// Names of a catalog that does not tell when it changed are read again after this.
const NAMES_HOLD: Duration = Duration::from_secs(2);

/// A table that could not be judged is tried again after this.
const RETRY: Duration = Duration::from_secs(60);

/// Order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// By name.
    #[default]
    Name,
    /// Lowest score first; tables without one last.
    Score,
    /// Largest first.
    Bytes,
    /// Changed last first.
    Modified,
}

/// Health as a list shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct ListedHealth {
    /// 0 to 100.
    pub(crate) score: i64,
    /// The worst finding.
    pub(crate) worst: Option<Worst>,
    /// When it was judged, RFC 3339.
    pub(crate) as_of: String,
    /// The table, or a rule, has changed since.
    pub(crate) stale: bool,
}

/// Why a table could not be judged.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Unreadable {
    /// Stable kebab-case code, as `corrupt-metadata`.
    pub(crate) code: String,
    /// What to do about it.
    pub(crate) detail: String,
}

/// One table.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct TableItem {
    /// Full name, as the other routes take it.
    pub(crate) name: String,
    /// Namespace levels.
    pub(crate) namespace: Vec<String>,
    /// Last part of the name.
    pub(crate) table: String,
    /// Catalog.
    pub(crate) catalog: String,
    /// 1, 2 or 3; null until it was judged once, as the figures below.
    pub(crate) format_version: Option<i64>,
    /// Bytes of live data files.
    pub(crate) bytes: Option<i64>,
    /// Live data files.
    pub(crate) data_files: Option<i64>,
    /// Rows before deletes.
    pub(crate) records: Option<i64>,
    /// Last change of the metadata, RFC 3339.
    pub(crate) modified_at: Option<String>,
    /// The last report; null until there is one.
    pub(crate) health: Option<ListedHealth>,
    /// Why the last look at it gave no report; null where it gave one.
    pub(crate) error: Option<Unreadable>,
}

/// What to list.
#[derive(Debug, Default)]
pub(crate) struct Want<'a> {
    pub(crate) catalog: Option<&'a str>,
    /// Only this namespace and those below it.
    pub(crate) namespace: Option<&'a [String]>,
    /// Only names that contain this, in any case.
    pub(crate) search: Option<&'a str>,
    pub(crate) sort: Sort,
    /// Place of the last item of the page before.
    pub(crate) after: Option<Place>,
    /// Items on the page.
    pub(crate) limit: usize,
}

/// Where an item stands in the order of a list: its rank, and among equals its name.
pub(crate) type Place = (i64, String);

/// The lists of all catalogs, by name of the catalog.
#[derive(Default)]
pub(crate) struct Lists {
    kept: Mutex<HashMap<String, List>>,
}

/// What is known of a catalog's tables.
#[derive(Default)]
struct List {
    /// Names are read by one request at a time; the others find them read.
    reading: Arc<tokio::sync::Mutex<()>>,
    /// Version of the catalog that the names are from, where it has one.
    version: Option<i64>,
    /// When the last reading of names began.
    read_at: Option<Instant>,
    /// Names were read for which there may be reports in the database.
    some_new: bool,
    /// Names were read since the reports were last compared with them.
    moved: bool,
    /// Rules that the reports were last compared with, and when.
    compared: Option<(String, Instant)>,
    /// By full name.
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    id: TableId,
    /// For searches.
    lower: String,
    /// Where the catalog says that it stands, if it says so in a list.
    location: Option<String>,
    report: Option<Summary>,
    /// When its report was last found to hold, ms since the epoch.
    seen_at: i64,
    error: Option<Unreadable>,
}

impl Lakehouse {
    /// One page of the tables that fit, and the place of its last item where more follow.
    pub(crate) async fn list(&self, want: &Want<'_>) -> Result<(Vec<TableItem>, Option<Place>), ApiError> {
        let catalog = self.catalogs.get(want.catalog)?;
        let rules = self.plugins().await?;
        self.read_names(catalog).await?;
        let digest = rules.rules_digest();
        let (behind, page) = self.lists.of(&catalog.name, |list| (list.behind(digest), list.page(want, digest)));
        self.refresh(behind);
        Ok(page)
    }

    /// Reads the names of a catalog's tables unless those that are kept are still true.
    async fn read_names(&self, catalog: &Catalog) -> Result<(), ApiError> {
        let asked = Instant::now();
        // Before the names: what is committed in between is then read twice, and never missed.
        let version = self.catalogs.version(catalog).await?;
        if self.lists.holds(&catalog.name, version) {
            return Ok(());
        }
        let reading = self.lists.of(&catalog.name, |list| list.reading.clone());
        let _one = reading.lock().await;
        let since = self.lists.of(&catalog.name, |list| list.read_at.is_some_and(|began| began > asked));
        if since || self.lists.holds(&catalog.name, version) {
            return Ok(());
        }
        let began = Instant::now();
        let names = self.catalogs.list(catalog).await?;
        self.lists.of(&catalog.name, |list| list.take_names(&catalog.name, names));
        if self.lists.of(&catalog.name, |list| list.some_new) {
            // After the names are there: a report that is made meanwhile finds its place, and is newer than these.
            let reports = reports::summaries(self.db.read(), &catalog.name).await?;
            self.lists.of(&catalog.name, |list| list.take_reports(&catalog.name, reports));
        }
        self.lists.of(&catalog.name, |list| (list.version, list.read_at) = (version, Some(began)));
        Ok(())
    }
}

impl Lists {
    /// A table was judged.
    pub(super) fn judged(&self, id: &TableId, report: Summary) {
        self.entry(id, |entry| {
            // What it says may be older: it was asked where the table stands just now.
            (entry.seen_at, entry.error) = (crate::db::now().timestamp_millis(), None);
            // Of two that were made side by side the later one is known, whichever came here last.
            if entry.report.as_ref().is_none_or(|known| known.as_of <= report.as_of) {
                entry.report = Some(report);
            }
        });
    }

    /// Where a table stands by the catalog's own word. Where the list has another, its names are read anew.
    pub(super) fn stands(&self, id: &TableId, location: &str) {
        self.of(&id.catalog, |list| {
            if let Some(Entry { location: Some(listed), .. }) = list.entries.get_mut(&full_name(id))
                && listed != location
            {
                location.clone_into(listed);
                list.version = None;
            }
        });
    }

    /// Where a table stands, where it is listed and its catalog tells that in a list.
    pub(super) fn place(&self, id: &TableId) -> Option<String> {
        self.of(&id.catalog, |list| list.entries.get(&full_name(id))?.location.clone())
    }

    /// A table's report was found to hold.
    pub(super) fn holds_still(&self, id: &TableId) {
        self.entry(id, |entry| (entry.seen_at, entry.error) = (crate::db::now().timestamp_millis(), None));
    }

    /// A table could not be judged.
    pub(super) fn failed(&self, id: &TableId, error: &ApiError) {
        let told = Unreadable { code: error.code().to_owned(), detail: error.detail().to_owned() };
        self.entry(id, |entry| entry.error = Some(told));
    }

    fn holds(&self, catalog: &str, version: Option<i64>) -> bool {
        self.of(catalog, |list| match version {
            Some(_) => list.version == version,
            None => list.read_at.is_some_and(|began| began.elapsed() < NAMES_HOLD),
        })
    }

    /// Changes what is kept of a table, where it is listed.
    fn entry(&self, id: &TableId, change: impl FnOnce(&mut Entry)) {
        self.of(&id.catalog, |list| list.entries.get_mut(&full_name(id)).map(change));
    }

    /// Does something short with the list of a catalog.
    fn of<T>(&self, catalog: &str, what: impl FnOnce(&mut List) -> T) -> T {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        what(kept.entry(catalog.to_owned()).or_default())
    }
}

impl List {
    /// The names as they are now.
    fn take_names(&mut self, catalog: &str, names: Vec<Listed>) {
        let mut before = std::mem::take(&mut self.entries);
        for Listed { namespace, name, metadata_location: location } in names {
            let id = TableId { catalog: catalog.to_owned(), namespace, name };
            let full = full_name(&id);
            let entry = match before.remove(&full) {
                // What is moved is tried again, whatever was wrong with it.
                Some(known) if known.location != location => Entry { location, error: None, ..known },
                Some(known) => known,
                None => {
                    self.some_new = true;
                    Entry { lower: full.to_lowercase(), id, location, report: None, seen_at: 0, error: None }
                }
            };
            self.entries.insert(full, entry);
        }
        self.moved = true;
    }

    /// Reports that were kept, for tables that have none here.
    fn take_reports(&mut self, catalog: &str, reports: Vec<Summary>) {
        for report in reports {
            let namespace = namespace_of(&report.namespace);
            let id = TableId { catalog: catalog.to_owned(), namespace, name: report.name.clone() };
            if let Some(entry) = self.entries.get_mut(&full_name(&id)) {
                entry.report.get_or_insert(report);
            }
        }
        self.some_new = false;
    }

    /// Tables whose report is missing or out of date. Looked for where names or rules have changed, and now and then for
    /// those that failed.
    fn behind(&mut self, rules_digest: &str) -> Vec<Due> {
        let now = Instant::now();
        let due = self.compared.as_ref().is_none_or(|(_, at)| now - *at >= RETRY);
        let same_rules = self.compared.as_ref().is_some_and(|(digest, _)| digest == rules_digest);
        if same_rules && !due && !self.moved {
            return Vec::new();
        }
        let at = self.compared.as_ref().filter(|_| !due).map_or(now, |(_, at)| *at);
        (self.moved, self.compared) = (false, Some((rules_digest.to_owned(), at)));
        let behind = self.entries.values().filter(|e| if e.error.is_some() { due } else { e.is_stale(rules_digest) });
        behind.map(|entry| Due { id: entry.id.clone(), listed: true }).collect()
    }

    fn page(&self, want: &Want<'_>, rules_digest: &str) -> (Vec<TableItem>, Option<Place>) {
        let search = want.search.map(str::to_lowercase);
        let fits = |entry: &Entry| {
            want.namespace.is_none_or(|namespace| entry.id.namespace.starts_with(namespace))
                && search.as_ref().is_none_or(|text| entry.lower.contains(text))
        };
        let (mut rows, more) = if want.sort == Sort::Name {
            let start = want.after.as_ref().map_or(Bound::Unbounded, |(_, name)| Bound::Excluded(name.as_str()));
            let mut rest = self.entries.range::<str, _>((start, Bound::Unbounded)).filter(|(_, e)| fits(e));
            let rows: Vec<_> = rest.by_ref().take(want.limit).map(|(name, entry)| (0, name, entry)).collect();
            (rows, rest.next().is_some())
        } else {
            let after = want.after.as_ref().map(|(rank, name)| (*rank, name));
            let ranked = self.entries.iter().filter(|(_, e)| fits(e)).map(|(n, e)| (e.rank(want.sort), n, e));
            let mut rows: Vec<_> = ranked.filter(|(rank, name, _)| after.is_none_or(|a| (*rank, *name) > a)).collect();
            let more = rows.len() > want.limit;
            if more {
                rows.select_nth_unstable_by(want.limit, in_order);
                rows.truncate(want.limit);
            }
            (rows, more)
        };
        rows.sort_unstable_by(in_order);
        let last = rows.last().filter(|_| more).map(|(rank, name, _)| (*rank, (*name).clone()));
        (rows.into_iter().map(|(_, name, entry)| entry.item(name, rules_digest)).collect(), last)
    }
}

fn in_order(a: &(i64, &String, &Entry), b: &(i64, &String, &Entry)) -> Ordering {
    (a.0, a.1).cmp(&(b.0, b.1))
}

impl Entry {
    fn is_stale(&self, rules_digest: &str) -> bool {
        let Some(report) = &self.report else { return true };
        let moved = match &self.location {
            Some(location) => *location != report.metadata_location,
            None => crate::db::now().timestamp_millis() - report.as_of.max(self.seen_at) > UNSEEN_MS,
        };
        moved || report.rules_digest != rules_digest
    }

    fn rank(&self, sort: Sort) -> i64 {
        let Some(report) = &self.report else { return i64::MAX };
        match sort {
            Sort::Name => 0,
            Sort::Score => report.score,
            Sort::Bytes => -report.bytes,
            Sort::Modified => -report.modified_at,
        }
    }

    fn item(&self, name: &str, rules_digest: &str) -> TableItem {
        let report = self.report.as_ref();
        TableItem {
            name: name.to_owned(),
            namespace: self.id.namespace.clone(),
            table: self.id.name.clone(),
            catalog: self.id.catalog.clone(),
            format_version: report.map(|r| r.format_version),
            bytes: report.map(|r| r.bytes),
            data_files: report.map(|r| r.data_files),
            records: report.map(|r| r.records),
            modified_at: report.map(|r| rfc3339(r.modified_at)),
            health: report.map(|r| ListedHealth {
                score: r.score,
                worst: r.worst.as_deref().and_then(|w| serde_json::from_str(w).ok()),
                as_of: rfc3339(r.as_of),
                stale: self.is_stale(rules_digest),
            }),
            error: self.error.clone(),
        }
    }
}
