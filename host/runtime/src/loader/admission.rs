//! Who is let in: what an admin granted, whose signature counts, what the lock names. Each may change while plugins serve,
//! and holds at once.

use std::time::Duration;

use super::{Loader, Why};
use crate::{
    error::Identity,
    ledger::Entry,
    life::{LifeState, Refused, Subject},
    plugin::Plugin,
    policy::{Policy, Signatures},
    refusal::{Refusal, Wanted},
    rights::Rights,
    store::stem,
};

/// The refusal of a plugin that asks for more than is granted to it.
fn granted(plugin: &Plugin, entry: &Entry) -> Result<(), Refusal> {
    let (asked, signer) = (plugin.asks(), plugin.inspection().signed.key());
    let missing = asked.missing(&entry.rights(signer));
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Refusal::NeedsGrant(Box::new(Wanted { asked: asked.clone(), missing, signer })))
    }
}

impl Loader {
    /// Whether a plugin that was loaded may serve by the operator's word, the lock and what is granted. `kept`: the runtime itself
    /// goes back to it, whatever served since.
    pub(super) fn may_begin(&self, plugin: &Plugin, entry: &Entry, kept: bool) -> Result<(), Refusal> {
        let (identity, signed) = (plugin.identity(), &plugin.inspection().signed);
        self.shop.admits(identity, signed)?;
        let required = self.shop.host.policy().signatures == Signatures::Require;
        if let Some(newest) = entry.newer_than(identity).filter(|_| required && !kept) {
            return Err(Refusal::Older { newest: newest.clone() });
        }
        granted(plugin, entry)
    }

    /// Gives a plugin what is granted to it.
    pub(super) fn grant(plugin: &Plugin, entry: &Entry) {
        plugin.grant(&entry.rights(plugin.inspection().signed.key()));
    }

    /// Makes grants hold for what serves and for calls that run on what served: what misses one waits, unless what takes its
    /// place is on the way.
    pub(super) fn regrant(&mut self, name: &str, entry: &Entry, replaced: bool) {
        let id = stem(name);
        let of_id = self.draining.iter().filter(|(_, identity, _)| identity.id == id);
        of_id.filter_map(|(plugin, ..)| plugin.upgrade()).for_each(|plugin| Self::grant(&plugin, entry));
        self.show_what_is_missing(name, entry);
        let Some(plugin) = self.snapshot.load().plugin(id).cloned() else { return };
        Self::grant(&plugin, entry);
        if let Err(refusal) = granted(&plugin, entry)
            && !replaced
        {
            self.put_out(name, &plugin, refusal);
        }
    }

    /// A grant of a part of what a version waits for leaves the rest to be shown.
    fn show_what_is_missing(&mut self, name: &str, entry: &Entry) {
        let Some(track) = self.tracks.get_mut(name) else { return };
        let Some(Refused { refusal: Refusal::NeedsGrant(wanted), .. }) = &mut track.refused else { return };
        wanted.missing = wanted.asked.missing(&entry.rights(wanted.signer));
        let refused = track.refused.clone();
        self.shop.life.with(stem(name), |record| record.refused = refused);
    }

    /// Takes out of service what may not serve any more, its calls that run too, and looks at the file again: it may be another
    /// one, that may.
    fn put_out(&mut self, name: &str, plugin: &Plugin, refusal: Refusal) {
        plugin.grant(&Rights::default());
        self.swap(stem(name), None);
        let refused = Refused { subject: Subject::from(&**plugin.identity()), refusal };
        self.shop.life.with(stem(name), |record| record.refused = Some(refused.clone()));
        if let Some(track) = self.tracks.get_mut(name) {
            track.refused = Some(refused);
        }
        self.note(name, Why::Again);
    }

    /// Tells that an admin granted something, or took it back.
    pub(super) fn told_of_grant(&self, id: &str, entry: &Entry) {
        let words = match &entry.grant {
            Some(grant) => format!("{} by {}", grant.rights.words(), grant.decision.by),
            None => "nothing any more".to_owned(),
        };
        self.shop.life.tell(id, LifeState::Granted, &Subject::default(), Duration::ZERO, Some(words));
    }

    /// Another word of the operator.
    pub(super) fn obey(&mut self, policy: Policy) {
        if *self.shop.host.policy() != policy {
            self.shop.host.set_policy(policy);
            self.reconsider();
        }
    }

    /// Holds every plugin against the operator's word and the lock of now. What was refused is tried again, for whatever it was
    /// refused: a ceiling may have been too low for it.
    pub(super) fn reconsider(&mut self) {
        self.word += 1;
        let names: Vec<String> = self.tracks.keys().cloned().collect();
        for name in names {
            let serving = self.snapshot.load().plugin(stem(&name)).cloned();
            if let Some(plugin) = serving
                && let Err(refusal) = self.shop.admits(plugin.identity(), &plugin.inspection().signed)
            {
                self.put_out(&name, &plugin, refusal);
            } else if self.tracks.get(&name).is_some_and(|track| track.refused.is_some()) {
                self.note(&name, Why::Again);
            }
        }
    }

    /// A call wanted what is not granted.
    pub(super) fn denied(&self, identity: &Identity, what: String) {
        self.shop.life.tell(&identity.id, LifeState::Denied, &Subject::from(identity), Duration::ZERO, Some(what));
    }
}
