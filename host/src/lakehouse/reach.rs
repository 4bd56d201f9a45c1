//! Which files each snapshot reaches, for the exact price of an expiry.

use std::collections::{BTreeMap, HashMap};

use drls_runtime::facts::{FileKind, ReachSet, Reachability, ReachableFile};

use super::metadata::{Entries, EntryPaths, ManifestList, Metadata};

/// Builds the reachability of all snapshots. `lists` by snapshot id, `manifests` by path.
pub(super) fn reachability(
    metadata: &Metadata,
    lists: &HashMap<i64, ManifestList>,
    manifests: &HashMap<String, (Entries, EntryPaths)>,
) -> Reachability {
    let mut build = Build::default();
    for snapshot in &metadata.snapshots {
        let Some(list) = lists.get(&snapshot.id) else { continue };
        let mut sets = vec![build.single(&list.path, FileKind::ManifestList, list.bytes)];
        for manifest in &list.manifests {
            if let Some((entries, paths)) = manifests.get(&manifest.path) {
                sets.push(build.manifest(&manifest.path, manifest.bytes, entries, paths));
            }
        }
        let statistics = metadata.statistics.iter().chain(&metadata.partition_statistics);
        for file in statistics.filter(|f| f.snapshot_id == snapshot.id) {
            sets.push(build.single(&file.path, FileKind::Statistics, file.bytes));
        }
        build.snapshots.insert(snapshot.id, sets);
    }
    Reachability { files: build.files, sets: build.sets, snapshots: build.snapshots }
}

#[derive(Default)]
struct Build {
    files: Vec<ReachableFile>,
    numbers: HashMap<String, u32>,
    sets: Vec<ReachSet>,
    set_numbers: HashMap<String, u32>,
    snapshots: BTreeMap<i64, Vec<u32>>,
}

impl Build {
    fn file(&mut self, path: &str, kind: FileKind, bytes: u64) -> u32 {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        let number = count(self.files.len());
        self.files.push(ReachableFile { kind, bytes });
        self.numbers.insert(path.to_owned(), number);
        number
    }

    fn set(&mut self, key: &str, files: Vec<u32>) -> u32 {
        let number = count(self.sets.len());
        self.sets.push(ReachSet(files));
        self.set_numbers.insert(key.to_owned(), number);
        number
    }

    fn single(&mut self, path: &str, kind: FileKind, bytes: u64) -> u32 {
        if let Some(number) = self.set_numbers.get(path) {
            return *number;
        }
        let file = self.file(path, kind, bytes);
        self.set(path, vec![file])
    }

    fn manifest(&mut self, path: &str, bytes: u64, entries: &Entries, paths: &EntryPaths) -> u32 {
        if let Some(number) = self.set_numbers.get(path) {
            return *number;
        }
        let mut files = vec![self.file(path, FileKind::Manifest, bytes)];
        for (row, file) in paths.file.iter().enumerate() {
            let kind = if entries.content[row] == 0 { FileKind::Data } else { FileKind::Delete };
            files.push(self.file(file, kind, entries.bytes[row]));
        }
        self.set(path, files)
    }
}

/// Files of one table are far under 2^32: their paths alone would fill the memory of the machine.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
