//! The second tier: plugins that serve with quick code get optimised code of the same component, one after the other, on a
//! thread of their own. Nothing else of a plugin changes by it: not its identity, its figures or its configuration.

use std::{
    sync::{
        Arc, Weak,
        mpsc::{self, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    guest::Guest,
    life::{LifeState, Subject},
    plugin::Code,
    worker::Workshop,
};

/// A plugin to optimise.
pub(crate) struct Slow {
    /// Gone where another version has taken its place by then, which spares the work.
    pub(crate) code: Weak<Code>,
    /// The component.
    pub(crate) bytes: Vec<u8>,
}

/// Starts the thread; it ends when the sender is gone.
pub(crate) fn start(shop: Arc<Workshop>) -> std::io::Result<Sender<Slow>> {
    let (sender, jobs) = mpsc::channel::<Slow>();
    thread::Builder::new().name("plugin-optimise".to_owned()).spawn(move || {
        for Slow { code, bytes } in jobs {
            if let Some(code) = code.upgrade() {
                shop.optimise(&code, &bytes);
            }
        }
    })?;
    Ok(sender)
}

impl Workshop {
    fn optimise(&self, code: &Code, bytes: &[u8]) {
        let identity = &*code.identity;
        let start = Instant::now();
        let compiler = self.host.optimising();
        let made = compiler.compile(bytes).and_then(|component| {
            code.guest.store(Arc::new(Guest::link(compiler, &component, &code.inspection.kinds)?));
            Ok(component)
        });
        let tell = |took: Duration, detail| {
            self.life.tell(&identity.id, LifeState::Optimised, &Subject::from(identity), took, detail);
        };
        match made {
            Ok(component) => {
                tell(start.elapsed(), None);
                if let Some(cache) = &self.cache {
                    cache.store(&compiler.engine, &identity.digest, &component);
                }
            }
            Err(error) => {
                tracing::warn!(plugin = identity.id, "the slower code goes on, Cranelift can't compile it: {error:#}");
                tell(start.elapsed(), Some(format!("not optimised: {error:#}; the quick code goes on")));
            }
        }
    }
}
