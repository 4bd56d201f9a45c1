//! What a rewrite makes of the manifests.
//!
//! Source: apache/iceberg 1.12 `RewriteManifestsSparkAction`: data and delete manifests of the default spec apart, each
//! into `ceil(bytes / commit.manifest.target-size-bytes)`; a kind with a single manifest of at most the target is left.

use drls_plugin::facts::{Manifest, Totals};
use drls_plugin::steps::{Change, Effect, Reversibility, Step};
use drls_plugin::{Plan, Properties, Throughput, human};

/// Manifests of one kind: how many, how large together, how many after.
struct Kind {
    count: u64,
    bytes: u64,
    after: u64,
}

impl Kind {
    fn of(manifests: &[Manifest], spec: i32, deletes: bool, target: u64) -> Self {
        let these = manifests.iter().filter(|m| m.spec_id == spec && m.deletes == deletes);
        let (count, bytes, files) = these.fold((0, 0, 0), |(n, b, f), m| (n + 1, b + m.bytes, f + m.files));
        // A manifest needs an entry, so manifests without live files leave nothing, and few files few manifests.
        let after = bytes.div_ceil(target).min(files);
        Self { count, bytes, after }
    }

    fn is_left(&self) -> bool {
        self.count <= 1 && self.after == self.count
    }
}

/// A rewrite that would not lower the number of manifests is not planned, though Iceberg would run it.
pub(crate) fn plan(
    totals: Totals,
    manifests: &[Manifest],
    spec: i32,
    properties: &Properties,
    throughput: Throughput,
) -> Plan {
    let target = properties.number("commit.manifest.target-size-bytes", 8 << 20).max(1);
    let kinds = [false, true].map(|deletes| Kind::of(manifests, spec, deletes, target));
    let rewritten = || kinds.iter().filter(|k| !k.is_left());
    let before: u64 = rewritten().map(|k| k.count).sum();
    let after: u64 = rewritten().map(|k| k.after).sum();
    let count = manifests.len() as u64;
    let mut effect = Effect::unchanged(totals);
    effect.manifests = Some(Change::none(count));
    if after >= before {
        let why = format!(
            "{} of the default partition spec: a rewrite to {} would not leave fewer.",
            human::count(kinds.iter().map(|k| k.count).sum(), "manifest"),
            human::bytes(target),
        );
        return Plan::nothing(effect, why);
    }
    let bytes = rewritten().map(|k| k.bytes).sum();
    effect.manifests = Some(Change::new(count, count - before + after));
    (effect.bytes_read, effect.duration) = (Some(bytes), throughput.duration(bytes));
    let plan = Plan::new(vec![Step::RewriteManifests], effect, Reversibility::Rollback);
    let others = manifests.iter().filter(|m| m.spec_id != spec).count() as u64;
    if others == 0 {
        return plan;
    }
    let stay = human::count(others, "manifest");
    plan.warn(format!("{stay} of older partition specs stay: Iceberg rewrites those of the default spec only."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTALS: Totals = Totals {
        records: 0,
        data_files: 396,
        data_bytes: 0,
        delete_files: 0,
        position_deletes: 0,
        equality_deletes: 0,
        manifests: None,
    };

    fn manifest(bytes: u64, spec_id: i32, deletes: bool) -> Manifest {
        Manifest { bytes, spec_id, deletes, files: 6 }
    }

    fn planned(manifests: &[Manifest]) -> Plan {
        plan(TOTALS, manifests, 0, &Properties::default(), Throughput(None))
    }

    #[test]
    fn joins_small_manifests_data_and_deletes_apart() {
        let manifests = [vec![manifest(7_000, 0, false); 60], vec![manifest(7_000, 0, true); 5]].concat();
        let plan = planned(&manifests);
        assert_eq!(plan.effect.manifests, Some(Change::new(65, 2)));
        assert_eq!((plan.effect.bytes_read, plan.effect.data_files), (Some(455_000), Some(Change::none(396))));
    }

    #[test]
    fn leaves_those_of_an_older_spec_and_says_so() {
        let manifests = [vec![manifest(7_000, 0, false); 10], vec![manifest(7_000, 1, false); 5]].concat();
        let plan = planned(&manifests);
        assert_eq!(plan.effect.manifests, Some(Change::new(15, 6)));
        assert!(plan.warnings[0].starts_with("5 manifests of older partition specs stay"), "{:?}", plan.warnings);
    }

    #[test]
    fn has_nothing_to_do_for_none_one_or_full_ones() {
        for manifests in [vec![], vec![manifest(7_000, 0, false)], vec![manifest(8 << 20, 0, false); 20]] {
            let plan = planned(&manifests);
            assert_eq!((plan.steps.len(), plan.effect.manifests), (0, Some(Change::none(manifests.len() as u64))));
        }
    }

    #[test]
    fn follows_the_tables_target() {
        let small = Properties::from_iter([("commit.manifest.target-size-bytes".to_owned(), "70000".to_owned())]);
        let plan = plan(TOTALS, &vec![manifest(7_000, 0, false); 60], 0, &small, Throughput(None));
        assert_eq!(plan.effect.manifests, Some(Change::new(60, 6)));
    }
}
