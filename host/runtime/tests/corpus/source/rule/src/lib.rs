//! Calls every method of a table and tells what it saw, one finding each.

use drls_plugin::{About, Error, Finding, HealthRule, NoConfig, Severity, Table, export_rule, log};

struct Rule;

impl HealthRule for Rule {
    const ABOUT: About = About { id: "corpus-rule", title: "Corpus", summary: "Tells everything.", icon: "list" };
    type Config = NoConfig;

    fn evaluate(table: &Table, _: NoConfig) -> Result<Vec<Finding>, Error> {
        log::debug("debug");
        log::info("info");
        log::warn("warn");
        log::error("error");
        let saw = |code: &str, text: String| Finding::new(code, Severity::Info, text, 1).measure("one", 1.5, "x", None);
        let partitions = table.partitions(0, 10);
        let snapshots: Vec<i64> = table.snapshots().iter().map(|snapshot| snapshot.id).collect();
        let all = vec![
            saw("id", format!("{:?}", table.id())),
            saw("format-version", format!("{:?}", table.format_version())),
            saw("location", table.location()),
            saw("properties", format!("{:?}", table.properties())),
            saw("fields", format!("{:?}", table.fields())),
            saw("partition-specs", format!("{:?}", table.partition_specs())),
            saw("sort-order", format!("{:?}", table.sort_order())),
            saw("snapshots", format!("{:?}", table.snapshots())),
            saw("current-snapshot", format!("{:?}", table.current_snapshot())),
            saw("refs", format!("{:?}", table.refs())),
            saw("totals", format!("{:?}", table.totals())),
            saw("file-sizes", format!("{:?}", table.file_sizes())),
            saw("partition-count", format!("{:?}", table.partition_count())),
            saw("partitions", format!("{partitions:?} {:?}", table.partitions(1, 1))),
            saw("files", format!("{:?} {:?}", table.files(0, 0, 10), table.files(0, 1, 1))),
            saw("manifests", format!("{:?}", table.manifests())),
            saw("metadata-log", format!("{:?}", table.metadata_log())),
            saw("exclusive-to", format!("{:?}", table.exclusive_to(&snapshots[..1]))),
            saw("orphans", format!("{:?}", table.orphans(table.as_of()))),
            saw("as-of", format!("{:?}", table.as_of())),
            Finding::new("everything", Severity::Critical, "A remedy and a limit.", 100)
                .measure("figure", -0.25, "ratio", Some(2.0))
                .remedy("corpus-operation", &drls_plugin::serde_json::json!({"a": [1, "b", null]})),
            Finding::new("between", Severity::Warning, "A warning.", 0),
        ];
        Ok(all)
    }
}

export_rule!(Rule);
