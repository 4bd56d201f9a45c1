//! Tells of tables that keep more snapshots than they should.

use drls_plugin::{About, Error, Finding, HealthRule, Severity, Table, export_rule, human};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most points that this rule takes off 100.
const WEIGHT: u8 = 20;

/// What the operator may change: the console draws a form from this type, its doc comments and its defaults.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Snapshots that a table may keep.
    #[schemars(range(min = 1))]
    most: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { most: 100 }
    }
}

struct {{type}};

impl HealthRule for {{type}} {
    const ABOUT: About = About {
        id: "{{name}}",
        title: "{{title}}",
        summary: "Tells of tables that keep more snapshots than they should.",
        icon: "history",
    };
    type Config = Config;

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        Ok(judge(table.snapshots().len(), &config)
            .into_iter()
            .collect())
    }
}

/// One finding where there are too many: 5 points and one more for each further share of a tenth.
fn judge(snapshots: usize, config: &Config) -> Option<Finding> {
    let most = config.most as usize;
    if snapshots <= most {
        return None;
    }
    let tenths = (snapshots - most) * 10 / most;
    let penalty = u8::try_from(5 + tenths).unwrap_or(WEIGHT).min(WEIGHT);
    let title = format!(
        "The table keeps {}, {most} would do.",
        human::count(snapshots as u64, "snapshot")
    );
    Some(
        Finding::new(
            "many-snapshots",
            Severity::of(penalty, WEIGHT),
            title,
            penalty,
        )
        .measure(
            "snapshots",
            snapshots as f64,
            "snapshots",
            Some(f64::from(config.most)),
        )
        .remedy("expire", &json!({ "retain_last": config.most })),
    )
}

export_rule!({{type}});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_at_the_limit_is_healthy() {
        assert!(judge(100, &Config::default()).is_none());
    }

    #[test]
    fn the_penalty_grows_up_to_the_weight() {
        let penalty = |snapshots| judge(snapshots, &Config::default()).map(|f| f.penalty);
        assert_eq!(
            (penalty(101), penalty(150), penalty(10_000)),
            (Some(5), Some(10), Some(WEIGHT))
        );
    }
}
