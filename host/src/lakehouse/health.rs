//! Facts -> rules -> report. A report holds as long as the table's metadata file, the rules and their configuration do.

use std::collections::BTreeSet;
use std::sync::Arc;

use drls_runtime::answer::{Finding, Severity};
use drls_runtime::facts::{Group, TableFacts, TableId};
use drls_runtime::{Plugin, Snapshot};
use serde::{Deserialize, Serialize};

use super::catalogs::Located;
use super::gauges::Figures;
use super::pages::PartitionItem;
use super::{Lakehouse, namespace_key};
use crate::db::reports;
use crate::error::ApiError;

/// Rules may look at the age of things: a report is made anew after an hour even where nothing moved.
const MAX_AGE_MS: i64 = 3_600_000;

/// Partitions shown in a report; all of them are at `/partitions`.
const SHOWN_PARTITIONS: usize = 100;

/// Which plugin said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct PluginRef {
    /// Plugin id.
    pub(crate) id: String,
    /// Its version.
    pub(crate) version: String,
    /// SHA-256 of its component, hex.
    pub(crate) digest: String,
}

impl From<&Plugin> for PluginRef {
    fn from(plugin: &Plugin) -> Self {
        Self {
            id: plugin.id().to_owned(),
            version: plugin.identity().version.to_string(),
            digest: plugin.identity().digest.clone(),
        }
    }
}

/// A finding and the rule that made it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct RuleFinding {
    /// The rule.
    pub(crate) rule: PluginRef,
    /// What it found.
    #[serde(flatten)]
    pub(crate) finding: Finding,
}

/// A rule that gave no answer.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct FailedRule {
    /// The rule.
    pub(crate) rule: PluginRef,
    /// What happened.
    pub(crate) error: String,
}

/// The worst finding, for lists.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Worst {
    /// Code of the finding.
    pub(crate) code: String,
    /// "info", "warning" or "critical".
    #[schema(value_type = String)]
    pub(crate) severity: Severity,
    /// Its sentence.
    pub(crate) title: String,
}

/// Health of one table.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Report {
    /// Name of the table.
    pub(crate) table: String,
    /// Its catalog.
    pub(crate) catalog: String,
    /// 100 less the penalties of all findings, at least 0.
    pub(crate) score: u8,
    /// The worst finding; none for a table without one.
    pub(crate) worst: Option<Worst>,
    /// When the facts were gathered, RFC 3339.
    pub(crate) as_of: String,
    /// True where the table has moved since.
    pub(crate) stale: bool,
    /// The metadata file that was judged.
    pub(crate) metadata_location: String,
    /// Findings, the highest penalty first.
    pub(crate) findings: Vec<RuleFinding>,
    /// Rules that failed; the others are not hidden by them.
    pub(crate) failed_rules: Vec<FailedRule>,
    /// What was gathered: totals, file sizes, partitions, snapshots, manifests, metadata log; null where no rule asks.
    #[schema(value_type = Object)]
    pub(crate) facts: serde_json::Value,
}

/// A new report, and what is told of it where.
pub(super) struct Judged {
    /// The table.
    pub(super) table: TableId,
    report: Report,
    pub(super) summary: reports::Summary,
    /// The report as it is kept.
    body: String,
    /// Not the facts themselves: many wait to be kept where the disk is slow.
    figures: Figures,
}

impl Lakehouse {
    /// The health report of a table: the kept one while it holds, else a new one.
    pub(crate) async fn health(&self, table: &Located) -> Result<Report, ApiError> {
        let rules = self.plugins().await?;
        if let Some(report) = self.kept_report(table, &rules).await? {
            return Ok(report);
        }
        let judged = self.judge(table, rules).await?;
        self.keep(&[&judged]).await;
        Ok(judged.report)
    }

    /// The last report of a table where it holds.
    pub(super) async fn kept_report(&self, table: &Located, rules: &Snapshot) -> Result<Option<Report>, ApiError> {
        let namespace = namespace_key(&table.id.namespace);
        let kept = reports::get(self.db.read(), &table.id.catalog, &namespace, &table.id.name).await?;
        let now = crate::db::now().timestamp_millis();
        if let Some(kept) = kept
            && kept.metadata_location == table.metadata_location
            && kept.rules_digest == rules.rules_digest()
            && now - kept.as_of < MAX_AGE_MS
            && let Ok(report) = serde_json::from_str::<Report>(&kept.body)
            // A rule that failed may answer by now; one that was taken out of service does not.
            && report.failed_rules.iter().all(|f| rules.plugin(&f.rule.id).is_some_and(|p| p.barred().is_some()))
        {
            self.lists.holds_still(&table.id);
            return Ok(Some(report));
        }
        Ok(None)
    }

    /// Makes a report of a table as it stands there.
    pub(super) async fn judge(&self, table: &Located, rules: Arc<Snapshot>) -> Result<Judged, ApiError> {
        let groups: BTreeSet<Group> =
            rules.rules().iter().filter(|r| r.barred().is_none()).flat_map(|r| r.needs().iter().copied()).collect();
        let (metadata, facts) = self.gather(table, &groups).await?;
        let facts = Arc::new(facts);
        let rules_digest = rules.rules_digest().to_owned();
        let judged = facts.clone();
        let (findings, failed_rules) =
            tokio::task::spawn_blocking(move || evaluate(&rules, &judged)).await.map_err(ApiError::internal)?;
        let report = report(table, &facts, findings, failed_rules);
        let summary = reports::Summary {
            namespace: namespace_key(&table.id.namespace),
            name: table.id.name.clone(),
            metadata_location: table.metadata_location.clone(),
            rules_digest,
            as_of: facts.as_of,
            score: i64::from(report.score),
            worst: report.worst.as_ref().map(serde_json::to_string).transpose().map_err(ApiError::internal)?,
            format_version: i64::from(facts.format_version),
            bytes: facts.totals.data_bytes.cast_signed(),
            data_files: facts.totals.data_files.cast_signed(),
            records: facts.totals.records.cast_signed(),
            modified_at: metadata.last_updated_ms,
        };
        let body = serde_json::to_string(&report).map_err(ApiError::internal)?;
        Ok(Judged { table: table.id.clone(), report, summary, body, figures: Figures::from(&*facts) })
    }

    /// Keeps new reports, in one write, and tells of them.
    pub(super) async fn keep(&self, judged: &[&Judged]) {
        let write = async {
            let mut tx = self.db.write().await?;
            for one in judged {
                reports::put(&mut *tx, &one.table.catalog, &one.summary, &one.body).await?;
            }
            tx.commit().await
        };
        match write.await {
            Ok(()) => judged.iter().for_each(|one| self.lists.judged(&one.table, one.summary.clone())),
            // They are as good as those that are kept, and made again the next time.
            Err(error) => tracing::warn!(%error, "{} reports can't be kept", judged.len()),
        }
        for Judged { table, report, figures, .. } in judged {
            self.gauges.judged(table, report.score, *figures);
            self.events.publish(
                "table.judged",
                serde_json::json!({
                    "table": report.table, "catalog": report.catalog, "score": report.score, "worst": report.worst,
                }),
            );
        }
    }
}

/// Runs every rule; one that fails is told beside the findings of the others.
fn evaluate(rules: &Snapshot, facts: &Arc<TableFacts>) -> (Vec<RuleFinding>, Vec<FailedRule>) {
    let (mut findings, mut failed) = (Vec::new(), Vec::new());
    for plugin in rules.rules() {
        let rule = PluginRef::from(plugin.as_ref());
        match plugin.evaluate(facts, None) {
            Ok(found) => {
                findings.extend(found.into_iter().map(|finding| RuleFinding { rule: rule.clone(), finding }));
            }
            Err(error) => failed.push(FailedRule { rule, error: error.to_string() }),
        }
    }
    findings.sort_by_key(|f| std::cmp::Reverse((f.finding.penalty, f.finding.severity)));
    (findings, failed)
}

fn report(table: &Located, facts: &TableFacts, findings: Vec<RuleFinding>, failed_rules: Vec<FailedRule>) -> Report {
    let penalty: u32 = findings.iter().map(|f| u32::from(f.finding.penalty)).sum();
    let worst = findings.iter().max_by_key(|f| (f.finding.severity, f.finding.penalty)).map(|f| Worst {
        code: f.finding.code.clone(),
        severity: f.finding.severity,
        title: f.finding.title.clone(),
    });
    Report {
        table: super::full_name(&table.id),
        catalog: table.id.catalog.clone(),
        score: u8::try_from(100u32.saturating_sub(penalty)).unwrap_or(0),
        worst,
        as_of: super::rfc3339(facts.as_of),
        stale: false,
        metadata_location: table.metadata_location.clone(),
        findings,
        failed_rules,
        facts: shown(facts),
    }
}

/// The facts behind a report, cut to what a page shows.
fn shown(facts: &TableFacts) -> serde_json::Value {
    let file_sizes = facts.files.as_ref().map(|files| {
        let limit = files.small_under();
        let small = files.partitions.iter().map(|p| p.small(limit));
        let (small_files, small_bytes) = small.fold((0, 0), |(n, b), (pn, pb)| (n + pn, b + pb));
        serde_json::json!({
            "target": files.target, "small_under": limit, "small_files": small_files, "small_bytes": small_bytes,
            "largest": files.partitions.iter().flat_map(|p| &p.files).map(|f| f.bytes).max().unwrap_or(0),
            "histogram": files.histogram(),
        })
    });
    let partitions = facts.files.as_ref().map(|files| {
        let shown: Vec<PartitionItem> = super::pages::partition_items(files, SHOWN_PARTITIONS);
        serde_json::json!({ "count": files.partitions.len(), "first": shown })
    });
    let manifests = facts.manifests.as_ref().map(|list| {
        serde_json::json!({
            "count": list.len(), "bytes": list.iter().map(|m| m.bytes).sum::<u64>(),
            "delete_manifests": list.iter().filter(|m| m.deletes).count(),
        })
    });
    let oldest = facts.snapshots.first().map(|s| super::rfc3339(s.committed_at));
    serde_json::json!({
        "totals": facts.totals, "file_sizes": file_sizes, "partitions": partitions, "manifests": manifests,
        "snapshots": { "count": facts.snapshots.len(), "oldest": oldest, "refs": facts.refs.len() },
        "metadata_log": facts.metadata_log,
    })
}
