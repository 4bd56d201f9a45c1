//! Facts -> rules -> report. A report holds as long as the table's metadata file, the rules and their configuration do; where
//! only some of the rules have changed, those alone are asked again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
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

/// The key of each rule that answered, by its id: see [`Snapshot::rule_keys`]. Kept beside a report and not told: what a
/// configuration holds could be guessed from it.
type Keys = BTreeMap<String, String>;

/// The last report of a table that has not moved since.
pub(super) struct Kept {
    report: Report,
    keys: Keys,
    /// When its facts were gathered, ms since the Unix epoch.
    as_of: i64,
    /// The rules have not changed since either.
    pub(super) holds: bool,
}

impl Kept {
    /// What a rule found, where it would find the same again.
    fn findings_of(&self, rule: &Plugin, key: &String) -> Option<Vec<RuleFinding>> {
        // What other servers and listings say moves while the table does not.
        let by_table_alone = !rule.inspection().http && !rule.needs().contains(&Group::Orphans);
        let answered = by_table_alone && self.keys.get(rule.id()) == Some(key);
        answered.then(|| self.report.findings.iter().filter(|one| one.rule.id == rule.id()).cloned().collect())
    }
}

impl Lakehouse {
    /// The health report of a table: the kept one while it holds, else a new one.
    pub(crate) async fn health(&self, table: &Located) -> Result<Report, ApiError> {
        let rules = self.plugins().await?;
        let kept = self.kept_report(table, &rules).await?;
        if let Some(Kept { report, holds: true, .. }) = kept {
            return Ok(report);
        }
        let judged = self.judge(table, rules, kept).await?;
        self.keep(&[&judged]).await;
        Ok(judged.report)
    }

    /// The last report of a table as it stands, where it is not too old.
    pub(super) async fn kept_report(&self, table: &Located, rules: &Snapshot) -> Result<Option<Kept>, ApiError> {
        let namespace = namespace_key(&table.id.namespace);
        let kept = reports::get(self.db.read(), &table.id.catalog, &namespace, &table.id.name).await?;
        let now = crate::db::now().timestamp_millis();
        let of_this =
            kept.filter(|kept| kept.metadata_location == table.metadata_location && now - kept.as_of < MAX_AGE_MS);
        let Some(reports::Kept { rules_digest, as_of, body, .. }) = of_this else { return Ok(None) };
        // One that an older version of this server wrote may have another shape.
        let Ok((report, keys)) = serde_json::from_str::<(Report, Keys)>(&body) else { return Ok(None) };
        let holds = rules_digest == rules.rules_digest()
            // A rule that failed may answer by now; one that was taken out of service does not.
            && report.failed_rules.iter().all(|f| rules.plugin(&f.rule.id).is_some_and(|p| p.barred().is_some()));
        if holds {
            self.lists.holds_still(&table.id);
        }
        Ok(Some(Kept { report, keys, as_of, holds }))
    }

    /// Makes a report of a table as it stands there. Rules that are in the kept one as they are now are not asked again.
    pub(super) async fn judge(
        &self,
        table: &Located,
        rules: Arc<Snapshot>,
        kept: Option<Kept>,
    ) -> Result<Judged, ApiError> {
        let mut said = Said::default();
        let mut asked = Vec::new();
        for (rule, key) in rules.rules().iter().zip(rules.rule_keys()) {
            match kept.as_ref().and_then(|kept| kept.findings_of(rule, key)) {
                Some(findings) => said.answered(rule, key, findings),
                None => asked.push((rule.clone(), key.clone())),
            }
        }
        let (metadata, facts) = self.gather(table, &groups(&rules, &asked)).await?;
        let facts = Arc::new(facts);
        // No newer than the oldest that it says.
        let as_of = kept.filter(|_| !said.keys.is_empty()).map_or(facts.as_of, |kept| kept.as_of);
        let judged = facts.clone();
        let Said { findings, failed, keys } =
            tokio::task::spawn_blocking(move || said.ask(&asked, &judged)).await.map_err(ApiError::internal)?;
        let report = report(table, &facts, as_of, findings, failed);
        let summary = reports::Summary {
            namespace: namespace_key(&table.id.namespace),
            name: table.id.name.clone(),
            metadata_location: table.metadata_location.clone(),
            rules_digest: rules.rules_digest().to_owned(),
            as_of,
            score: i64::from(report.score),
            worst: report.worst.as_ref().map(serde_json::to_string).transpose().map_err(ApiError::internal)?,
            format_version: i64::from(facts.format_version),
            bytes: facts.totals.data_bytes.cast_signed(),
            data_files: facts.totals.data_files.cast_signed(),
            records: facts.totals.records.cast_signed(),
            modified_at: metadata.last_updated_ms,
        };
        let body = serde_json::to_string(&(&report, &keys)).map_err(ApiError::internal)?;
        Ok(Judged { table: table.id.clone(), report, summary, body, figures: Figures::from(&*facts) })
    }

    /// Keeps new reports, in one write, and tells of them. Those of rules that have changed meanwhile are not kept: a newer one may
    /// be there, of facts that are as old.
    pub(super) async fn keep(&self, judged: &[&Judged]) {
        let rules = self.runtime.snapshot();
        let holds = |one: &&&Judged| one.summary.rules_digest == rules.rules_digest();
        let judged: Vec<&Judged> = judged.iter().filter(holds).copied().collect();
        let write = async {
            let mut tx = self.db.write().await?;
            for one in &judged {
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

/// What is gathered to ask these of the rules. What a report shows is gathered for all of them, so that it is the same whichever
/// were asked; what takes a walk through the table's history, for those alone that are asked.
fn groups(rules: &Snapshot, asked: &[(Arc<Plugin>, String)]) -> BTreeSet<Group> {
    let needed_by = |rule: &Arc<Plugin>| if rule.barred().is_none() { rule.needs().clone() } else { BTreeSet::new() };
    let shown = rules.rules().iter().flat_map(needed_by).filter(|g| !matches!(g, Group::Reachability | Group::Orphans));
    shown.chain(asked.iter().flat_map(|(rule, _)| needed_by(rule))).collect()
}

/// What the rules said.
#[derive(Default)]
struct Said {
    findings: Vec<RuleFinding>,
    failed: Vec<FailedRule>,
    keys: Keys,
}

impl Said {
    fn answered(&mut self, rule: &Plugin, key: &str, findings: Vec<RuleFinding>) {
        self.findings.extend(findings);
        self.keys.insert(rule.id().to_owned(), key.to_owned());
    }

    /// Asks rules; one that fails is told beside the findings of the others.
    fn ask(mut self, rules: &[(Arc<Plugin>, String)], facts: &Arc<TableFacts>) -> Self {
        for (plugin, key) in rules {
            let rule = PluginRef::from(plugin.as_ref());
            match plugin.evaluate(facts, None) {
                Ok(found) => {
                    let of_it = |finding| RuleFinding { rule: rule.clone(), finding };
                    self.answered(plugin, key, found.into_iter().map(of_it).collect());
                }
                Err(error) => self.failed.push(FailedRule { rule, error: error.to_string() }),
            }
        }
        // Of equals by the rule, whichever was asked last.
        let place = |f: &RuleFinding| (Reverse((f.finding.penalty, f.finding.severity)), f.rule.id.clone());
        self.findings.sort_by_cached_key(place);
        self
    }
}

fn report(
    table: &Located,
    facts: &TableFacts,
    as_of: i64,
    findings: Vec<RuleFinding>,
    failed_rules: Vec<FailedRule>,
) -> Report {
    let penalty: u32 = findings.iter().map(|f| u32::from(f.finding.penalty)).sum();
    let worst = findings.iter().min_by_key(|f| Reverse((f.finding.severity, f.finding.penalty))).map(|f| Worst {
        code: f.finding.code.clone(),
        severity: f.finding.severity,
        title: f.finding.title.clone(),
    });
    Report {
        table: super::full_name(&table.id),
        catalog: table.id.catalog.clone(),
        score: u8::try_from(100u32.saturating_sub(penalty)).unwrap_or(0),
        worst,
        as_of: super::rfc3339(as_of),
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
