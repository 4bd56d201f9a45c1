//! Reads Iceberg's immutable files through Python, each once ever: what was read is kept in SQLite.
//!
//! Python is never called with a transaction open: read what is kept, read what is missing, keep it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::catalogs::{Io, Located};
use super::codec;
use super::metadata::{Entries, EntryPaths, ManifestList, ManifestRef, Metadata, ReadManifest};
use crate::db::{self, Db, facts as kept};
use crate::error::ApiError;
use crate::python::{Python, Work};

/// Manifests handed to Python in one call: small enough that other reads get in between.
const BATCH: usize = 64;

/// One call may parse a batch of large manifests from slow storage.
const DEADLINE: Duration = Duration::from_secs(120);

/// Bytes of metadata files, written without a gap, that are kept in memory, where they take some six times as much. Not as they
/// are packed in the database: a file of many schemas or snapshots that are alike is fifty times as large here as there.
const IN_MEMORY: u64 = 8 * 1024 * 1024;

/// Metadata files by location, with the size of each.
type Unpacked = quick_cache::sync::Cache<String, (Arc<Metadata>, u64), BySize>;

/// The cache over Python.
#[derive(Clone)]
pub(crate) struct Reader {
    db: Db,
    python: Arc<Python>,
    unpacked: Arc<Unpacked>,
}

#[derive(Clone)]
struct BySize;

impl quick_cache::Weighter<String, (Arc<Metadata>, u64)> for BySize {
    fn weight(&self, location: &String, (_, size): &(Arc<Metadata>, u64)) -> u64 {
        location.len() as u64 + size
    }
}

#[derive(Serialize)]
struct ReadMetadata {
    location: String,
    io: Io,
}

#[derive(Serialize)]
struct ReadLists {
    paths: Vec<String>,
    io: Io,
}

#[derive(Serialize)]
struct ReadManifests {
    metadata_location: String,
    manifests: Vec<ManifestRef>,
    io: Io,
}

impl Reader {
    pub(crate) fn new(db: Db, python: Arc<Python>) -> Self {
        let unpacked = Arc::new(Unpacked::with_weighter(1024, IN_MEMORY, BySize));
        Self { db, python, unpacked }
    }

    /// The metadata file that a table is at.
    pub(crate) async fn metadata(&self, table: &Located) -> Result<Arc<Metadata>, ApiError> {
        let location = &table.metadata_location;
        if let Some((metadata, _)) = self.unpacked.get(location) {
            return Ok(metadata);
        }
        if let Some(body) = kept::metadata(self.db.read(), location).await?
            && let Some(metadata) = codec::unpack(&body)
        {
            return Ok(self.hold(location, metadata));
        }
        let arguments = ReadMetadata { location: location.clone(), io: table.io.clone() };
        let metadata: Metadata = self.call("facts.read_metadata", arguments).await?;
        let body = codec::pack(&metadata)?;
        let keep = async {
            let mut tx = self.db.write().await?;
            kept::put_metadata(&mut *tx, location, &body, now()).await?;
            tx.commit().await
        };
        read_all_the_same(keep.await);
        Ok(self.hold(location, metadata))
    }

    fn hold(&self, location: &str, metadata: Metadata) -> Arc<Metadata> {
        let metadata = Arc::new(metadata);
        self.unpacked.insert(location.to_owned(), (metadata.clone(), codec::size(&*metadata)));
        metadata
    }

    /// Manifest lists by path.
    pub(crate) async fn manifest_lists(
        &self,
        table: &Located,
        paths: Vec<String>,
    ) -> Result<HashMap<String, ManifestList>, ApiError> {
        if paths.is_empty() {
            return Ok(HashMap::new());
        }
        let mut found: HashMap<String, ManifestList> = kept::manifest_lists(self.db.read(), &json(&paths)?)
            .await?
            .into_iter()
            .filter_map(|c| Some((c.path, codec::unpack(&c.body)?)))
            .collect();
        let missing: Vec<String> = paths.into_iter().filter(|p| !found.contains_key(p)).collect();
        for batch in missing.chunks(BATCH) {
            let arguments = ReadLists { paths: batch.to_vec(), io: table.io.clone() };
            let lists: Vec<ManifestList> = self.call("facts.read_manifest_lists", arguments).await?;
            let bodies = lists.iter().map(codec::pack).collect::<anyhow::Result<Vec<_>>>()?;
            let keep = async {
                let mut tx = self.db.write().await?;
                for (list, body) in lists.iter().zip(&bodies) {
                    kept::put_manifest_list(&mut *tx, &list.path, body, now()).await?;
                }
                tx.commit().await
            };
            read_all_the_same(keep.await);
            found.extend(lists.into_iter().map(|l| (l.path.clone(), l)));
        }
        Ok(found)
    }

    /// Live entries of manifests by path; `with_paths` brings the files' paths too.
    pub(crate) async fn manifests(
        &self,
        table: &Located,
        manifests: &[ManifestRef],
        with_paths: bool,
    ) -> Result<HashMap<String, (Entries, EntryPaths)>, ApiError> {
        if manifests.is_empty() {
            return Ok(HashMap::new());
        }
        let paths: Vec<&str> = manifests.iter().map(|m| m.path.as_str()).collect();
        let rows = kept::manifests(self.db.read(), &json(&paths)?, with_paths).await?;
        let mut found: HashMap<String, (Entries, EntryPaths)> = rows
            .into_iter()
            .filter_map(|row| {
                let paths = if with_paths { codec::unpack(&row.paths)? } else { EntryPaths::default() };
                Some((row.path, (codec::unpack(&row.entries)?, paths)))
            })
            .collect();
        let missing: Vec<ManifestRef> = manifests.iter().filter(|m| !found.contains_key(&m.path)).cloned().collect();
        for batch in missing.chunks(BATCH) {
            let arguments = ReadManifests {
                metadata_location: table.metadata_location.clone(),
                manifests: batch.to_vec(),
                io: table.io.clone(),
            };
            let read: Vec<ReadManifest> = self.call("facts.read_manifests", arguments).await?;
            let read: Vec<_> = read.into_iter().map(ReadManifest::split).collect();
            let packed = read
                .iter()
                .map(|(path, entries, paths)| {
                    Ok(kept::CachedManifest {
                        path: path.clone(),
                        entries: codec::pack(entries)?,
                        paths: codec::pack(paths)?,
                    })
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            let keep = async {
                let mut tx = self.db.write().await?;
                for row in &packed {
                    kept::put_manifest(&mut *tx, row, now()).await?;
                }
                tx.commit().await
            };
            read_all_the_same(keep.await);
            found.extend(read.into_iter().map(|(path, entries, paths)| (path, (entries, paths))));
        }
        Ok(found)
    }

    async fn call<A, R>(&self, function: &'static str, arguments: A) -> Result<R, ApiError>
    where
        A: Serialize + Send + 'static,
        R: DeserializeOwned + Send + 'static,
    {
        Ok(self.python.call(Work::Short, function, arguments, DEADLINE).await?)
    }
}

/// What can't be kept, as on a full disk, was read all the same, and is read again the next time.
fn read_all_the_same(kept: sqlx::Result<()>) {
    if let Err(error) = kept {
        tracing::warn!(%error, "facts that were read can't be kept");
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(ApiError::internal)
}

/// Now, in ms since the epoch.
fn now() -> i64 {
    db::now().timestamp_millis()
}
