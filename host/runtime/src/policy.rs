//! What the operator lets in, and how much of it: whose signatures count, what single plugins may take, which hosts are inside.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    refusal::Refusal,
    rights,
    signature::{PublicKey, Signed},
};

/// Whether plugins must be signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Signatures {
    /// Signatures are shown and ask for nothing.
    #[default]
    Off,
    /// A plugin that is not signed by a trusted key serves, and its status warns.
    Warn,
    /// Only what a trusted key signed serves, and no version that is older than one that served.
    Require,
}

/// The operator's word on plugins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    /// Whether plugins must be signed.
    pub signatures: Signatures,
    /// Keys that count, by the name that people know them by.
    pub signers: BTreeMap<String, PublicKey>,
    /// What single plugins get at most, by id.
    pub ceilings: BTreeMap<String, Ceiling>,
    /// Where requests of plugins may go beside the public internet.
    pub network: Network,
}

/// The most that one plugin gets, whatever its manifest asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// Memory of a call, bytes.
    pub memory: Option<u64>,
    /// Time of a call.
    pub time: Option<Duration>,
}

/// The operator's own network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Hosts, as rights hold them, that may have addresses inside, and may be spoken to without TLS. A plugin reaches one
    /// only where that is granted to it too.
    pub internal: BTreeSet<String>,
}

impl Network {
    /// Hosts in the form that rights have.
    ///
    /// # Errors
    /// The place of each that is no host, and why.
    pub fn of(hosts: &[String]) -> Result<Self, Vec<(usize, String)>> {
        let parsed: Vec<_> = hosts.iter().map(|host| rights::host(host)).collect();
        let wrong = parsed.iter().enumerate().filter_map(|(at, one)| Some((at, one.clone().err()?)));
        let wrong: Vec<_> = wrong.collect();
        if wrong.is_empty() { Ok(Self { internal: parsed.into_iter().flatten().collect() }) } else { Err(wrong) }
    }
}

impl Policy {
    /// What a plugin gets of what it asks for.
    pub(crate) fn allowance(&self, id: &str, memory: u64, time: Duration) -> (u64, Duration) {
        let Ceiling { memory: most, time: longest } = self.ceilings.get(id).copied().unwrap_or_default();
        (most.map_or(memory, |most| most.min(memory)), longest.map_or(time, |longest| longest.min(time)))
    }

    /// The name of a trusted key.
    pub fn name_of(&self, key: PublicKey) -> Option<&str> {
        self.signers.iter().find(|(_, known)| **known == key).map(|(name, _)| name.as_str())
    }

    /// What is wrong with who signed a file, whether or not that counts; none where a trusted key did.
    pub(crate) fn doubt(&self, signed: &Signed) -> Option<String> {
        match signed {
            Signed::By(key) if self.name_of(*key).is_some() => None,
            Signed::By(key) => Some(format!("signed with the key {key}, which is not trusted here")),
            Signed::Not => Some("not signed".to_owned()),
            Signed::Wrong => Some("its signature is not of this file, or not whole".to_owned()),
        }
    }

    /// Whether a file of such a signature is let in.
    pub(crate) fn admits(&self, signed: &Signed) -> Result<(), Refusal> {
        match (self.signatures, self.doubt(signed)) {
            (Signatures::Require, Some(doubt)) => Err(Refusal::Signature(doubt)),
            _ => Ok(()),
        }
    }

    /// What to warn of where a plugin serves.
    pub(crate) fn warning(&self, signed: &Signed) -> Option<String> {
        self.doubt(signed).filter(|_| self.signatures == Signatures::Warn)
    }
}
