//! The plan: what is refused, what is promised, and what is sent to Spark.

use std::collections::{BTreeMap, BTreeSet};

use drls_plugin::columns::Columns;
use drls_plugin::facts::{Field, PartitionSpec, SortField, Totals};
use drls_plugin::steps::{Change, Effect, Reversibility, RewriteDataFiles, Step};
use drls_plugin::{Error, Plan, Problems, Properties, Throughput, human};

use crate::arguments::Arguments;
use crate::deletes;
use crate::filter::Filter;
use crate::forecast::{self, Doubt};
use crate::group::{self, Cell, Group};
use crate::options::{self, Sizing};
use crate::order;

/// What the plan is made from.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) format_version: u8,
    pub(crate) properties: Properties,
    pub(crate) fields: Vec<Field>,
    pub(crate) specs: Vec<PartitionSpec>,
    pub(crate) sort_order: Vec<SortField>,
    pub(crate) totals: Totals,
    /// True where the current snapshot may have added deletes.
    pub(crate) newest_deletes: bool,
    pub(crate) cells: Vec<Cell>,
}

impl Facts {
    pub(crate) fn default_spec(&self) -> Option<&PartitionSpec> {
        self.specs.iter().find(|s| s.is_default)
    }
}

pub(crate) fn plan(facts: &Facts, arguments: &Arguments, throughput: Throughput) -> Result<Plan, Error> {
    let mut problems = Problems::default();
    let Arguments { strategy, order, options, .. } = arguments;
    options::check(options, *strategy, &facts.properties, &facts.specs, &mut problems);
    order::check(*strategy, order, &facts.fields, &facts.sort_order, facts.default_spec(), &mut problems);
    let filter = Filter::parse(&arguments.filter, Columns(&facts.fields));
    if let Err(problem) = &filter {
        problems.add("/filter", problem.clone());
    }
    problems.check()?;
    let filter = filter.unwrap_or(Filter::Other);

    let mut sizing = Sizing::new(options, &facts.properties);
    let unchanged = Effect::unchanged(facts.totals);
    if facts.totals.data_files == 0 {
        return Ok(Plan::nothing(unchanged, "The table has no data files."));
    }
    let chosen = filter.choose(&facts.cells, &facts.specs);
    let exact = chosen.is_some();
    let cells = chosen.unwrap_or_else(|| facts.cells.clone());
    let groups = group::groups(&cells, facts.default_spec(), &sizing);
    if groups.all.is_empty() {
        let cleaning = deletes::of_no_data(facts);
        return Ok(cleaning.unwrap_or_else(|| Plan::nothing(unchanged, nothing(cells.is_empty(), &sizing))));
    }
    if !options.contains_key("max-file-size-bytes") {
        sizing.room = forecast::roomier(facts, *strategy, &cells, &groups, &sizing);
    }
    let (written, doubts) = forecast::files(facts, *strategy, &cells, &groups, &sizing);
    let removed = deletes::removed(facts, options, &cells, &groups.all);
    let effect = effect(facts, &groups.all, written, removed, throughput);
    let step = Step::RewriteDataFiles(RewriteDataFiles {
        strategy: (*strategy).into(),
        order: said(order),
        filter: said(&arguments.filter),
        options: sent(
            facts,
            options,
            &sizing,
            &Commits::of(groups.all.len(), !arguments.filter.trim().is_empty(), exact),
        ),
    });
    let mut plan = Plan::new(vec![step], effect, Reversibility::Rollback);
    plan.warnings = warnings(facts, options, exact, &doubts, effect);
    Ok(plan)
}

/// What a text says; none where it is blank.
fn said(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn nothing(no_partition: bool, sizing: &Sizing) -> String {
    if no_partition {
        return "The filter chooses no partition.".into();
    }
    format!(
        "No partition has {} files or more under {} or over {}, more than {} in several of them, or enough deleted rows: \
         there is nothing to rewrite.",
        sizing.min_input_files,
        human::bytes(sizing.min),
        human::bytes(sizing.max),
        human::bytes(sizing.target),
    )
}

/// `written` data files come, `removed` delete files go.
fn effect(facts: &Facts, groups: &[Group], written: u64, removed: u64, throughput: Throughput) -> Effect {
    let rewritten: u64 = groups.iter().map(|g| g.members.len() as u64).sum();
    let bytes: u64 = groups.iter().map(Group::bytes).sum();
    let Totals { data_files, delete_files, .. } = facts.totals;
    let files_after = data_files.saturating_sub(rewritten) + written;
    let deletes_after = delete_files.saturating_sub(removed);
    Effect {
        data_files: Some(Change::new(data_files, files_after)),
        delete_files: Some(Change::new(delete_files, deletes_after)),
        // How Spark spreads the new files over manifests is its own.
        manifests: None,
        bytes_read: Some(bytes),
        duration: throughput.duration(bytes),
        ..Effect::unchanged(facts.totals)
    }
}

/// Commits of a rewrite.
struct Commits {
    most: usize,
    /// The rewrite fails where one of them does. Else Iceberg leaves out what it could not commit and says nothing of it: where
    /// all files are chosen, the host finds that out by the bytes that were rewritten; where Spark chooses, nobody else knows.
    all_must_do: bool,
}

impl Commits {
    /// At most ten of so many groups, and no more than there will be, because Iceberg counts a commit that was planned but not
    /// needed as a failed one. Where only Spark knows how many of the groups a filter chooses, one for each.
    fn of(groups: usize, filtered: bool, exact: bool) -> Self {
        const MOST: usize = 10;
        const MOST_OF_UNKNOWN: usize = 100;
        match (filtered, exact) {
            (true, false) => Self { most: groups.clamp(MOST, MOST_OF_UNKNOWN), all_must_do: groups <= MOST_OF_UNKNOWN },
            _ => Self { most: groups.div_ceil(groups.div_ceil(MOST).max(1)), all_must_do: filtered },
        }
    }
}

/// Options for the procedure: what the caller says wins over what is set here. Partial progress commits what is done, so
/// that a cancelled rewrite is not lost; one group at a time, since commits of one rewrite conflict with each other
/// (apache/iceberg#9521).
fn sent(
    facts: &Facts,
    options: &BTreeMap<String, String>,
    sizing: &Sizing,
    commits: &Commits,
) -> Vec<(String, String)> {
    let mut all = BTreeMap::new();
    let mut set = |name: &str, value: String| all.insert(name.to_owned(), value);
    set("target-file-size-bytes", sizing.target.to_string());
    set("partial-progress.enabled", "true".into());
    set("partial-progress.max-commits", commits.most.to_string());
    if commits.all_must_do {
        set("partial-progress.max-failed-commits", "0".into());
    }
    set("max-concurrent-file-group-rewrites", "1".into());
    if let Some(room) = sizing.room {
        set("max-file-size-bytes", room.to_string());
    }
    if facts.totals.delete_files > 0 {
        set("remove-dangling-deletes", "true".into());
    }
    if deletes::need_new_sequence_number(facts) {
        set("use-starting-sequence-number", "false".into());
    }
    all.extend(options.clone());
    all.into_iter().collect()
}

fn warnings(
    facts: &Facts,
    options: &BTreeMap<String, String>,
    exact: bool,
    doubts: &BTreeSet<Doubt>,
    effect: Effect,
) -> Vec<String> {
    let mut warnings = vec![format!(
        "Storage grows by about {} until the snapshots that still use the old files expire.",
        human::bytes(effect.bytes_read.unwrap_or(0))
    )];
    if !exact {
        warnings.push(
            "The figures cover the whole table: which files the filter chooses is known only to Spark. Filters of \
             equalities on identity partition columns are predicted exactly."
                .into(),
        );
    }
    if doubts.contains(&Doubt::Rows) || options.contains_key("output-spec-id") {
        warnings.push(
            "Files of another partition spec are rewritten; how many come out of them depends on their rows, so that the \
             number of files is an estimate."
                .into(),
        );
    }
    if doubts.contains(&Doubt::Packing) {
        warnings.push(
            "More than one file comes out of what is rewritten together; how it is cut depends on row groups, on delete files \
             and on the order in which Iceberg's threads read manifests, so that the number of files is an estimate."
                .into(),
        );
    }
    if doubts.contains(&Doubt::Writer) {
        warnings.push(
            "Files may come out smaller and more than told: until Parquet's writer has compressed a row group it counts in \
             full against max-file-size-bytes, which is little over the target here."
                .into(),
        );
    }
    if let Some(Change { after: left @ 1.., .. }) = effect.delete_files {
        warnings.push(format!(
            "{} may stay: they go for sure only where every data file of their partition is rewritten.",
            human::count(left, "delete file")
        ));
    }
    if deletes::need_new_sequence_number(facts) {
        warnings.push(
            "A commit of deletes by another engine meanwhile makes the rewrite of those files fail instead of losing the \
             deletes; run it again then."
                .into(),
        );
    }
    warnings
}
