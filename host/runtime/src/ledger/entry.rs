//! What is kept about one plugin.

use std::time::Duration;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{error::Identity, rights::Rights, signature::PublicKey, strikes::Strikes};

/// Versions of a plugin that are kept to go back to, the serving one among them.
pub const KEPT: usize = 5;

/// How much of a digest names a version.
pub(super) const SHORT: usize = 8;

/// What is known of one plugin beside its file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Who switched it off, where somebody did. Holds whatever file is put there.
    pub disabled: Option<Decision>,
    /// SHA-256 of what serves, or did when the runtime ended; none once its file is gone.
    pub serving: Option<String>,
    /// Versions that served, the one that did last first; at most [`KEPT`].
    pub versions: Vec<Kept>,
    /// The newest version that ever served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Version>,
    /// SHA-256 of the older version that a person went back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub went_back: Option<String>,
    /// What an admin granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

/// Rights that an admin gave to a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What it may do.
    #[serde(flatten)]
    pub rights: Rights,
    /// Key that signed the version that it was given for; it holds for no version of another signer.
    #[serde(default)]
    pub signer: Option<String>,
    /// Who gave it, and when.
    #[serde(flatten)]
    pub decision: Decision,
}

/// Something that a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Name of the user, or "command line".
    pub by: String,
    /// When, milliseconds since the Unix epoch, UTC.
    pub at: i64,
}

/// A version whose file is in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Version from its manifest.
    pub version: Version,
    /// SHA-256 of its file.
    pub digest: String,
    /// When it last began to serve, milliseconds since the Unix epoch, UTC.
    pub served_at: i64,
    /// It answered so many calls so well that what it fails by now is not the fault of its being new.
    #[serde(default)]
    pub proven: bool,
    /// Calls that it answered or failed when it served last.
    #[serde(default)]
    pub calls: u64,
    /// Those of them that it is to blame for.
    #[serde(default)]
    pub faults: u64,
    /// Why it was taken out of service, the last time that it was.
    #[serde(default)]
    pub quarantine: Option<Quarantine>,
}

/// A version that failed too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// What it did, in words.
    pub reason: String,
    /// Since when, milliseconds since the Unix epoch, UTC.
    pub at: i64,
    /// How often in a row.
    pub times: u32,
    /// When it is tried again, milliseconds since the Unix epoch; none: once a person says so.
    pub until: Option<i64>,
}

impl Entry {
    /// The version that a rollback goes back to: the one that served before, unless it is in quarantine at `now`.
    pub fn before(&self, now: i64) -> Option<&Kept> {
        self.versions.iter().find(|kept| Some(&kept.digest) != self.serving.as_ref() && kept.quarantined(now).is_none())
    }

    /// What a version of this signer may do.
    pub(crate) fn rights(&self, signer: Option<PublicKey>) -> Rights {
        let signer = signer.map(|key| key.to_string());
        let grant = self.grant.as_ref().filter(|grant| grant.signer == signer);
        grant.map(|grant| grant.rights.clone()).unwrap_or_default()
    }

    /// The newest version that served, where this one is older and nobody went back to it.
    pub(crate) fn newer_than(&self, identity: &Identity) -> Option<&Version> {
        let allowed = [&self.went_back, &self.serving].into_iter().flatten().any(|digest| *digest == identity.digest);
        // What served before that was kept apart stands among the versions.
        let newest = self.versions.iter().map(|kept| &kept.version).chain(&self.newest).max();
        newest.filter(|newest| **newest > identity.version && !allowed)
    }

    /// The kept version of this number, or of a digest that begins so with at least 8 digits.
    pub fn find(&self, wanted: &str) -> Option<&Kept> {
        let is = |kept: &&Kept| {
            kept.version.to_string() == wanted || (wanted.len() >= SHORT && kept.digest.starts_with(wanted))
        };
        self.versions.iter().find(is)
    }

    /// Kept versions that may serve at `now`, the newest first.
    pub(crate) fn fit(&self, now: i64) -> impl Iterator<Item = &Kept> {
        self.versions.iter().filter(move |kept| kept.quarantined(now).is_none())
    }

    /// The quarantine of a file that is in force at `now`.
    pub(crate) fn quarantined(&self, digest: &str, now: i64) -> Option<&Quarantine> {
        self.kept(digest)?.quarantined(now)
    }

    pub(crate) fn kept(&self, digest: &str) -> Option<&Kept> {
        self.versions.iter().find(|kept| kept.digest == digest)
    }

    pub(crate) fn kept_mut(&mut self, digest: &str) -> Option<&mut Kept> {
        self.versions.iter_mut().find(|kept| kept.digest == digest)
    }

    /// `identity` serves from `now` on. The oldest version is dropped where there are too many.
    pub(crate) fn served(&mut self, identity: &Identity, now: i64) {
        if self.newest.as_ref().is_none_or(|newest| *newest < identity.version) {
            self.newest = Some(identity.version.clone());
        }
        if self.went_back.as_ref().is_some_and(|digest| *digest != identity.digest) {
            self.went_back = None;
        }
        if self.serving.as_ref() == Some(&identity.digest) && self.kept(&identity.digest).is_some() {
            return;
        }
        let at = self.versions.iter().position(|kept| kept.digest == identity.digest);
        let mut kept = at.map(|at| self.versions.remove(at)).unwrap_or_else(|| Kept {
            version: identity.version.clone(),
            digest: identity.digest.clone(),
            served_at: now,
            proven: false,
            calls: 0,
            faults: 0,
            quarantine: None,
        });
        kept.served_at = now;
        self.versions.insert(0, kept);
        self.versions.truncate(KEPT);
        self.serving = Some(identity.digest.clone());
    }

    /// Takes a version out of service; `for_good` until a person lets it serve again.
    pub(crate) fn quarantine(&mut self, digest: &str, reason: &str, for_good: bool, strikes: &Strikes, now: i64) {
        let before = self.kept(digest).and_then(|kept| kept.quarantine.as_ref());
        let times = before.filter(|q| !strikes.forgives(q, now)).map_or(1, |q| q.times.saturating_add(1));
        let quarantine = Quarantine { reason: reason.to_owned(), at: now, times, until: None };
        if let Some(kept) = self.kept_mut(digest) {
            kept.quarantine = Some(quarantine);
        }
        if !for_good {
            self.wait(digest, strikes, now);
        }
    }

    /// Lets a quarantine end by itself, so long after `now` as the one of its number in a row does.
    pub(crate) fn wait(&mut self, digest: &str, strikes: &Strikes, now: i64) {
        if let Some(quarantine) = self.kept_mut(digest).and_then(|kept| kept.quarantine.as_mut()) {
            let wait = strikes.wait(quarantine.times);
            let millis = |wait: Duration| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            quarantine.until = wait.map(|wait| now.saturating_add(millis(wait)));
        }
    }
}

impl Grant {
    /// The same rights for the same signer, whoever gave them.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.rights == other.rights && self.signer == other.signer
    }
}

impl Kept {
    /// Its quarantine, where that is in force at `now`.
    pub fn quarantined(&self, now: i64) -> Option<&Quarantine> {
        self.quarantine.as_ref().filter(|quarantine| quarantine.until.is_none_or(|until| quarantine.lasts(until, now)))
    }

    /// It failed in less than one call of a hundred, the last time that it served.
    pub(crate) fn did_well(&self) -> bool {
        self.faults == 0 || self.faults.saturating_mul(100) < self.calls
    }
}

impl Quarantine {
    /// Whether it goes on at `now`. A clock that was set back would make it last for as long as it was set back, so at most
    /// as long again as it was to last.
    fn lasts(&self, until: i64, now: i64) -> bool {
        let left = until.saturating_sub(now);
        left > 0 && left <= until.saturating_sub(self.at).saturating_mul(2)
    }

    /// What it did and how long that counts against it.
    pub(crate) fn words(&self, now: i64) -> String {
        match self.until {
            Some(until) => format!("{}; tried again in {} s", self.reason, ((until - now).max(0) + 999) / 1000),
            None => self.reason.clone(),
        }
    }
}
