//! Facts and arguments -> plugin -> plan, and whether a plan still holds.

use std::sync::Arc;

use drls_runtime::answer::{Effect, OperationPlan, Reversibility, Step};
use drls_runtime::facts::TableId;
use drls_runtime::{CallError, Failure, Plugin};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::catalogs::Located;
use super::super::health::PluginRef;
use super::super::metadata::Metadata;
use super::super::{Lakehouse, full_name, namespace_key, namespace_of, rfc3339};
use super::action::Action;
use super::estimate;
use super::log::Line;
use crate::db::plans;
use crate::error::{ApiError, FieldError};

/// The newest format version whose metadata PyIceberg writes, as `drls.commits` has it.
pub(super) const MOST_WRITABLE: u8 = 2;

/// A plan can be run for a day; tables that move make it stale long before.
const LIFETIME_MS: i64 = 24 * 3_600_000;

/// A plan as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct PlanView {
    /// UUIDv7.
    pub(crate) id: String,
    /// Operation id.
    pub(crate) operation: String,
    /// Table.
    pub(crate) table: String,
    /// Catalog.
    pub(crate) catalog: String,
    /// Arguments as given.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub(crate) arguments: Value,
    /// Who planned.
    pub(crate) plugin: PluginRef,
    /// Steps, effect, reversibility, warnings.
    #[serde(flatten)]
    pub(crate) plan: OperationPlan,
    /// The table as it was planned on.
    pub(crate) metadata_location: String,
    /// RFC 3339.
    pub(crate) created_at: String,
    /// RFC 3339; a plan that expired is refused.
    pub(crate) expires_at: String,
}

/// A plan and what it was made on.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) id: String,
    pub(crate) operation: String,
    pub(crate) table: TableId,
    pub(crate) arguments: Value,
    pub(crate) plugin: PluginRef,
    pub(crate) plan: OperationPlan,
    pub(crate) metadata_location: String,
    pub(crate) snapshot_id: Option<i64>,
    pub(crate) schema_id: i32,
    pub(crate) table_uuid: String,
    pub(crate) actor: String,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
}

impl Lakehouse {
    /// Plans an operation on a table as it stands; keeps the plan.
    pub(crate) async fn plan(
        &self,
        plugin: Arc<Plugin>,
        table: &Located,
        arguments: Value,
        actor: &str,
    ) -> Result<Planned, ApiError> {
        let (metadata, facts) = self.gather(table, plugin.needs()).await?;
        let throughput = crate::db::jobs::throughput(self.db.read()).await?.unwrap_or(0).cast_unsigned();
        let plugin_ref = PluginRef::from(plugin.as_ref());
        let given = arguments.clone();
        let facts = Arc::new(facts);
        let (mut plan, told) = tokio::task::spawn_blocking(move || plugin.plan_told(&facts, &given, throughput))
            .await
            .map_err(ApiError::internal)?
            .map_err(refused)?;
        if metadata.format_version > MOST_WRITABLE {
            hold_to_spark(&mut plan, metadata.format_version)?;
        }
        if !plan.steps.is_empty() {
            let results = crate::db::jobs::results(self.db.read(), &plugin_ref.id, &table.id.catalog).await?;
            let seen: Vec<(Effect, u64)> = results.iter().filter_map(|result| measured(result)).collect();
            // What was measured here knows more than the plugin, which has the throughput of rewrites alone.
            plan.effect.duration = estimate::duration(&plan.effect, &seen).or(plan.effect.duration);
        }
        let now = crate::db::now().timestamp_millis();
        let planned = Planned {
            id: uuid::Uuid::now_v7().to_string(),
            operation: plugin_ref.id.clone(),
            table: table.id.clone(),
            arguments,
            plugin: plugin_ref,
            plan,
            metadata_location: table.metadata_location.clone(),
            snapshot_id: metadata.current_snapshot_id,
            schema_id: metadata.current_schema_id,
            table_uuid: metadata.table_uuid.clone(),
            actor: actor.to_owned(),
            created_at: now,
            expires_at: now + LIFETIME_MS,
        };
        let row = planned.row()?;
        let log: Vec<Line> = told.into_iter().map(Line::of_plugin).collect();
        let log = serde_json::to_string(&log).map_err(ApiError::internal)?;
        let mut tx = self.db.write().await?;
        plans::insert(&mut *tx, &row, &log).await?;
        tx.commit().await?;
        Ok(planned)
    }

    /// The plan with this id, which must be for this operation and table and not expired.
    pub(crate) async fn kept_plan(&self, id: &str, operation: &str, table: &TableId) -> Result<Planned, ApiError> {
        let row = plans::get(self.db.read(), id).await?.ok_or_else(|| {
            ApiError::not_found("plan-not-found", format!("there is no plan `{id}`; ask for one with dry_run"))
        })?;
        let planned = Planned::of(row)?;
        if planned.operation != operation || planned.table != *table {
            return Err(ApiError::unprocessable(vec![FieldError::new(
                "/plan",
                format!(
                    "this plan is for `{}` on `{}`; plan this operation on this table with dry_run",
                    planned.operation,
                    full_name(&planned.table)
                ),
            )]));
        }
        if planned.expires_at < crate::db::now().timestamp_millis() {
            return Err(stale(&planned, "it expired"));
        }
        Ok(planned)
    }
}

impl Planned {
    /// As the API shows it.
    pub(crate) fn view(&self) -> PlanView {
        PlanView {
            id: self.id.clone(),
            operation: self.operation.clone(),
            table: full_name(&self.table),
            catalog: self.table.catalog.clone(),
            arguments: self.arguments.clone(),
            plugin: self.plugin.clone(),
            plan: self.plan.clone(),
            metadata_location: self.metadata_location.clone(),
            created_at: rfc3339(self.created_at),
            expires_at: rfc3339(self.expires_at),
        }
    }

    /// Refused with 409 `plan-stale` where the table has moved in a way that the plan can't bear.
    pub(crate) fn must_hold(&self, location: &str, now: &Metadata) -> Result<(), ApiError> {
        if self.metadata_location == location {
            return Ok(());
        }
        if self.table_uuid != now.table_uuid {
            return Err(stale(self, "the table was dropped and another made under its name"));
        }
        match self.plan.steps.iter().find_map(|step| self.broken(step, now)) {
            None => Ok(()),
            Some(reason) => Err(stale(self, reason)),
        }
    }

    /// Why a step of this plan does not hold on the table as it is now.
    fn broken(&self, step: &Step, now: &Metadata) -> Option<&'static str> {
        let same_schema = now.current_schema_id == self.schema_id;
        match step {
            Step::RewriteDataFiles { .. } | Step::RewritePositionDeletes { .. } | Step::RewriteManifests => {
                (!self.only_appended(now)).then_some("rows or files were changed since, not only appended")
            }
            Step::ExpireSnapshots { snapshot_ids } => {
                let kept = now.refs.iter().any(|r| snapshot_ids.contains(&r.snapshot));
                let gone = snapshot_ids.iter().any(|id| now.snapshot(*id).is_none());
                if kept {
                    Some("a branch or tag keeps one of its snapshots now")
                } else {
                    gone.then_some("some of its snapshots are gone already")
                }
            }
            Step::AddColumn { .. } | Step::RenameColumn { .. } | Step::DropColumn { .. } => {
                (!same_schema).then_some("the schema was changed since")
            }
            Step::Rollback { snapshot_id } => {
                let moved = now.current_snapshot_id != self.snapshot_id;
                let gone = !now.ancestors().contains(snapshot_id);
                (moved || gone).then_some("there are newer commits, which it would undo too")
            }
            Step::SetProperties { .. } | Step::RemoveOrphanFiles { .. } => None,
        }
    }

    /// Whether every commit since the plan only appended files.
    fn only_appended(&self, now: &Metadata) -> bool {
        let since: Vec<i64> = now.ancestors().into_iter().take_while(|id| Some(*id) != self.snapshot_id).collect();
        let reached = match self.snapshot_id {
            Some(id) => now.ancestors().contains(&id),
            None => true,
        };
        reached && since.iter().filter_map(|id| now.snapshot(*id)).all(|s| s.operation == "append")
    }

    fn row(&self) -> Result<plans::Plan, ApiError> {
        Ok(plans::Plan {
            id: self.id.clone(),
            operation: self.operation.clone(),
            catalog: self.table.catalog.clone(),
            namespace: namespace_key(&self.table.namespace),
            name: self.table.name.clone(),
            arguments: self.arguments.to_string(),
            plugin_id: self.plugin.id.clone(),
            plugin_version: self.plugin.version.clone(),
            plugin_digest: self.plugin.digest.clone(),
            body: serde_json::to_string(&self.plan).map_err(ApiError::internal)?,
            metadata_location: self.metadata_location.clone(),
            snapshot_id: self.snapshot_id,
            schema_id: i64::from(self.schema_id),
            table_uuid: self.table_uuid.clone(),
            actor: self.actor.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
        })
    }

    /// A plan as the database keeps it.
    pub(crate) fn of(row: plans::Plan) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id,
            operation: row.operation,
            table: TableId { catalog: row.catalog, namespace: namespace_of(&row.namespace), name: row.name },
            arguments: serde_json::from_str(&row.arguments).map_err(ApiError::internal)?,
            plugin: PluginRef { id: row.plugin_id, version: row.plugin_version, digest: row.plugin_digest },
            plan: serde_json::from_str(&row.body).map_err(ApiError::internal)?,
            metadata_location: row.metadata_location,
            snapshot_id: row.snapshot_id,
            schema_id: i32::try_from(row.schema_id).map_err(ApiError::internal)?,
            table_uuid: row.table_uuid,
            actor: row.actor,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

/// Refuses a plan with a step that commits without Spark, and takes back that it can be undone, which is such a commit too.
fn hold_to_spark(plan: &mut OperationPlan, version: u8) -> Result<(), ApiError> {
    let commits =
        |step: &Step| !matches!(step, Step::RemoveOrphanFiles { .. }) && !Action::Step(step.clone()).call().spark;
    if plan.steps.iter().any(commits) {
        let words = format!(
            "has format version {version}, and only the metadata of versions 1 and {MOST_WRITABLE} can be changed without \
             Spark; rewrites work, change the rest by Spark SQL"
        );
        return Err(ApiError::unprocessable(vec![FieldError::new("/table", words)]));
    }
    if plan.reversibility != Reversibility::None {
        plan.reversibility = Reversibility::None;
        plan.warnings.push(format!("A table of format version {version} can't be set back from here; Spark SQL can."));
    }
    Ok(())
}

/// What a job did and the milliseconds that it took, from its result.
fn measured(result: &str) -> Option<(Effect, u64)> {
    let effect: Effect = serde_json::from_str(result).ok()?;
    let duration = effect.duration?;
    Some((effect, duration))
}

fn stale(planned: &Planned, reason: &str) -> ApiError {
    ApiError::conflict(
        "plan-stale",
        format!(
            "plan {} does not hold any more: {reason}; plan it again with dry_run and look at what changed",
            planned.id
        ),
    )
}

/// A plugin's refusal as an answer of the API.
pub(crate) fn refused(error: CallError) -> ApiError {
    let words = error.to_string();
    match error.failure {
        Failure::Invalid(errors) => {
            ApiError::unprocessable(errors.into_iter().map(|e| FieldError::new(e.pointer, e.detail)).collect())
        }
        Failure::NotFound(detail) => ApiError::not_found("not-found", detail),
        Failure::Denied(detail) => ApiError::conflict("refused", detail),
        Failure::Overloaded(_) => ApiError::unavailable("overloaded", words, std::time::Duration::from_secs(2)),
        Failure::Quarantined(_) => {
            ApiError::unavailable("plugin-quarantined", words, std::time::Duration::from_secs(10))
        }
        Failure::TimedOut(_) => ApiError::timed_out("plugin-timed-out", words),
        _ => ApiError::bad_gateway("plugin-failed", words),
    }
}
