//! Answers with every step that there is.

use drls_plugin::{
    About, Error, NoConfig, Plan, Table, TableOperation, Throughput, export_operation,
    steps::{
        AddColumn, Change, DropColumn, Effect, ExpireSnapshots, RemoveOrphanFiles, RenameColumn, Reversibility,
        RewriteDataFiles, Step, Strategy,
    },
};

struct Operation;

impl TableOperation for Operation {
    const ABOUT: About = About { id: "corpus-operation", title: "Corpus", summary: "Does everything.", icon: "list" };
    type Arguments = NoConfig;
    type Config = NoConfig;

    fn plan(table: &Table, _: NoConfig, _: NoConfig, throughput: Throughput) -> Result<Plan, Error> {
        if table.totals().data_files == 0 {
            return Err(Error::NotFound("a data file".into()));
        }
        let options = || vec![("key".to_owned(), "value".to_owned())];
        let rewrite = |strategy, order: Option<&str>, filter: Option<&str>| {
            let (order, filter) = (order.map(str::to_owned), filter.map(str::to_owned));
            Step::RewriteDataFiles(RewriteDataFiles { strategy, order, filter, options: options() })
        };
        let steps = vec![
            rewrite(Strategy::Binpack, None, None),
            rewrite(Strategy::Sort, Some("id DESC"), Some("id > 1")),
            rewrite(Strategy::Zorder, Some("a, b"), None),
            Step::RewritePositionDeletes(options()),
            Step::RewriteManifests,
            Step::ExpireSnapshots(ExpireSnapshots { snapshot_ids: vec![i64::MAX, -1] }),
            Step::RemoveOrphanFiles(RemoveOrphanFiles { older_than: 1_700_000_000_000 }),
            Step::AddColumn(AddColumn {
                path: "a.b".into(),
                data_type: "long".into(),
                doc: Some("why".into()),
                after: Some("c".into()),
            }),
            Step::RenameColumn(RenameColumn { path: "a".into(), name: "z".into() }),
            Step::DropColumn(DropColumn { path: "c".into() }),
            Step::SetProperties(options()),
            Step::Rollback(i64::MIN),
        ];
        let effect = Effect {
            data_files: Some(Change::new(9, 1)),
            manifests: Some(Change::none(u64::MAX)),
            bytes_read: Some(5),
            duration: throughput.duration(5),
            ..Effect::unknown()
        };
        Ok(Plan::new(steps, effect, Reversibility::None).warn("All of it."))
    }
}

export_operation!(Operation);
