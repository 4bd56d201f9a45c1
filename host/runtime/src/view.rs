//! Shows [`TableFacts`] to a guest as the `facts` interface. Reads what was gathered and nothing else.

use wasmtime::component::Resource;

use crate::{
    bindings::facts as wit,
    call::CallState,
    facts::{self, FileFacts, Group, Manifest, OrphanFile, Reachability, RefKind, TableFacts},
};

/// What a guest holds of a table. A call has one table, so the handle carries nothing.
#[derive(Debug, Clone, Copy)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct TableHandle;

type Handle = Resource<TableHandle>;
type Answer<T> = wasmtime::Result<T>;

impl CallState {
    fn table(&self) -> Answer<&TableFacts> {
        self.facts.as_deref().ok_or_else(|| wasmtime::format_err!("this call has no table"))
    }

    fn live_files(&self) -> Answer<&FileFacts> {
        gathered(self.table()?.files.as_ref(), Group::Manifests)
    }

    fn manifest_list(&self) -> Answer<&Vec<Manifest>> {
        gathered(self.table()?.manifests.as_ref(), Group::ManifestList)
    }

    fn reachability(&self) -> Answer<&Reachability> {
        gathered(self.table()?.reachability.as_ref(), Group::Reachability)
    }

    fn orphan_files(&self) -> Answer<&Vec<OrphanFile>> {
        gathered(self.table()?.orphans.as_ref(), Group::Orphans)
    }
}

fn gathered<T>(group: Option<&T>, name: Group) -> Answer<&T> {
    group.ok_or_else(|| wasmtime::format_err!("facts of group {} were not gathered", name.name()))
}

impl wit::Host for CallState {}

impl wit::HostTable for CallState {
    fn id(&mut self, _: Handle) -> Answer<wit::TableId> {
        let id = &self.table()?.id;
        Ok(wit::TableId { catalog: id.catalog.clone(), namespace: id.namespace.clone(), name: id.name.clone() })
    }

    fn format_version(&mut self, _: Handle) -> Answer<u8> {
        Ok(self.table()?.format_version)
    }

    fn location(&mut self, _: Handle) -> Answer<String> {
        Ok(self.table()?.location.clone())
    }

    fn properties(&mut self, _: Handle) -> Answer<Vec<(String, String)>> {
        Ok(self.table()?.properties.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn fields(&mut self, _: Handle) -> Answer<Vec<wit::Field>> {
        let field = |f: &facts::Field| wit::Field {
            id: f.id,
            path: f.path.clone(),
            data_type: f.data_type.clone(),
            required: f.required,
            doc: f.doc.clone(),
            identifier: f.identifier,
        };
        Ok(self.table()?.fields.iter().map(field).collect())
    }

    fn partition_specs(&mut self, _: Handle) -> Answer<Vec<wit::PartitionSpec>> {
        let field = |f: &facts::PartitionField| wit::PartitionField {
            source_id: f.source_id,
            source: f.source.clone(),
            transform: f.transform.clone(),
            name: f.name.clone(),
        };
        let spec = |s: &facts::PartitionSpec| wit::PartitionSpec {
            id: s.id,
            is_default: s.is_default,
            fields: s.fields.iter().map(field).collect(),
        };
        Ok(self.table()?.partition_specs.iter().map(spec).collect())
    }

    fn sort_order(&mut self, _: Handle) -> Answer<Vec<wit::SortField>> {
        let field = |f: &facts::SortField| wit::SortField {
            source_id: f.source_id,
            source: f.source.clone(),
            transform: f.transform.clone(),
            descending: f.descending,
            nulls_first: f.nulls_first,
        };
        Ok(self.table()?.sort_order.iter().map(field).collect())
    }

    fn snapshots(&mut self, _: Handle) -> Answer<Vec<wit::Snapshot>> {
        let snapshot = |s: &facts::Snapshot| wit::Snapshot {
            id: s.id,
            parent: s.parent,
            committed_at: s.committed_at,
            operation: s.operation.clone(),
            added_files: s.added_files,
            removed_files: s.removed_files,
            added_bytes: s.added_bytes,
            is_ancestor: s.is_ancestor,
        };
        Ok(self.table()?.snapshots.iter().map(snapshot).collect())
    }

    fn current_snapshot(&mut self, _: Handle) -> Answer<Option<i64>> {
        Ok(self.table()?.current_snapshot)
    }

    fn refs(&mut self, _: Handle) -> Answer<Vec<wit::Ref>> {
        let reference = |r: &facts::Ref| wit::Ref {
            name: r.name.clone(),
            kind: match r.kind {
                RefKind::Branch => wit::RefKind::Branch,
                RefKind::Tag => wit::RefKind::Tag,
            },
            snapshot: r.snapshot,
            min_snapshots_to_keep: r.min_snapshots_to_keep,
            max_snapshot_age: r.max_snapshot_age,
            max_ref_age: r.max_ref_age,
        };
        Ok(self.table()?.refs.iter().map(reference).collect())
    }

    fn totals(&mut self, _: Handle) -> Answer<wit::Totals> {
        let table = self.table()?;
        let t = table.totals;
        let counted = table.manifests.as_ref().map(|list| list.len() as u64);
        Ok(wit::Totals {
            records: t.records,
            data_files: t.data_files,
            data_bytes: t.data_bytes,
            delete_files: t.delete_files,
            position_deletes: t.position_deletes,
            equality_deletes: t.equality_deletes,
            manifests: counted.or(t.manifests),
        })
    }

    fn file_sizes(&mut self, _: Handle) -> Answer<wit::FileSizes> {
        Ok(file_sizes(self.live_files()?))
    }

    fn partition_count(&mut self, _: Handle) -> Answer<u32> {
        Ok(u32::try_from(self.live_files()?.partitions.len()).unwrap_or(u32::MAX))
    }

    fn partitions(&mut self, _: Handle, start: u32, most: u32) -> Answer<Vec<wit::Partition>> {
        let files = self.live_files()?;
        let small_under = files.small_under();
        let page = files.partitions.iter().skip(start as usize).take(most as usize);
        Ok(page.map(|p| partition(p, small_under)).collect())
    }

    fn files(&mut self, _: Handle, partition: u32, start: u32, most: u32) -> Answer<Vec<wit::DataFile>> {
        let file = |f: &facts::DataFile| wit::DataFile {
            bytes: f.bytes,
            records: f.records,
            delete_files: f.delete_files,
            deleted_records: f.deleted_records,
        };
        let partition = self.live_files()?.partitions.get(partition as usize);
        let files = partition.map(|p| p.files.as_slice()).unwrap_or_default();
        Ok(files.iter().skip(start as usize).take(most as usize).map(file).collect())
    }

    fn manifests(&mut self, _: Handle) -> Answer<Vec<wit::Manifest>> {
        let manifest =
            |m: &Manifest| wit::Manifest { bytes: m.bytes, spec_id: m.spec_id, deletes: m.deletes, files: m.files };
        Ok(self.manifest_list()?.iter().map(manifest).collect())
    }

    fn metadata_log(&mut self, _: Handle) -> Answer<wit::MetadataLog> {
        let log = self.table()?.metadata_log;
        Ok(wit::MetadataLog { metadata_bytes: log.metadata_bytes, entries: log.entries })
    }

    fn exclusive_to(&mut self, _: Handle, snapshots: Vec<i64>) -> Answer<wit::Exclusive> {
        let sum = self.reachability()?.exclusive_to(&snapshots);
        Ok(wit::Exclusive {
            data_files: sum.data_files,
            delete_files: sum.delete_files,
            manifests: sum.manifests,
            manifest_lists: sum.manifest_lists,
            statistics_files: sum.statistics_files,
            bytes: sum.bytes,
        })
    }

    fn orphans(&mut self, _: Handle, older_than: i64) -> Answer<wit::Orphans> {
        let old = || Ok::<_, wasmtime::Error>(self.orphan_files()?.iter().filter(move |f| f.modified_at < older_than));
        Ok(wit::Orphans {
            files: old()?.count() as u64,
            bytes: old()?.map(|f| f.bytes).sum(),
            oldest: old()?.map(|f| f.modified_at).min(),
        })
    }

    fn as_of(&mut self, _: Handle) -> Answer<i64> {
        Ok(self.table()?.as_of)
    }

    fn drop(&mut self, _: Handle) -> Answer<()> {
        Ok(())
    }
}

fn partition(partition: &facts::Partition, small_under: u64) -> wit::Partition {
    let (small_files, small_bytes) = partition.small(small_under);
    wit::Partition {
        path: partition.path.clone(),
        spec_id: partition.spec_id,
        records: partition.files.iter().map(|f| f.records).sum(),
        data_files: partition.files.len() as u64,
        data_bytes: partition.files.iter().map(|f| f.bytes).sum(),
        small_files,
        small_bytes,
        delete_files: partition.delete_files,
        written_at: partition.written_at,
    }
}

fn file_sizes(facts: &FileFacts) -> wit::FileSizes {
    let small_under = facts.small_under();
    let (mut small_files, mut small_bytes, mut largest) = (0, 0, 0);
    for file in facts.partitions.iter().flat_map(|p| &p.files) {
        if file.bytes < small_under {
            small_files += 1;
            small_bytes += file.bytes;
        }
        largest = largest.max(file.bytes);
    }
    let histogram = facts.histogram().into_iter();
    let histogram = histogram
        .map(|b| wit::SizeBucket { at_least: b.at_least, under: b.under, files: b.files, bytes: b.bytes })
        .collect();
    wit::FileSizes { target: facts.target, small_files, small_bytes, largest, histogram }
}
