//! What plugins answer, as plain data that the server keeps, serves and runs: findings of a rule, the plan of an
//! operation. The wire names are those of the HTTP contract.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth repairing.
    Warning,
    /// Repair soon.
    Critical,
}

/// A measured figure beside the limit that it crossed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Measure {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// "bytes", "files", "ratio", "ms", ...
    pub unit: String,
    /// The limit, where there is one.
    pub threshold: Option<f64>,
}

/// An operation with its arguments filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Remedy {
    /// Id of the operation.
    pub operation: String,
    /// Its arguments, a JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Value>))]
    pub arguments: Value,
}

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// Stable kebab-case name, unique in the rule.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// One sentence with the figures in it.
    pub title: String,
    /// Points taken off 100.
    pub penalty: u8,
    /// The figures.
    pub evidence: Vec<Measure>,
    /// What would help.
    pub remedy: Option<Remedy>,
}

/// How data files are rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Join small files and split large ones.
    Binpack,
    /// Sort the rows.
    Sort,
    /// Interleave the bits of several columns.
    Zorder,
}

/// One typed step of a plan. `kind` on the wire is the WIT case name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    /// Iceberg's `rewrite_data_files` on Spark.
    RewriteDataFiles {
        /// How.
        strategy: Strategy,
        /// Sort order or z-order columns as SQL; empty for binpack.
        order: String,
        /// SQL predicate that chooses the files; empty for all.
        filter: String,
        /// Options of the procedure.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<String>>))]
        options: Vec<(String, String)>,
    },
    /// Iceberg's `rewrite_position_delete_files` on Spark.
    RewritePositionDeletes {
        /// Options of the procedure.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<String>>))]
        options: Vec<(String, String)>,
    },
    /// Iceberg's `rewrite_manifests` on Spark.
    RewriteManifests,
    /// Removes snapshots and every file that only they reach.
    ExpireSnapshots {
        /// Ids; strings on the wire, since JavaScript rounds 64-bit numbers.
        #[serde(with = "ids")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        snapshot_ids: Vec<i64>,
    },
    /// Deletes files that nothing names.
    RemoveOrphanFiles {
        /// Last modified before, ms since the epoch.
        older_than: i64,
    },
    /// Adds a column.
    AddColumn {
        /// Dotted path of the new column.
        path: String,
        /// Iceberg type.
        data_type: String,
        /// Comment.
        doc: Option<String>,
        /// Sibling that it follows.
        after: Option<String>,
    },
    /// Renames a column.
    RenameColumn {
        /// Dotted path.
        path: String,
        /// New last part of the path.
        name: String,
    },
    /// Drops a column.
    DropColumn {
        /// Dotted path.
        path: String,
    },
    /// Sets table properties.
    SetProperties {
        /// Key and value.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<String>>))]
        properties: Vec<(String, String)>,
    },
    /// Sets the main branch back to an ancestor.
    Rollback {
        /// Snapshot id, a string on the wire.
        #[serde(with = "id")]
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        snapshot_id: i64,
    },
}

/// What a plan promises, or what a job did. What is absent was not promised, or nobody counted it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Effect {
    /// Live data files before.
    pub files_before: Option<u64>,
    /// Live data files after.
    pub files_after: Option<u64>,
    /// Live delete files before.
    pub delete_files_before: Option<u64>,
    /// Live delete files after.
    pub delete_files_after: Option<u64>,
    /// Manifests of the current snapshot before.
    pub manifests_before: Option<u64>,
    /// Manifests of the current snapshot after.
    pub manifests_after: Option<u64>,
    /// Snapshots removed from the metadata.
    pub snapshots_removed: Option<u64>,
    /// Bytes read to rewrite.
    pub bytes_read: Option<u64>,
    /// Bytes that storage holds less afterwards.
    pub bytes_freed: Option<u64>,
    /// Milliseconds.
    pub duration: Option<u64>,
}

/// How an operation can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reversibility {
    /// By rolling back while the snapshot before it is kept.
    Rollback,
    /// By the opposite change.
    Inverse,
    /// Not at all.
    None,
}

/// The plan of a table operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationPlan {
    /// Steps in order; none where there is nothing to do.
    pub steps: Vec<Step>,
    /// What the plan promises.
    pub effect: Effect,
    /// How it can be undone.
    pub reversibility: Reversibility,
    /// What a person should know before the click.
    pub warnings: Vec<String>,
}

mod id {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(id: &i64, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

mod ids {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(ids: &[i64], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(ids.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<i64>, D::Error> {
        Vec::<String>::deserialize(d)?.iter().map(|id| id.parse().map_err(D::Error::custom)).collect()
    }
}
