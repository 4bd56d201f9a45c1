//! Gathers the groups of facts that the loaded plugins ask for, and no others.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use drls_runtime::facts::{Group, OrphanFile, TableFacts};
use serde::{Deserialize, Serialize};

use super::Lakehouse;
use super::catalogs::{Catalog, Located};
use super::facts::{self, Read};
use super::metadata::{ManifestRef, Metadata};
use super::reach;
use crate::error::ApiError;
use crate::python::Work;

/// A listing of a table with millions of files takes minutes.
const LISTING_DEADLINE: std::time::Duration = std::time::Duration::from_secs(1800);

#[derive(Serialize)]
struct Orphans {
    catalog: Catalog,
    namespace: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Orphan {
    bytes: u64,
    modified_at: i64,
}

impl Lakehouse {
    /// Facts of a table as it stands at `table.metadata_location`. [`Group::Metadata`] always comes.
    pub(crate) async fn gather(
        &self,
        table: &Located,
        groups: &BTreeSet<Group>,
    ) -> Result<(Arc<Metadata>, TableFacts), ApiError> {
        let metadata = self.metadata(table).await?;
        let mut facts = facts::from_metadata(&table.id, &metadata, crate::db::now().timestamp_millis());
        // A summary without totals (other writers, old formats) is made good by counting.
        let count = facts::totals_of_summary(&metadata).is_none();
        let files = count || groups.contains(&Group::Manifests);
        if files || groups.contains(&Group::ManifestList) {
            let list = self.current_manifests(table, &metadata).await?;
            facts.manifests = Some(facts::manifests(&list));
            if files {
                let read = self.entries(table, list).await?;
                let (by_partition, totals) = facts::files(&metadata, &read);
                facts.files = Some(by_partition);
                facts.totals = totals;
            }
        }
        if groups.contains(&Group::Reachability) {
            facts.reachability = Some(self.reachability(table, &metadata).await?);
        }
        if groups.contains(&Group::Orphans) {
            facts.orphans = Some(self.orphans(table).await?);
        }
        Ok((metadata, facts))
    }

    /// Manifests of the current snapshot in the order of its list.
    pub(crate) async fn current_manifests(
        &self,
        table: &Located,
        metadata: &Metadata,
    ) -> Result<Vec<ManifestRef>, ApiError> {
        let Some(snapshot) = metadata.current_snapshot() else {
            return Ok(Vec::new());
        };
        let path = snapshot.manifest_list.clone();
        let mut lists = self.reader.manifest_lists(table, vec![path.clone()]).await?;
        Ok(lists.remove(&path).map(|l| l.manifests).unwrap_or_default())
    }

    /// Live entries of these manifests, with paths where a delete may be scoped to a single file.
    async fn entries(&self, table: &Located, manifests: Vec<ManifestRef>) -> Result<Vec<Read>, ApiError> {
        let with_paths = manifests.iter().any(|m| m.deletes && m.live_files() > 0);
        let mut read = self.reader.manifests(table, &manifests, with_paths).await?;
        manifests
            .into_iter()
            .map(|manifest| {
                let (entries, paths) = read.remove(&manifest.path).ok_or_else(|| unread(&manifest.path))?;
                Ok(Read { manifest, entries, paths: with_paths.then_some(paths) })
            })
            .collect()
    }

    async fn reachability(
        &self,
        table: &Located,
        metadata: &Metadata,
    ) -> Result<drls_runtime::facts::Reachability, ApiError> {
        let wanted: HashMap<i64, String> = metadata.snapshots.iter().map(|s| (s.id, s.manifest_list.clone())).collect();
        let by_path = self.reader.manifest_lists(table, wanted.values().cloned().collect()).await?;
        let manifests: HashMap<String, ManifestRef> = by_path
            .values()
            .flat_map(|list| &list.manifests)
            .map(|manifest| (manifest.path.clone(), manifest.clone()))
            .collect();
        let manifests: Vec<ManifestRef> = manifests.into_values().collect();
        let entries = self.reader.manifests(table, &manifests, true).await?;
        let lists = wanted.into_iter().filter_map(|(id, path)| Some((id, by_path.get(&path)?.clone()))).collect();
        Ok(reach::reachability(metadata, &lists, &entries))
    }

    async fn orphans(&self, table: &Located) -> Result<Vec<OrphanFile>, ApiError> {
        let arguments = Orphans {
            catalog: self.catalogs.get(Some(&table.id.catalog))?.clone(),
            namespace: table.id.namespace.clone(),
            name: table.id.name.clone(),
        };
        let found: Vec<Orphan> =
            self.python.call(Work::Long, "operations.list_orphan_files", arguments, LISTING_DEADLINE).await?;
        Ok(found.into_iter().map(|o| OrphanFile { bytes: o.bytes, modified_at: o.modified_at }).collect())
    }
}

fn unread(path: &str) -> ApiError {
    ApiError::internal(anyhow::anyhow!("manifest {path} was asked for and not read"))
}
