//! Turns what a guest answered into plain data, and refuses what breaks the contract.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    answer::{Effect, Finding, Measure, OperationPlan, Remedy, Reversibility, Severity, Step, Strategy},
    bindings::{operation::exports::drls::plugin::operation as op, rule::exports::drls::plugin::health, types},
    error::{Failure, FieldError},
    manifest::is_kebab,
};

/// Points that a table starts with; one finding cannot take more.
const FULL_SCORE: u8 = 100;

pub(crate) fn failure(error: types::Error) -> Failure {
    match error {
        types::Error::Invalid(fields) => {
            Failure::Invalid(fields.into_iter().map(|f| FieldError { pointer: f.pointer, detail: f.detail }).collect())
        }
        types::Error::NotFound(text) => Failure::NotFound(text),
        types::Error::Denied(text) => Failure::Denied(text),
        types::Error::Failed(text) => Failure::Failed(text),
    }
}

/// Every finding, or the first that breaks the contract.
pub(crate) fn findings(findings: Vec<health::Finding>) -> Result<Vec<Finding>, Failure> {
    let mut codes = HashSet::new();
    for finding in &findings {
        let code = &finding.code;
        if !is_kebab(code) {
            return Err(bad(format!("the finding code {code:?} is not kebab-case")));
        }
        if !codes.insert(code) {
            return Err(bad(format!("the finding code {code:?} comes twice; codes are unique in a rule")));
        }
    }
    findings.into_iter().map(finding).collect()
}

fn finding(finding: health::Finding) -> Result<Finding, Failure> {
    let code = finding.code;
    if finding.penalty > FULL_SCORE {
        return Err(bad(format!("finding {code:?} takes {} points; 0 to 100 are allowed", finding.penalty)));
    }
    let measure = |m: health::Measure| {
        if !m.value.is_finite() || m.threshold.is_some_and(|t| !t.is_finite()) {
            return Err(bad(format!("evidence {:?} of finding {code:?} is not a finite number", m.name)));
        }
        Ok(Measure { name: m.name, value: m.value, unit: m.unit, threshold: m.threshold })
    };
    Ok(Finding {
        severity: match finding.severity {
            types::Severity::Info => Severity::Info,
            types::Severity::Warning => Severity::Warning,
            types::Severity::Critical => Severity::Critical,
        },
        title: finding.title,
        penalty: finding.penalty,
        evidence: finding.evidence.into_iter().map(measure).collect::<Result<_, _>>()?,
        remedy: finding.remedy.map(|r| remedy(&code, r)).transpose()?,
        code,
    })
}

fn remedy(code: &str, remedy: health::Remedy) -> Result<Remedy, Failure> {
    if !is_kebab(&remedy.operation) {
        let operation = remedy.operation;
        return Err(bad(format!("the remedy of finding {code:?} names operation {operation:?}, not kebab-case")));
    }
    match serde_json::from_str::<Value>(&remedy.arguments) {
        Ok(arguments @ Value::Object(_)) => Ok(Remedy { operation: remedy.operation, arguments }),
        Ok(_) => Err(bad(format!("the remedy of finding {code:?} has arguments that are not a JSON object"))),
        Err(e) => Err(bad(format!("the remedy of finding {code:?} has arguments that are not JSON: {e}"))),
    }
}

pub(crate) fn plan(plan: op::OperationPlan) -> OperationPlan {
    let e = plan.effect;
    let (before, after) = (|c: Option<op::Change>| c.map(|c| c.before), |c: Option<op::Change>| c.map(|c| c.after));
    OperationPlan {
        steps: plan.steps.into_iter().map(step).collect(),
        effect: Effect {
            files_before: before(e.data_files),
            files_after: after(e.data_files),
            delete_files_before: before(e.delete_files),
            delete_files_after: after(e.delete_files),
            manifests_before: before(e.manifests),
            manifests_after: after(e.manifests),
            snapshots_removed: e.snapshots_removed,
            bytes_read: e.bytes_read,
            bytes_freed: e.bytes_freed,
            duration: e.duration,
        },
        reversibility: match plan.reversibility {
            op::Reversibility::Rollback => Reversibility::Rollback,
            op::Reversibility::Inverse => Reversibility::Inverse,
            op::Reversibility::None => Reversibility::None,
        },
        warnings: plan.warnings,
    }
}

fn step(step: op::Step) -> Step {
    match step {
        op::Step::RewriteDataFiles(r) => Step::RewriteDataFiles {
            strategy: match r.strategy {
                op::Strategy::Binpack => Strategy::Binpack,
                op::Strategy::Sort => Strategy::Sort,
                op::Strategy::Zorder => Strategy::Zorder,
            },
            order: r.order.unwrap_or_default(),
            filter: r.filter.unwrap_or_default(),
            options: r.options,
        },
        op::Step::RewritePositionDeletes(options) => Step::RewritePositionDeletes { options },
        op::Step::RewriteManifests => Step::RewriteManifests,
        op::Step::ExpireSnapshots(e) => Step::ExpireSnapshots { snapshot_ids: e.snapshot_ids },
        op::Step::RemoveOrphanFiles(r) => Step::RemoveOrphanFiles { older_than: r.older_than },
        op::Step::AddColumn(a) => Step::AddColumn { path: a.path, data_type: a.data_type, doc: a.doc, after: a.after },
        op::Step::RenameColumn(r) => Step::RenameColumn { path: r.path, name: r.name },
        op::Step::DropColumn(d) => Step::DropColumn { path: d.path },
        op::Step::SetProperties(properties) => Step::SetProperties { properties },
        op::Step::Rollback(snapshot_id) => Step::Rollback { snapshot_id },
    }
}

fn bad(text: String) -> Failure {
    Failure::BadAnswer(text)
}
