//! Who is let in: what an admin granted, whose signature counts, what the lock names. Each may change while plugins serve,
//! and holds at once.

use std::{sync::Arc, time::Duration};

use super::{Loader, Why};
use crate::{
    error::Identity,
    ledger::Entry,
    life::{LifeState, Refused, Subject},
    plugin::Plugin,
    policy::Policy,
    refusal::{Refusal, Wanted},
    store::stem,
};

impl Loader {
    /// The refusal of a plugin that asks for more than is granted to it.
    pub(super) fn needs_grant(plugin: &Plugin, entry: &Entry) -> Option<Refusal> {
        let (asked, signer) = (plugin.asks(), plugin.inspection().signed.key());
        let missing = asked.missing(&entry.rights(signer));
        (!missing.is_empty()).then(|| Refusal::NeedsGrant(Box::new(Wanted { asked: asked.clone(), missing, signer })))
    }

    /// Gives a plugin what is granted to it.
    pub(super) fn grant(plugin: &Plugin, entry: &Entry) {
        plugin.grant(&entry.rights(plugin.inspection().signed.key()));
    }

    /// Makes grants hold for what serves: calls that run have them at once, and what misses one waits.
    pub(super) fn regrant(&mut self, name: &str, entry: &Entry) {
        let Some(plugin) = self.snapshot.load().plugin(stem(name)).cloned() else { return };
        Self::grant(&plugin, entry);
        if let Some(refusal) = Self::needs_grant(&plugin, entry) {
            self.put_out(name, plugin.identity(), refusal);
        }
    }

    /// Takes out of service what may not serve any more; what was kept before it may take its place.
    fn put_out(&mut self, name: &str, identity: &Arc<Identity>, refusal: Refusal) {
        self.swap(stem(name), None);
        self.refuse(name, Refused { subject: Subject::from(&**identity), refusal });
        self.fall_back(name);
    }

    /// Another word of the operator.
    pub(super) fn obey(&mut self, policy: Policy) {
        if *self.shop.host.policy() != policy {
            self.shop.host.set_policy(policy);
            self.reconsider();
        }
    }

    /// Holds every plugin against the operator's word and the lock of now.
    pub(super) fn reconsider(&mut self) {
        let names: Vec<String> = self.tracks.keys().cloned().collect();
        for name in names {
            let serving = self.snapshot.load().plugin(stem(&name)).cloned();
            if let Some(plugin) = serving
                && let Err(refusal) = self.shop.admits(plugin.identity(), &plugin.inspection().signed, true)
            {
                self.put_out(&name, plugin.identity(), refusal);
                continue;
            }
            let refused = self.tracks.get(&name).and_then(|track| track.refused.as_ref());
            if refused.is_some_and(|refused| refused.refusal.by_the_operator()) {
                self.note(&name, Why::Again);
            }
        }
    }

    /// A call wanted what is not granted.
    pub(super) fn denied(&self, identity: &Identity, what: String) {
        self.shop.life.tell(&identity.id, LifeState::Denied, &Subject::from(identity), Duration::ZERO, Some(what));
    }
}
