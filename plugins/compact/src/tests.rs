//! What a rewrite is predicted to do, against Iceberg's rules worked out by hand.

use drls_plugin::facts::DataFile;
use drls_plugin::steps::Step;
use drls_plugin::{Error, Plan, Throughput};

use crate::arguments::{Arguments, Strategy};
use crate::outcome::{Facts, plan};
use crate::sample::{MIB, cell, facts, file};

fn planned(facts: &Facts, strategy: Strategy, order: &str, options: &[(&str, &str)]) -> Plan {
    let options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    plan(facts, &Arguments { strategy, order: order.into(), options, ..Arguments::default() }, Throughput(MIB)).unwrap()
}

fn binpack(facts: &Facts, options: &[(&str, &str)]) -> Plan {
    planned(facts, Strategy::Binpack, "", options)
}

fn option(plan: &Plan, name: &str) -> Option<String> {
    let [Step::RewriteDataFiles(step)] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    step.options.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone())
}

#[test]
fn joins_small_files_of_each_partition() {
    let facts = facts(vec![cell("region=a", 1, vec![file(MIB); 30]), cell("region=b", 1, vec![file(MIB); 12])]);
    let plan = binpack(&facts, &[]);
    assert_eq!((plan.effect.files_before, plan.effect.files_after), (42, 2));
    assert_eq!((plan.effect.bytes_read, plan.effect.duration), (42 * MIB, Some(42_000)));
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
    assert_eq!(binpack(&facts, &[("min-input-files", "4")]).effect.files_after, 10);
}

#[test]
fn two_files_with_more_than_the_target_are_enough() {
    let facts = facts(vec![cell("region=a", 1, vec![file(300 * MIB); 2])]);
    assert_eq!(
        binpack(&facts, &[]).effect.files_after,
        2,
        "600 MiB in row groups of 128 MiB make two splits of 512 MiB"
    );
}

#[test]
fn splits_a_file_over_the_maximum_at_row_groups() {
    let facts = facts(vec![cell("region=a", 1, vec![file(1_024 * MIB)])]);
    assert_eq!(binpack(&facts, &[]).effect.files_after, 2);
}

#[test]
fn files_that_do_not_divide_evenly_leave_a_last_one() {
    // 2 MiB files, target 16: 17 files are 34 MiB; Iceberg expects two of 17 MiB, splits hold eight files each, one is left.
    let facts = facts(vec![cell("region=a", 1, vec![file(2 * MIB); 17])]);
    let target = (16 * MIB).to_string();
    let options = [("target-file-size-bytes", target.as_str())];
    assert_eq!(binpack(&facts, &options).effect.files_after, 3);
    assert_eq!(
        planned(&facts, Strategy::Sort, "id", &options).effect.files_after,
        2,
        "a sort writes as many as expected"
    );
}

#[test]
fn cuts_groups_at_their_largest_size() {
    let facts = facts(vec![cell("region=a", 1, vec![file(MIB); 30])]);
    let limit = (10 * MIB).to_string();
    assert_eq!(binpack(&facts, &[("max-file-group-size-bytes", &limit)]).effect.files_after, 3);
    assert_eq!(binpack(&facts, &[("max-file-group-input-files", "6")]).effect.files_after, 5);
    assert_eq!(binpack(&facts, &[("max-files-to-rewrite", "10")]).effect.files_after, 21);
}

#[test]
fn pools_files_of_an_old_spec_and_says_that_it_is_an_estimate() {
    let facts = facts(vec![
        cell("region=a", 1, vec![file(MIB); 3]),
        cell("old=1", 0, vec![file(MIB); 3]),
        cell("old=2", 0, vec![file(MIB); 3]),
    ]);
    let plan = binpack(&facts, &[]);
    assert_eq!(plan.effect.files_after, 4, "three of the current spec stay, six of the old one become one");
    assert!(plan.warnings.iter().any(|w| w.contains("another partition spec")), "{:?}", plan.warnings);
}

fn with_deletes(count: u32, deleted: u64) -> DataFile {
    DataFile { delete_files: count, deleted_records: deleted, ..file(500 * MIB) }
}

#[test]
fn rewrites_a_well_sized_file_where_a_third_is_deleted() {
    let facts = facts(vec![cell("region=a", 1, vec![with_deletes(1, 300), with_deletes(1, 299)])]);
    let plan = binpack(&facts, &[]);
    assert_eq!((plan.effect.bytes_read, plan.effect.files_after), (500 * MIB, 2));
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
    assert_eq!((plan.effect.delete_files_before, plan.effect.delete_files_after), (6, 3));
    assert_eq!(option(&plan, "remove-dangling-deletes").as_deref(), Some("true"));
    facts.format_version = 3;
    let vectors = binpack(&facts, &[("delete-file-threshold", "1")]);
    assert_eq!(vectors.effect.delete_files_after, 3, "three deletion vectors go with their data files");
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
    assert_eq!(plan.effect.delete_files_after, 0);
}

#[test]
fn drops_position_deletes_that_mark_no_data_file_any_more() {
    let mut facts = facts(vec![cell("region=a", 1, vec![file(500 * MIB)])]);
    facts.cells[0].delete_files = 2;
    (facts.totals.delete_files, facts.totals.position_deletes) = (2, 40);
    let plan = binpack(&facts, &[]);
    assert!(matches!(plan.steps.as_slice(), [Step::RewritePositionDeletes(_)]), "{:?}", plan.steps);
    assert_eq!((plan.effect.delete_files_after, plan.effect.files_after), (0, 1));
}

#[test]
fn a_file_whose_rows_are_all_deleted_leaves_nothing() {
    let facts = facts(vec![cell("region=a", 1, vec![with_deletes(1, 1_000)])]);
    assert_eq!(binpack(&facts, &[]).effect.files_after, 0);
}

#[test]
fn a_filter_on_a_partition_column_is_predicted_exactly_and_another_is_not() {
    let facts = facts(vec![cell("region=a", 1, vec![file(MIB); 30]), cell("region=b", 1, vec![file(MIB); 12])]);
    let filtered = |filter: &str| {
        plan(&facts, &Arguments { filter: filter.into(), ..Arguments::default() }, Throughput(0)).unwrap()
    };
    let one = filtered("region = 'b'");
    assert_eq!((one.effect.files_after, one.effect.duration, one.warnings.len()), (31, None, 1));
    let other = filtered("id > 5");
    assert_eq!(other.effect.files_after, 2);
    assert!(other.warnings[1].contains("whole table"), "{:?}", other.warnings);
    assert_eq!(filtered("region = 'c'").warnings, ["The filter chooses no partition."]);
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
    let Err(Error::Invalid(fields)) = plan(&facts(vec![]), &arguments, Throughput(0)) else { panic!() };
    let pointers: Vec<&str> = fields.iter().map(|f| f.pointer.as_str()).collect();
    assert_eq!(pointers, ["/options/rewrite-all", "/order", "/filter"]);
}
