//! What a rewrite is predicted to do, against Iceberg's rules worked out by hand.

use drls_plugin::facts::{DataFile, PartitionField, PartitionSpec, SortField};
use drls_plugin::steps::{Change, Step};
use drls_plugin::{Error, Plan, Throughput};

use crate::arguments::{Arguments, Strategy};
use crate::group::Cell;
use crate::outcome::{Facts, plan};
use crate::sample::{MIB, cell, facts, file};

fn planned(facts: &Facts, strategy: Strategy, order: &str, options: &[(&str, &str)]) -> Plan {
    let options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    plan(facts, &Arguments { strategy, order: order.into(), options, ..Arguments::default() }, Throughput(Some(MIB)))
        .unwrap()
}

fn binpack(facts: &Facts, options: &[(&str, &str)]) -> Plan {
    planned(facts, Strategy::Binpack, "", options)
}

fn files_after(plan: &Plan) -> u64 {
    plan.effect.data_files.unwrap().after
}

fn deletes_after(plan: &Plan) -> u64 {
    plan.effect.delete_files.unwrap().after
}

fn option(plan: &Plan, name: &str) -> Option<String> {
    let [Step::RewriteDataFiles(step)] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    step.options.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone())
}

#[test]
fn joins_small_files_of_each_partition() {
    let facts = facts(vec![cell("region=a", 1, vec![file(MIB); 30]), cell("region=b", 1, vec![file(MIB); 12])]);
    let plan = binpack(&facts, &[]);
    assert_eq!(plan.effect.data_files, Some(Change::new(42, 2)));
    assert_eq!((plan.effect.bytes_read, plan.effect.duration), (Some(42 * MIB), Some(42_000)));
    assert_eq!(option(&plan, "partial-progress.max-commits").as_deref(), Some("2"));
    assert_eq!(option(&plan, "max-concurrent-file-group-rewrites").as_deref(), Some("1"));
    assert_eq!(option(&plan, "target-file-size-bytes"), Some((512 * MIB).to_string()));
    assert_eq!((option(&plan, "rewrite-all"), option(&plan, "remove-dangling-deletes")), (None, None));
}

#[test]
fn leaves_partitions_of_fewer_than_five_files_and_files_of_good_size() {
    let facts = facts(vec![cell("region=a", 1, vec![file(MIB); 4]), cell("region=b", 1, vec![file(500 * MIB); 9])]);
    let plan = binpack(&facts, &[]);
    assert_eq!(plan.steps, []);
    assert!(plan.warnings[0].contains("nothing to rewrite"), "{:?}", plan.warnings);
    assert_eq!(files_after(&binpack(&facts, &[("min-input-files", "4")])), 10);
}

#[test]
fn two_files_with_more_than_the_target_are_enough() {
    let facts = facts(vec![cell("region=a", 1, vec![file(300 * MIB); 2])]);
    assert_eq!(files_after(&binpack(&facts, &[])), 2, "600 MiB in row groups of 128 MiB make two splits of 512 MiB");
}

#[test]
fn splits_a_file_over_the_maximum_at_row_groups() {
    let facts = facts(vec![cell("region=a", 1, vec![file(1_024 * MIB)])]);
    assert_eq!(files_after(&binpack(&facts, &[])), 2);
}

#[test]
fn files_that_do_not_divide_evenly_leave_a_last_one() {
    // 2 MiB files, target 16: 17 files are 34 MiB; Iceberg expects two of 17 MiB, splits hold eight files each, one is left.
    let facts = facts(vec![cell("region=a", 1, vec![file(2 * MIB); 17])]);
    let target = (16 * MIB).to_string();
    let options = [("target-file-size-bytes", target.as_str())];
    assert_eq!(files_after(&binpack(&facts, &options)), 3);
    assert_eq!(files_after(&planned(&facts, Strategy::Sort, "id", &options)), 2, "a sort writes as many as expected");
}

#[test]
fn cuts_groups_at_their_largest_size() {
    let facts = facts(vec![cell("region=a", 1, vec![file(MIB); 30])]);
    let limit = (10 * MIB).to_string();
    assert_eq!(files_after(&binpack(&facts, &[("max-file-group-size-bytes", &limit)])), 3);
    assert_eq!(files_after(&binpack(&facts, &[("max-file-group-input-files", "6")])), 5);
    assert_eq!(files_after(&binpack(&facts, &[("max-files-to-rewrite", "10")])), 21);
}

#[test]
fn pools_files_of_an_old_spec_and_says_that_it_is_an_estimate() {
    let facts = facts(vec![
        cell("region=a", 1, vec![file(MIB); 3]),
        cell("old=1", 0, vec![file(MIB); 3]),
        cell("old=2", 0, vec![file(MIB); 3]),
    ]);
    let plan = binpack(&facts, &[]);
    assert_eq!(files_after(&plan), 4, "three of the current spec stay, six of the old one become one");
    assert!(plan.warnings.iter().any(|w| w.contains("another partition spec")), "{:?}", plan.warnings);
}

/// A table by region and day whose files lie by region and hour, and by region alone before that.
fn by_the_hour(cells: Vec<Cell>) -> Facts {
    let mut facts = facts(cells);
    let time = |transform: &str, name: &str| PartitionField {
        source_id: 5,
        source: "place.city".into(),
        transform: transform.into(),
        name: name.into(),
    };
    let region = facts.specs[1].fields[0].clone();
    facts.specs = vec![
        PartitionSpec { id: 0, is_default: false, fields: vec![region.clone()] },
        PartitionSpec { id: 1, is_default: false, fields: vec![region.clone(), time("hour", "t_hour")] },
        PartitionSpec { id: 2, is_default: true, fields: vec![region, time("day", "t_day")] },
    ];
    facts
}

fn is_an_estimate(plan: &Plan) -> bool {
    plan.warnings.iter().any(|w| w.contains("is an estimate"))
}

#[test]
fn files_of_an_old_spec_become_one_for_each_partition_that_their_own_tell() {
    let facts = by_the_hour(vec![
        cell("region=eu/t_hour=2026-11-23-14", 1, vec![file(MIB); 2]),
        cell("region=eu/t_hour=2026-11-23-15", 1, vec![file(MIB); 2]),
        cell("region=eu/t_hour=2026-11-24-00", 1, vec![file(MIB); 2]),
        cell("region=us/t_hour=2026-11-24-00", 1, vec![file(MIB); 2]),
    ]);
    let plan = binpack(&facts, &[]);
    assert_eq!(files_after(&plan), 3, "eu on two days, us on one");
    assert!(!is_an_estimate(&plan), "{:?}", plan.warnings);
    assert_eq!(files_after(&planned(&facts, Strategy::Sort, "id", &[])), 3);
}

#[test]
fn where_rows_alone_tell_their_partition_the_number_is_an_estimate() {
    let mut facts = by_the_hour(vec![
        cell("region=eu", 0, vec![file(MIB); 4]),
        cell("region=eu/t_hour=2026-11-23-15", 1, vec![file(MIB); 4]),
    ]);
    let plan = binpack(&facts, &[]);
    assert_eq!(files_after(&plan), 2, "one at least of each");
    assert!(is_an_estimate(&plan), "{:?}", plan.warnings);
    facts.specs[2].fields[1].transform = "bucket[16]".into();
    assert_eq!(files_after(&binpack(&facts, &[])), 16, "as many as there are buckets in the one region");
}

#[test]
fn a_table_that_is_not_partitioned_any_more_pools_all_its_files() {
    let mut facts = facts(vec![cell("", 0, vec![file(MIB); 3]), cell("region=a", 1, vec![file(MIB); 3])]);
    (facts.specs[0].is_default, facts.specs[1].is_default) = (true, false);
    let plan = binpack(&facts, &[]);
    assert_eq!(files_after(&plan), 1);
    assert!(!is_an_estimate(&plan), "{:?}", plan.warnings);
    facts.sort_order = vec![SortField {
        source_id: 1,
        source: "id".into(),
        transform: "identity".into(),
        descending: false,
        nulls_first: true,
    }];
    assert!(is_an_estimate(&binpack(&facts, &[])), "rows of the old spec are moved by the sort order");
}

#[test]
fn the_order_of_files_makes_an_estimate_where_it_matters() {
    let target = (16 * MIB).to_string();
    let options = [("target-file-size-bytes", target.as_str())];
    let sizes = [9, 9, 7, 7, 4, 4, 5, 5, 3, 11, 2].map(|n| file(n * MIB));
    let mut facts = facts(vec![cell("region=a", 1, sizes.to_vec())]);
    assert!(is_an_estimate(&binpack(&facts, &options)));
    facts.cells = vec![cell("region=a", 1, vec![file(2 * MIB); 64])];
    assert!(!is_an_estimate(&binpack(&facts, &options)), "equal files fill equal splits in any order");
    facts.cells = vec![cell("region=a", 1, vec![file(2 * MIB); 7])];
    assert!(!is_an_estimate(&binpack(&facts, &options)), "one split takes them all");
}

#[test]
fn deletes_that_may_not_fit_beside_the_data_make_an_estimate() {
    let mut facts = facts(vec![cell("region=a", 1, vec![with_deletes(1, 0); 1])]);
    facts.cells[0].files = vec![DataFile { delete_files: 1, ..file(50 * MIB) }; 10];
    facts.totals.equality_deletes = 10;
    assert!(!is_an_estimate(&binpack(&facts, &[])));
    facts.totals.equality_deletes = 100_000;
    assert!(is_an_estimate(&binpack(&facts, &[])), "each of the ten files is read with up to 6 MiB of deletes");
}

#[test]
fn a_small_target_gets_room_for_what_is_not_compressed_yet() {
    let target = (16 * MIB).to_string();
    let small = [("target-file-size-bytes", target.as_str())];
    let mut facts = facts(vec![cell("region=a", 1, vec![file(MIB); 9])]);
    assert_eq!(option(&binpack(&facts, &[]), "max-file-size-bytes"), None, "half a GiB is room enough");
    let plan = binpack(&facts, &small);
    // 1.8 x 16 MiB, and so much that half-way from the target there is a row group more.
    assert_eq!(option(&plan, "max-file-size-bytes"), Some((30_198_988 + 256 * MIB).to_string()));
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    let own = [small[0], ("max-file-size-bytes", "20000000")];
    assert_eq!(option(&binpack(&facts, &own), "max-file-size-bytes").as_deref(), Some("20000000"));
    assert!(binpack(&facts, &own).warnings[1].contains("smaller and more"));
    let sorted = planned(&facts, Strategy::Sort, "id", &small);
    assert_eq!(option(&sorted, "max-file-size-bytes"), None, "nothing else bounds what a skewed key takes");
    assert!(sorted.warnings[1].contains("smaller and more"), "{:?}", sorted.warnings);
    facts.cells[0].files.push(file(40 * MIB));
    let plan = binpack(&facts, &small);
    assert_eq!(option(&plan, "max-file-size-bytes"), None, "that file would not be picked any more");
    assert!(plan.warnings.iter().any(|w| w.contains("smaller and more")), "{:?}", plan.warnings);
}

fn with_deletes(count: u32, deleted: u64) -> DataFile {
    DataFile { delete_files: count, deleted_records: deleted, ..file(500 * MIB) }
}

#[test]
fn rewrites_a_well_sized_file_where_a_third_is_deleted() {
    let facts = facts(vec![cell("region=a", 1, vec![with_deletes(1, 300), with_deletes(1, 299)])]);
    let plan = binpack(&facts, &[]);
    assert_eq!((plan.effect.bytes_read, files_after(&plan)), (Some(500 * MIB), 2));
}

#[test]
fn removes_delete_files_where_every_data_file_of_their_partition_is_rewritten() {
    let mut facts = facts(vec![
        cell("region=a", 1, vec![with_deletes(1, 10); 2]),
        cell("region=b", 1, vec![with_deletes(1, 10), file(500 * MIB)]),
    ]);
    for cell in &mut facts.cells {
        cell.delete_files = 3;
    }
    facts.totals.delete_files = 6;
    let plan = binpack(&facts, &[("delete-file-threshold", "1")]);
    assert_eq!(plan.effect.delete_files, Some(Change::new(6, 3)));
    assert_eq!(option(&plan, "remove-dangling-deletes").as_deref(), Some("true"));
    let kept = binpack(&facts, &[("delete-file-threshold", "1"), ("remove-dangling-deletes", "false")]);
    assert_eq!(deletes_after(&kept), 6, "they are asked to stay");
    facts.format_version = 3;
    let vectors = binpack(&facts, &[("delete-file-threshold", "1")]);
    assert_eq!(deletes_after(&vectors), 3, "three deletion vectors go with their data files");
}

#[test]
fn deletes_of_the_newest_snapshot_need_a_new_sequence_number() {
    let mut facts = facts(vec![cell("region=a", 1, vec![with_deletes(1, 400); 3])]);
    facts.cells[0].delete_files = 3;
    facts.totals.delete_files = 3;
    assert_eq!(option(&binpack(&facts, &[]), "use-starting-sequence-number"), None);
    facts.newest_deletes = true;
    let plan = binpack(&facts, &[]);
    assert_eq!(option(&plan, "use-starting-sequence-number").as_deref(), Some("false"));
    assert_eq!(deletes_after(&plan), 0);
}

#[test]
fn drops_position_deletes_that_mark_no_data_file_any_more() {
    let mut facts = facts(vec![cell("region=a", 1, vec![file(500 * MIB)])]);
    facts.cells[0].delete_files = 2;
    (facts.totals.delete_files, facts.totals.position_deletes) = (2, 40);
    let plan = binpack(&facts, &[]);
    assert!(matches!(plan.steps.as_slice(), [Step::RewritePositionDeletes(_)]), "{:?}", plan.steps);
    assert_eq!((deletes_after(&plan), files_after(&plan)), (0, 1));
}

#[test]
fn a_file_whose_rows_are_all_deleted_leaves_nothing() {
    let facts = facts(vec![cell("region=a", 1, vec![with_deletes(1, 1_000)])]);
    assert_eq!(files_after(&binpack(&facts, &[])), 0);
}

#[test]
fn a_filter_on_a_partition_column_is_predicted_exactly_and_another_is_not() {
    let facts = facts(vec![cell("region=a", 1, vec![file(MIB); 30]), cell("region=b", 1, vec![file(MIB); 12])]);
    let filtered = |filter: &str| {
        plan(&facts, &Arguments { filter: filter.into(), ..Arguments::default() }, Throughput(None)).unwrap()
    };
    let one = filtered("region = 'b'");
    assert_eq!((files_after(&one), one.effect.duration, one.warnings.len()), (31, None, 1));
    let other = filtered("id > 5");
    assert_eq!(files_after(&other), 2);
    assert!(other.warnings[1].contains("whole table"), "{:?}", other.warnings);
    assert_eq!(filtered("region = 'c'").warnings, ["The filter chooses no partition."]);
}

#[test]
fn a_rewrite_of_files_that_a_filter_chooses_fails_where_one_of_its_commits_does() {
    let facts = facts((0..30).map(|n| cell(&format!("region={n}"), 1, vec![file(MIB); 12])).collect());
    let commits = |filter: &str| {
        let arguments = Arguments { filter: filter.into(), ..Arguments::default() };
        let plan = plan(&facts, &arguments, Throughput(None)).unwrap();
        ["max-commits", "max-failed-commits"].map(|name| option(&plan, &format!("partial-progress.{name}")))
    };
    let told = |most: &str, failed: Option<&str>| [Some(most.to_owned()), failed.map(str::to_owned)];
    assert_eq!(commits(""), told("10", None));
    assert_eq!(commits("region IN ('1', '2')"), told("2", Some("0")));
    assert_eq!(commits("id > 5"), told("30", Some("0")), "as many as there can be: Spark chooses");
}

#[test]
fn an_empty_table_has_nothing_to_do() {
    assert_eq!(binpack(&facts(vec![]), &[]).warnings, ["The table has no data files."]);
}

#[test]
fn tells_every_mistake_at_once() {
    let arguments = Arguments {
        strategy: Strategy::Sort,
        order: "nope".into(),
        filter: "regio = 'a'".into(),
        options: [("rewrite-all".to_owned(), "true".to_owned())].into(),
    };
    let Err(Error::Invalid(fields)) = plan(&facts(vec![]), &arguments, Throughput(None)) else { panic!() };
    let pointers: Vec<&str> = fields.iter().map(|f| f.pointer.as_str()).collect();
    assert_eq!(pointers, ["/options/rewrite-all", "/order", "/filter"]);
}
