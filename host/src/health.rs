//! How the parts of the server are: asked, never started.

use std::sync::{Arc, PoisonError, RwLock};

use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use utoipa::ToSchema;

/// State of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Works.
    Ok,
    /// Not started; it will be when it is first needed.
    Idle,
    /// On its way up.
    Starting,
    /// Works with restrictions.
    Degraded,
    /// Does not work.
    Down,
}

/// How one part is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Part {
    /// The state.
    pub state: State,
    /// In words, with what to do where something is wrong; no paths, no addresses.
    pub detail: String,
}

/// Something that can be asked how it is. It must answer at once and start nothing.
pub type Probe = Arc<dyn Fn() -> BoxFuture<'static, Part> + Send + Sync>;

/// The parts by name, in the order in which they were added.
#[derive(Clone, Default)]
pub struct Health {
    probes: Arc<RwLock<Vec<(&'static str, Probe)>>>,
}

impl Health {
    /// Adds a part: `database`, `python`, `catalog`, `spark`, `plugins`.
    pub fn add<F>(&self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Part> + Send + 'static,
    {
        let probe: Probe = Arc::new(move || Box::pin(probe()));
        self.probes.write().unwrap_or_else(PoisonError::into_inner).push((name, probe));
    }

    /// Asks all parts at once.
    pub async fn parts(&self) -> Vec<(&'static str, Part)> {
        let probes = self.probes.read().unwrap_or_else(PoisonError::into_inner).clone();
        join_all(probes.iter().map(|(name, probe)| async move { (*name, probe().await) })).await
    }
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let probes = self.probes.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(probes.iter().map(|(name, _)| name)).finish()
    }
}
