//! What a caller may say.

use std::collections::BTreeMap;

use drls_plugin::steps;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How and what to rewrite; everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Compact")]
pub(crate) struct Arguments {
    /// binpack joins and splits files as they are; sort orders the rows of each file group; zorder interleaves several
    /// columns.
    #[schemars(title = "Strategy")]
    pub(crate) strategy: Strategy,
    /// For sort "id DESC NULLS LAST, name", or nothing for the table's own sort order; for zorder "a, b".
    #[schemars(title = "Order")]
    pub(crate) order: String,
    /// SQL predicate that chooses the files, such as "region = 'eu'"; nothing is the whole table.
    #[schemars(title = "Filter")]
    pub(crate) filter: String,
    /// Options of Iceberg's rewrite_data_files procedure, by name. rewrite-all is not among them.
    #[schemars(title = "Options")]
    pub(crate) options: BTreeMap<String, String>,
}

/// How rows are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Strategy {
    #[default]
    Binpack,
    Sort,
    Zorder,
}

impl From<Strategy> for steps::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Binpack => Self::Binpack,
            Strategy::Sort => Self::Sort,
            Strategy::Zorder => Self::Zorder,
        }
    }
}
