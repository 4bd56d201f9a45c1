//! Operation: expires snapshots as the table's retention says, or as the caller does, with the bytes that it frees told
//! before.

mod choose;

use drls_plugin::facts::{Exclusive, Totals};
use drls_plugin::steps::{Effect, ExpireSnapshots, Reversibility, Step};
use drls_plugin::{
    About, Error, NoConfig, Plan, Properties, Table, TableOperation, Throughput, export_operation, human, time,
};

use choose::{Arguments, Choice, Facts, choose};

struct Expire;

impl TableOperation for Expire {
    const ABOUT: About = About {
        id: "expire",
        title: "Expire snapshots",
        summary: "Removes old snapshots and every file that only they reach. What a branch or tag keeps stays.",
        icon: "history",
    };
    type Arguments = Arguments;
    type Config = NoConfig;

    fn arguments_schema() -> String {
        include_str!("../arguments-schema.json").into()
    }

    fn plan(table: &Table, arguments: Arguments, _: NoConfig, _: Throughput) -> Result<Plan, Error> {
        let facts = Facts {
            snapshots: table.snapshots(),
            refs: table.refs(),
            properties: Properties::from_iter(table.properties()),
            now: table.as_of(),
        };
        let choice = choose(&facts, &arguments)?;
        if choice.ids.is_empty() {
            return Ok(nothing(table.totals(), choice));
        }
        let freed = table.exclusive_to(&choice.ids);
        Ok(promise(table.totals(), choice, freed))
    }
}

export_operation!(Expire);

fn nothing(totals: Totals, choice: Choice) -> Plan {
    let mut plan = Plan::nothing(Effect::unchanged(totals), "There is no snapshot to expire.");
    plan.warnings.extend(choice.warnings);
    plan
}

fn promise(totals: Totals, choice: Choice, freed: Exclusive) -> Plan {
    let mut effect = Effect::unchanged(totals);
    effect.snapshots_removed = Some(choice.ids.len() as u64);
    effect.bytes_freed = Some(freed.bytes);
    let files = freed.data_files + freed.delete_files + freed.manifests + freed.manifest_lists + freed.statistics_files;
    let step = Step::ExpireSnapshots(ExpireSnapshots { snapshot_ids: choice.ids });
    let mut plan = Plan::new(vec![step], effect, Reversibility::None)
        .warn(format!(
            "Deletes {} with {} for ever: {} and {} beside metadata.",
            human::count(files, "file"),
            human::bytes(freed.bytes),
            human::count(freed.data_files, "data file"),
            human::count(freed.delete_files, "delete file"),
        ))
        .warn(match choice.oldest_kept {
            Some(at) => format!(
                "Rollback reaches back to {} afterwards; readers of the expired snapshots, such as running streams, fail.",
                time::format(at)
            ),
            None => "Time travel to the expired snapshots ends.".into(),
        });
    plan.warnings.extend(choice.warnings);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use drls_plugin::steps::Change;

    #[test]
    fn promises_what_only_the_expired_snapshots_reach() {
        let totals = Totals {
            records: 1,
            data_files: 7,
            data_bytes: 1,
            delete_files: 0,
            position_deletes: 0,
            equality_deletes: 0,
            manifests: None,
        };
        let choice = Choice { ids: vec![1, 2], oldest_kept: Some(1_795_435_200_000), warnings: vec![] };
        let freed = Exclusive {
            data_files: 3,
            delete_files: 1,
            manifests: 2,
            manifest_lists: 2,
            statistics_files: 0,
            bytes: 4_096,
        };
        let plan = promise(totals, choice, freed);
        assert_eq!((plan.effect.snapshots_removed, plan.effect.bytes_freed), (Some(2), Some(4_096)));
        assert_eq!(plan.effect.data_files, Some(Change::none(7)));
        assert_eq!(plan.reversibility, Reversibility::None);
        assert_eq!(
            plan.warnings[0],
            "Deletes 8 files with 4 KiB for ever: 3 data files and 1 delete file beside metadata."
        );
        assert!(plan.warnings[1].contains("2026-11-23T12:00:00Z"), "{:?}", plan.warnings);
    }
}
