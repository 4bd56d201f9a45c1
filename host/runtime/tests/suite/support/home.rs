//! A runtime on folders of its own.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use drls_runtime::{PluginStatus, Runtime, RuntimeConfig};

use super::Guest;

/// Folders that go with the test.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().expect("folder") };
        std::fs::create_dir(home.plugins()).expect("folder");
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.plugins().join(name)
    }

    pub(crate) fn config(&self) -> RuntimeConfig {
        RuntimeConfig {
            plugins_dir: self.plugins(),
            store_dir: self.path().join("store"),
            cache_dir: self.path().join("cache"),
            ledger_dir: self.path().join("ledger"),
            ..RuntimeConfig::default()
        }
    }

    /// Writes a guest beside its place and renames it, as an installer does.
    pub(crate) fn put(&self, guest: &Guest) {
        self.put_bytes(&format!("{}.wasm", guest.id), &guest.build());
    }

    pub(crate) fn put_bytes(&self, name: &str, bytes: &[u8]) {
        let beside = self.file(&format!(".{name}.part"));
        std::fs::write(&beside, bytes).expect("write");
        std::fs::rename(beside, self.file(name)).expect("rename");
    }

    /// Opens and starts a runtime, and waits for the first scan.
    pub(crate) fn start(&self) -> Arc<Runtime> {
        start_with(self.config())
    }
}

/// Opens and starts a runtime, and waits for the first scan.
pub(crate) fn start_with(config: RuntimeConfig) -> Arc<Runtime> {
    let runtime = Runtime::open(config).expect("open");
    runtime.start().expect("start");
    assert!(runtime.settle(Duration::from_secs(60)), "the first scan ends");
    runtime
}

/// Waits until `check` gives something.
pub(crate) fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{what} does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sets the flag at its end, a panic too: threads of a scope that wait for it would hold the test for ever.
pub(crate) struct AtEnd<'a>(pub(crate) &'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn status(runtime: &Runtime, id: &str) -> Option<PluginStatus> {
    runtime.status().into_iter().find(|s| s.id == id)
}

/// Version that serves.
pub(crate) fn version(runtime: &Runtime, id: &str) -> Option<String> {
    runtime.snapshot().plugin(id).map(|p| p.identity().version.to_string())
}
