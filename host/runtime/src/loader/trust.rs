//! Who may serve: what was decided about a plugin, versions that fail, and those that take their place. A change of either
//! kind is published as any other is, so calls that run end on what they began with.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Loader, Why};
use crate::{
    error::{FieldError, Identity},
    ledger::{Entry, Kept, Quarantine},
    life::{Holds, LifeState, Refused, Subject, Unfit},
    plugin::Plugin,
    refusal::Refusal,
    store::{Stamp, stem},
    strikes::Verdict,
    worker::{Job, Outcome},
};

impl Loader {
    /// What the ledger says of a plugin now, with what it could not take; its status shows it.
    fn entry(&self, id: &str) -> Result<Entry, Refusal> {
        let mut entry = self.shop.ledger.read(id).map_err(|error| Refusal::Ledger(error.to_string()))?;
        self.unsaved.get(id).into_iter().flatten().for_each(|change| change(&mut entry));
        self.shop.life.with(id, |record| record.entry = entry.clone());
        Ok(entry)
    }

    /// Changes the ledger, and gives what it says then. What the disk does not take holds all the same, and is written once it
    /// does: at the next change, or the next look at the folder.
    pub(super) fn write(&mut self, id: &str, change: impl Fn(&mut Entry) + Send + 'static) -> Entry {
        let changes = self.unsaved.entry(id.to_owned()).or_default();
        changes.push(Box::new(change));
        self.save(id);
        let newest = self.unsaved.get(id).and_then(|changes| changes.last());
        self.shop.life.with(id, |record| {
            if let Some(change) = newest {
                change(&mut record.entry);
            }
            record.entry.clone()
        })
    }

    /// Writes what the disk did not take before.
    pub(super) fn save(&mut self, id: &str) {
        let Some(changes) = self.unsaved.get(id) else { return };
        match self.shop.ledger.update(id, |entry| changes.iter().for_each(|change| change(entry))) {
            Ok((entry, ())) => {
                self.shop.life.with(id, |record| record.entry = entry);
                self.unsaved.remove(id);
            }
            Err(error) => tracing::warn!(plugin = id, "what is known of it can't be kept over a restart: {error}"),
        }
    }

    /// Whether a file may be loaded. One that may not is noted as if it had been.
    pub(super) fn may_serve(&mut self, name: &str, stamp: Stamp) -> bool {
        let entry = self.entry(stem(name));
        if matches!(&entry, Ok(entry) if entry.disabled.is_none()) {
            return true;
        }
        self.shop.life.with(stem(name), |record| record.present = true);
        if let Some(track) = self.tracks.get_mut(name) {
            (track.loaded, track.noticed, track.unfinished) = (Some(stamp), None, None);
        }
        if let Err(refusal) = entry {
            self.refuse(name, Refused { subject: Subject::default(), refusal });
        }
        false
    }

    /// A file was loaded. It serves, unless a person switched it off meanwhile or it is in quarantine.
    pub(super) fn take(&mut self, name: &str, plugin: Plugin, unfit: Vec<FieldError>, took: Duration) {
        let id = stem(name);
        let identity = Arc::clone(plugin.identity());
        let entry = match self.entry(id) {
            Ok(entry) if entry.disabled.is_some() => return,
            Ok(entry) => entry,
            Err(refusal) => return self.refuse(name, Refused { subject: Subject::from(&*identity), refusal }),
        };
        // Asked now, on the word of now: it may be another one than when the load began.
        if let Err(refusal) = self.may_begin(&plugin, &entry, false) {
            self.refuse(name, Refused { subject: Subject::from(&*identity), refusal });
            self.fall_back(name);
            return;
        }
        Self::grant(&plugin, &entry);
        let quarantine = entry.quarantined(&identity.digest, self.shop.now()).cloned();
        if let Some(quarantine) = &quarantine {
            let refusal = Refusal::Quarantined(quarantine.words(self.shop.now()));
            let refused = Refused { subject: Subject::from(&*identity), refusal };
            let other = self.snapshot.load().plugin(id).is_some_and(|p| p.identity().digest != identity.digest);
            if other || last_good(&entry, &identity.digest, self.shop.now()).is_some() {
                self.refuse(name, refused);
                self.fall_back(name);
                return;
            }
        }
        if let Some(track) = self.tracks.get_mut(name) {
            track.refused = None;
        }
        self.shop.life.with(id, |record| record.refused = None);
        self.publish(name, plugin, unfit, quarantine.as_ref());
        match quarantine {
            Some(quarantine) => {
                let words = format!("its calls are refused: {}", quarantine.words(self.shop.now()));
                self.tell(LifeState::Active, &identity, took, Some(words));
            }
            None => self.tell(LifeState::Active, &identity, took, None),
        }
    }

    fn publish(&mut self, name: &str, plugin: Plugin, unfit: Vec<FieldError>, quarantine: Option<&Quarantine>) {
        let id = stem(name);
        let unfit = (!unfit.is_empty()).then_some(Unfit { mistakes: unfit, holds: Holds::OwnValues });
        let identity = Arc::clone(plugin.identity());
        let old = self.snapshot.load().plugin(id).filter(|old| old.identity().digest != identity.digest).cloned();
        let old = old.map(|old| (old.identity().digest.clone(), figures(&old)));
        let proven = self.shop.life.with(id, |record| {
            record.unfit = unfit;
            record.entry.kept(&identity.digest).is_some_and(|kept| kept.proven)
        });
        if let (true, Some(judge)) = (proven, &plugin.code().judge) {
            judge.prove();
        }
        match quarantine {
            Some(quarantine) => self.bar(id, &plugin, quarantine),
            None => {
                self.unbar(name);
                self.swap(id, Some(plugin));
            }
        }
        tracing::info!(plugin = id, version = %identity.version, digest = identity.digest, "plugin serves");
        let at = self.shop.now();
        self.write(id, move |entry| {
            if let Some((digest, (calls, faults))) = &old
                && let Some(kept) = entry.kept_mut(digest)
            {
                (kept.calls, kept.faults) = (*calls, *faults);
            }
            entry.served(&identity, at);
        });
    }

    /// Where nothing serves in the place of a refused file: what did when the runtime ended.
    pub(super) fn fall_back(&mut self, name: &str) {
        let id = stem(name);
        if self.snapshot.load().plugin(id).is_some() {
            return;
        }
        let refused = self.tracks.get(name).and_then(|track| track.refused.as_ref()?.subject.digest.clone());
        let Ok(entry) = self.entry(id) else { return };
        if let Some(digest) = last_good(&entry, refused.as_deref().unwrap_or_default(), self.shop.now()) {
            self.load_kept(name, digest);
        }
    }

    /// Loads a version that is kept, in the place of the file.
    fn load_kept(&mut self, name: &str, digest: String) {
        let Some(track) = self.tracks.get_mut(name).filter(|track| !track.tried.contains(&digest)) else { return };
        track.tried.push(digest.clone());
        track.busy = true;
        let job = Job {
            name: name.to_owned(),
            noticed: Instant::now(),
            serving: None,
            refused: None,
            kept: Some(digest),
            config: self.configs.get(stem(name)).cloned().unwrap_or_default(),
        };
        // The workers live as long as this sender.
        let _ = self.jobs.send(job);
    }

    /// A kept version was loaded, or could not be.
    pub(super) fn fallen(&mut self, name: &str, digest: &str, outcome: Outcome) {
        let id = stem(name);
        let Some(track) = self.tracks.get_mut(name) else { return };
        track.busy = false;
        let Outcome::Loaded { plugin, config, unfit, took } = outcome else {
            tracing::warn!(plugin = id, digest, "the version that is kept does not load: {outcome:?}");
            self.replace_failed(name);
            return;
        };
        let Some(entry) = self.entry(id).ok().filter(|entry| entry.disabled.is_none()) else { return };
        if let Err(refusal) = self.may_begin(&plugin, &entry, true) {
            tracing::warn!(plugin = id, digest, "the version that is kept does not serve: {refusal}");
            self.replace_failed(name);
            return;
        }
        Self::grant(&plugin, &entry);
        let Some(track) = self.tracks.get_mut(name) else { return };
        track.tried.clear();
        let failed = track.failed.take();
        let (plugin, unfit) = self.current(id, *plugin, &config, unfit);
        let identity = Arc::clone(plugin.identity());
        let quarantine = entry.quarantined(&identity.digest, self.shop.now()).cloned();
        self.publish(name, plugin, unfit, quarantine.as_ref());
        let Some(failed) = failed else {
            let words = "kept, in the place of the file, which is refused".to_owned();
            self.tell(LifeState::Active, &identity, took, Some(words));
            return;
        };
        let reason = self.shop.life.with(id, |record| {
            record.rollbacks += 1;
            record.entry.kept(&failed.digest).and_then(|kept| Some(kept.quarantine.as_ref()?.reason.clone()))
        });
        let words = format!("in the place of {}: {}", failed.version, reason.unwrap_or_default());
        self.tell(LifeState::RolledBack, &identity, took, Some(words));
    }

    /// The calls of a version say something of it.
    pub(super) fn judged(&mut self, id: &str, digest: &str, verdict: Verdict) {
        let serving = self.snapshot.load().plugin(id).cloned();
        let fits = |plugin: &Arc<Plugin>| plugin.identity().digest == digest && plugin.barred().is_none();
        let Some(plugin) = serving.filter(fits) else { return };
        match verdict {
            Verdict::Proven => {
                let digest = digest.to_owned();
                self.write(id, move |entry| {
                    if let Some(kept) = entry.kept_mut(&digest) {
                        kept.proven = true;
                    }
                });
            }
            Verdict::Struck(reason) => self.struck(id, &plugin, &reason, false),
            Verdict::Worse(reason) => self.struck(id, &plugin, &reason, true),
        }
    }

    /// Takes a version out of service: a new one gives its place back to one that did well, any other waits. `worse`: only
    /// where there is one that did well.
    fn struck(&mut self, id: &str, plugin: &Arc<Plugin>, reason: &str, worse: bool) {
        let name = format!("{id}.wasm");
        let identity = plugin.identity();
        // A file that is being loaded will take its place, or show that it does not.
        let busy = self.tracks.get(&name).is_none_or(|track| track.busy);
        let proven = plugin.code().judge.as_ref().is_none_or(|judge| judge.proven());
        let better = !busy && !proven && self.better(&name, &identity.digest).is_some();
        if worse && !better {
            if let Some(judge) = &plugin.code().judge {
                judge.listen();
            }
            return;
        }
        let (strikes, digest, reason, at) =
            (self.shop.host.limits.strikes.clone(), identity.digest.clone(), reason.to_owned(), self.shop.now());
        let known = Arc::clone(identity);
        let entry = self.write(id, move |entry| {
            if entry.kept(&digest).is_none() {
                // Somebody removed what was known of it.
                entry.served(&known, at);
            }
            entry.quarantine(&digest, &reason, better, &strikes, at);
        });
        let Some(quarantine) = entry.kept(&identity.digest).and_then(|kept| kept.quarantine.clone()) else { return };
        self.shop.life.with(id, |record| record.quarantines += 1);
        self.tell(LifeState::Quarantined, identity, Duration::ZERO, Some(quarantine.words(self.shop.now())));
        if !better {
            self.bar(id, plugin, &quarantine);
            return;
        }
        if let Some(track) = self.tracks.get_mut(&name) {
            let refusal = Refusal::Quarantined(quarantine.words(self.shop.now()));
            let subject = Subject::from(&**identity);
            let refused = track.refused.get_or_insert(Refused { subject, refusal }).clone();
            track.failed = Some(Arc::clone(identity));
            self.shop.life.with(id, |record| record.refused = Some(refused));
        }
        self.replace_failed(&name);
    }

    /// The newest version that is kept, may serve, did well, and was not tried.
    fn better(&self, name: &str, than: &str) -> Option<String> {
        let tried = &self.tracks.get(name)?.tried;
        let entry = self.entry(stem(name)).ok()?;
        let fits = |digest: &str| digest != than && !tried.iter().any(|one| one == digest);
        entry.fit(self.shop.now()).find(|kept| kept.did_well() && fits(&kept.digest)).map(|kept| kept.digest.clone())
    }

    /// Loads the next version that may take the place of one that failed; where there is none its calls are refused.
    fn replace_failed(&mut self, name: &str) {
        let id = stem(name);
        let Some(failed) = self.tracks.get(name).and_then(|track| track.failed.clone()) else { return };
        if let Some(digest) = self.better(name, &failed.digest) {
            self.load_kept(name, digest);
            return;
        }
        if let Some(track) = self.tracks.get_mut(name) {
            track.failed = None;
            track.tried.clear();
        }
        // Nothing takes its place after all: it is tried again, as one is that never had another.
        let (strikes, digest) = (self.shop.host.limits.strikes.clone(), failed.digest.clone());
        let at = self.shop.now();
        let entry = self.write(id, move |entry| entry.wait(&digest, &strikes, at));
        let quarantine = entry.quarantined(&failed.digest, self.shop.now()).cloned();
        let serving = self.snapshot.load().plugin(id).filter(|p| p.identity().digest == failed.digest).cloned();
        if let (Some(quarantine), Some(plugin)) = (quarantine, serving) {
            self.bar(id, &plugin, &quarantine);
        }
    }

    /// Publishes a plugin whose calls are refused, until its quarantine is over.
    fn bar(&mut self, id: &str, plugin: &Plugin, quarantine: &Quarantine) {
        let now = self.shop.now();
        self.swap(id, Some(plugin.with_bar(Some(quarantine.words(now).into()))));
        if let Some(track) = self.tracks.get_mut(&format!("{id}.wasm")) {
            let left = |until: i64| Duration::from_millis(u64::try_from(until - now).unwrap_or(0));
            track.release = quarantine.until.map(|until| Instant::now() + left(until));
        }
    }

    fn unbar(&mut self, name: &str) {
        if let Some(track) = self.tracks.get_mut(name) {
            track.release = None;
        }
    }

    /// Lets every plugin serve again whose quarantine is over.
    pub(super) fn release_due(&mut self, now: Instant) {
        let due = self.tracks.iter().filter(|(_, track)| track.release.is_some_and(|at| at <= now));
        let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        due.iter().for_each(|name| self.release(name));
    }

    fn release(&mut self, name: &str) {
        self.unbar(name);
        let id = stem(name);
        let Some(barred) = self.snapshot.load().plugin(id).filter(|plugin| plugin.barred().is_some()).cloned() else {
            return;
        };
        if let Some(judge) = &barred.code().judge {
            judge.forget();
        }
        self.swap(id, Some(barred.with_bar(None)));
        let words = "tried again after its quarantine".to_owned();
        self.tell(LifeState::Active, barred.identity(), Duration::ZERO, Some(words));
    }

    /// Makes what is decided about a plugin hold.
    pub(super) fn decided(&mut self, id: &str) {
        let name = format!("{id}.wasm");
        if !self.tracks.contains_key(&name) {
            return;
        }
        let (was_disabled, was_granted) =
            self.shop.life.with(id, |record| (record.entry.disabled.clone(), record.entry.grant.clone()));
        let entry = match self.entry(id) {
            Ok(entry) => entry,
            Err(refusal) => {
                tracing::warn!(plugin = id, "{refusal}; it goes on as it was");
                return;
            }
        };
        if entry.grant != was_granted {
            self.told_of_grant(id, &entry);
        }
        let serving = self.snapshot.load().plugin(id).cloned();
        let subject = serving.as_ref().map(|plugin| Subject::from(&**plugin.identity())).unwrap_or_default();
        if let Some(decision) = &entry.disabled {
            self.unbar(&name);
            if serving.is_some() {
                self.swap(id, None);
            }
            if was_disabled.is_none() {
                let words = format!("by {}", decision.by);
                self.shop.life.tell(id, LifeState::Disabled, &subject, Duration::ZERO, Some(words));
            }
            return;
        }
        if was_disabled.is_some() {
            self.shop.life.tell(id, LifeState::Enabled, &subject, Duration::ZERO, None);
            self.note(&name, Why::Again);
            return;
        }
        let lifted = self.is_lifted(&name, &entry);
        if lifted {
            self.note(&name, Why::Again);
        }
        self.regrant(&name, &entry, lifted);
        let free = |digest: &str| entry.quarantined(digest, self.shop.now()).is_none();
        if serving.is_some_and(|plugin| plugin.barred().is_some() && free(&plugin.identity().digest)) {
            self.release(&name);
        }
    }

    /// Whether what a file was refused for stands no longer by the ledger.
    fn is_lifted(&self, name: &str, entry: &Entry) -> bool {
        let refused = self.tracks.get(name).and_then(|track| track.refused.as_ref());
        refused.is_some_and(|refused| match (&refused.refusal, &refused.subject.digest) {
            (Refusal::Quarantined(_), Some(digest)) => entry.quarantined(digest, self.shop.now()).is_none(),
            (Refusal::Ledger(_), _) => true,
            (Refusal::Older { .. }, Some(digest)) => entry.went_back.as_ref() == Some(digest),
            (Refusal::NeedsGrant(wanted), _) => wanted.asked.missing(&entry.rights(wanted.signer)).is_empty(),
            _ => false,
        })
    }

    fn tell(&self, state: LifeState, identity: &Identity, took: Duration, detail: Option<String>) {
        self.shop.life.tell(&identity.id, state, &Subject::from(identity), took, detail);
    }
}

/// Digest of what is to serve in the place of the file that is refused: what served when the runtime ended; where the file
/// itself did and had to give its place, the newest that did well; else one that waits for the end of its quarantine.
fn last_good(entry: &Entry, refused: &str, now: i64) -> Option<String> {
    let serving = entry.serving.as_ref()?;
    let fit = || entry.fit(now).filter(|kept| kept.digest != refused);
    let for_good = |kept: &Kept| kept.quarantine.as_ref().is_some_and(|quarantine| quarantine.until.is_none());
    let gave_its_place = || entry.kept(refused).is_some_and(|kept| !kept.proven && for_good(kept));
    fit()
        .find(|kept| kept.digest == *serving)
        .or_else(|| fit().find(|kept| kept.did_well()).filter(|_| gave_its_place()))
        .or_else(|| entry.kept(serving).filter(|kept| kept.digest != refused && !for_good(kept)))
        .map(|kept| kept.digest.clone())
}

/// Calls of a plugin's code, and those that it failed.
fn figures(plugin: &Plugin) -> (u64, u64) {
    plugin.code().judge.as_ref().map(|judge| judge.figures()).unwrap_or_default()
}
