//! Which delete files apply to which data file, as Iceberg's `DeleteFileIndex` decides it (table specification,
//! "Scan planning"): by sequence number, partition and scope.

use std::collections::{HashMap, HashSet};

use super::facts::Read;
use super::metadata::Metadata;

/// Delete files of one snapshot, ready to be asked by data file.
#[derive(Default)]
pub(super) struct DeleteIndex {
    /// Sequence numbers of equality deletes of an unpartitioned spec: they apply everywhere.
    everywhere: Vec<i64>,
    /// Sequence numbers of equality deletes by spec and partition.
    equality: HashMap<(i32, String), Vec<i64>>,
    /// Sequence numbers of position deletes by spec and partition.
    position: HashMap<(i32, String), Vec<i64>>,
    /// Deletes scoped to one data file: sequence number, rows and whether it is a deletion vector.
    scoped: HashMap<String, Vec<(i64, u64, bool)>>,
}

impl DeleteIndex {
    pub(super) fn new(metadata: &Metadata, read: &[Read]) -> Self {
        let unpartitioned: HashSet<i32> = metadata
            .specs
            .iter()
            .filter(|s| s.fields.iter().all(|f| f.transform == "void"))
            .map(|s| s.spec_id)
            .collect();
        let mut index = Self::default();
        for Read { manifest, entries, paths } in read.iter().filter(|r| r.manifest.deletes) {
            for row in 0..entries.bytes.len() {
                let sequence = entries.sequence[row];
                let partition = || {
                    let path = entries.partitions[entries.partition[row] as usize].clone();
                    (manifest.spec_id, path)
                };
                let refers = paths.as_ref().map_or("", |p| p.refers[row].as_str());
                match entries.content[row] {
                    2 if unpartitioned.contains(&manifest.spec_id) => index.everywhere.push(sequence),
                    2 => index.equality.entry(partition()).or_default().push(sequence),
                    1 if !refers.is_empty() => {
                        let vector = paths.as_ref().is_some_and(|p| is_puffin(&p.file[row]));
                        index.scoped.entry(refers.to_owned()).or_default().push((
                            sequence,
                            entries.records[row],
                            vector,
                        ));
                    }
                    1 => index.position.entry(partition()).or_default().push(sequence),
                    _ => {}
                }
            }
        }
        index.everywhere.sort_unstable();
        index.equality.values_mut().for_each(|v| v.sort_unstable());
        index.position.values_mut().for_each(|v| v.sort_unstable());
        index
    }

    /// Number of delete files that apply to a data file, and rows of it that deletes scoped to it alone mark.
    pub(super) fn of(&self, partition: &str, spec_id: i32, sequence: i64, file: Option<&str>) -> (u32, u64) {
        // Equality deletes apply to strictly older data, position deletes to data of the same commit too.
        let newer = |list: &[i64]| list.len() - list.partition_point(|s| *s <= sequence);
        let same_or_newer = |list: &[i64]| list.len() - list.partition_point(|s| *s < sequence);
        let mut files = newer(&self.everywhere);
        let (mut scoped_rows, mut vector) = (0, false);
        let none = Vec::new();
        if !self.scoped.is_empty() {
            let scoped = file.and_then(|f| self.scoped.get(f)).unwrap_or(&none);
            vector = scoped.iter().any(|(s, _, vector)| *vector && *s >= sequence);
            // A deletion vector replaces every position delete of its file.
            for (_, rows, _) in scoped.iter().filter(|(s, _, v)| *s >= sequence && *v == vector) {
                files += 1;
                scoped_rows += rows;
            }
        }
        if !self.equality.is_empty() || !self.position.is_empty() {
            let key = (spec_id, partition.to_owned());
            files += self.equality.get(&key).map_or(0, |l| newer(l));
            if !vector {
                files += self.position.get(&key).map_or(0, |l| same_or_newer(l));
            }
        }
        (u32::try_from(files).unwrap_or(u32::MAX), scoped_rows)
    }
}

/// Deletion vectors live in Puffin files, position deletes in Parquet, Avro or ORC.
fn is_puffin(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|e| e.eq_ignore_ascii_case("puffin"))
}
