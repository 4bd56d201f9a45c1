//! Facts -> rules -> report. A report holds as long as the table's metadata file, the rules and their configuration do; where
//! only some of the rules have changed, those alone are asked again.

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

/// A rule that answered, whether or not it found anything.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct JudgedBy {
    /// The rule.
    pub(crate) rule: PluginRef,
    /// Hash over the rule, its component and its configuration: what it found holds for this table while this is the same.
    pub(crate) key: String,
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
    /// Rules that answered, those that found nothing too.
    #[serde(default)]
    pub(crate) judged_by: Vec<JudgedBy>,
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

/// The last report of a table that has not moved since.
pub(super) struct Kept {
    report: Report,
    /// When its facts were gathered, ms since the Unix epoch.
    as_of: i64,
    /// The rules have not changed since either.
    pub(super) holds: bool,
}

impl Kept {
    /// What a rule found, where it would find the same again.
    fn findings_of(&self, rule: &Plugin, key: &str) -> Option<impl Iterator<Item = &RuleFinding>> {
        let answered = self.report.judged_by.iter().any(|one| one.key == key);
        answered.then(|| self.report.findings.iter().filter(|one| one.rule.id == rule.id()))
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
        let Ok(report) = serde_json::from_str::<Report>(&body) else { return Ok(None) };
        let holds = rules_digest == rules.rules_digest()
            // A rule that failed may answer by now; one that was taken out of service does not.
            && report.failed_rules.iter().all(|f| rules.plugin(&f.rule.id).is_some_and(|p| p.barred().is_some()));
        if holds {
            self.lists.holds_still(&table.id);
        }
        Ok(Some(Kept { report, as_of, holds }))
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
                Some(findings) => said.answered(rule, key, findings.map(|one| one.finding.clone())),
                None => asked.push((rule.clone(), key.clone())),
            }
        }
        let kept = kept.filter(|_| !said.judged_by.is_empty());
        let groups: BTreeSet<Group> =
            asked.iter().filter(|(r, _)| r.barred().is_none()).flat_map(|(r, _)| r.needs().iter().copied()).collect();
        let (metadata, facts) = self.gather(table, &groups).await?;
        let facts = Arc::new(facts);
        let judged = facts.clone();
        let said = tokio::task::spawn_blocking(move || said.ask(&asked, &judged)).await.map_err(ApiError::internal)?;
        let report = report(table, &facts, said, kept.as_ref());
        let summary = reports::Summary {
            namespace: namespace_key(&table.id.namespace),
            name: table.id.name.clone(),
            metadata_location: table.metadata_location.clone(),
            rules_digest: rules.rules_digest().to_owned(),
            as_of: as_of(&facts, kept.as_ref()),
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

/// What the rules said.
#[derive(Default)]
struct Said {
    findings: Vec<RuleFinding>,
    failed: Vec<FailedRule>,
    judged_by: Vec<JudgedBy>,
}

impl Said {
    fn answered(&mut self, rule: &Plugin, key: &str, findings: impl IntoIterator<Item = Finding>) {
        let rule = PluginRef::from(rule);
        self.findings.extend(findings.into_iter().map(|finding| RuleFinding { rule: rule.clone(), finding }));
        self.judged_by.push(JudgedBy { rule, key: key.to_owned() });
    }

    /// Asks rules; one that fails is told beside the findings of the others.
    fn ask(mut self, rules: &[(Arc<Plugin>, String)], facts: &Arc<TableFacts>) -> Self {
        for (rule, key) in rules {
            match rule.evaluate(facts, None) {
                Ok(found) => self.answered(rule, key, found),
                Err(error) => {
                    self.failed.push(FailedRule { rule: PluginRef::from(rule.as_ref()), error: error.to_string() });
                }
            }
        }
        self.findings.sort_by_key(|f| std::cmp::Reverse((f.finding.penalty, f.finding.severity)));
        self
    }
}

/// When the oldest of what a report says was true.
fn as_of(facts: &TableFacts, kept: Option<&Kept>) -> i64 {
    kept.map_or(facts.as_of, |kept| kept.as_of)
}

fn report(table: &Located, facts: &TableFacts, said: Said, kept: Option<&Kept>) -> Report {
    let Said { findings, failed, judged_by } = said;
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
        as_of: super::rfc3339(as_of(facts, kept)),
        stale: false,
        metadata_location: table.metadata_location.clone(),
        findings,
        failed_rules: failed,
        judged_by,
        facts: shown_with(facts, kept),
    }
}

/// As [`shown`], with what was gathered before for the rules that were not asked again: it is of the same metadata file.
fn shown_with(facts: &TableFacts, kept: Option<&Kept>) -> serde_json::Value {
    let mut shown = shown(facts);
    if let (Some(before), Some(shown)) = (kept.and_then(|kept| kept.report.facts.as_object()), shown.as_object_mut()) {
        for (name, value) in shown.iter_mut().filter(|(_, value)| value.is_null()) {
            value.clone_from(before.get(name).unwrap_or(&serde_json::Value::Null));
        }
    }
    shown
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
