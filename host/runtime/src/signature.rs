//! Who answers for a plugin's file: an ed25519 signature (RFC 8032) in the file's last section.
//!
//! It is made over a label and the SHA-256 of every byte before that section, and stands with the public key that verifies
//! it. So one file stays one file, and a signature of another file, or of a part of this one, does not fit. Whether the key
//! is one that the operator trusts is the policy's to say.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{
    Signature, Signer as _, SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    refusal::Refusal,
    section::{Binary, SIGNATURE_SECTION},
};

/// Said before the digest, so that a signature is of a plugin and nothing else that is signed with the same key.
const LABEL: &[u8] = b"drls plugin signature 1\n";
/// Layout of the section; another number is another layout.
const FORMAT: u32 = 1;

/// A public key, written as the base64 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A private key, kept as PKCS#8 in PEM, the form that `openssl genpkey -algorithm ed25519` writes too.
pub struct PrivateKey(SigningKey);

/// A key, or what should be one, can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(String);

/// What a file says of who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "key")]
pub enum Signed {
    /// By nobody.
    Not,
    /// By the holder of this key.
    By(PublicKey),
    /// There is a signature, but it is not of this file.
    Wrong,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    format: u32,
    key: String,
    signature: String,
}

impl PublicKey {
    /// Reads a key.
    ///
    /// # Errors
    /// It is not the base64 of an ed25519 public key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError(format!("{text:?} is no public key; `drls plugin keys` prints those of this machine"));
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| wrong())?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| wrong())?;
        VerifyingKey::from_bytes(&bytes).map(|_| Self(bytes)).map_err(|_| wrong())
    }

    /// The beginning of the key, for people.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public()).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// The key of 32 random bytes.
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads PKCS#8 in PEM.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let key = SigningKey::from_pkcs8_pem(text);
        key.map(Self).map_err(|error| KeyError(format!("no ed25519 private key in PEM: {error}")))
    }

    /// Writes PKCS#8 in PEM.
    ///
    /// # Errors
    /// The encoder fails, which it has no reason to.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let pem = self.0.to_pkcs8_pem(LineEnding::LF);
        pem.map(|pem| pem.as_str().to_owned()).map_err(|error| KeyError(error.to_string()))
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }
}

/// `component` with a signature of `key` as its only one.
///
/// # Errors
/// The bytes are not a whole component.
pub fn sign(component: &[u8], key: &PrivateKey) -> Result<Vec<u8>, Refusal> {
    let binary = Binary::cut(component).map_err(Refusal::from)?;
    if binary.encoding != wasmparser::Encoding::Component {
        return Err(Refusal::CoreModule);
    }
    let bare = binary.without_custom(SIGNATURE_SECTION);
    let signature = key.0.sign(&message(&bare));
    let section = Section {
        format: FORMAT,
        key: key.public().to_string(),
        signature: BASE64_STANDARD.encode(signature.to_bytes()),
    };
    let section = serde_json::to_vec(&section).map_err(|error| Refusal::Io(error.to_string()))?;
    Ok(Binary::cut(&bare).map_err(Refusal::from)?.with_custom(SIGNATURE_SECTION, &section))
}

impl Signed {
    /// Reads and verifies the signature of a binary.
    pub(crate) fn read(binary: &Binary<'_>) -> Self {
        match binary.last_custom(SIGNATURE_SECTION) {
            Some((before, section)) => verified(before, section).map_or(Self::Wrong, Self::By),
            // One in the middle says nothing of what stands after it.
            None if binary.custom(SIGNATURE_SECTION).is_some() => Self::Wrong,
            None => Self::Not,
        }
    }

    /// The key that signed it.
    pub fn key(&self) -> Option<PublicKey> {
        match self {
            Self::By(key) => Some(*key),
            Self::Not | Self::Wrong => None,
        }
    }
}

fn verified(before: &[u8], section: &[u8]) -> Option<PublicKey> {
    let Section { format, key, signature } = serde_json::from_slice(section).ok()?;
    let key = PublicKey::parse(&key).ok().filter(|_| format == FORMAT)?;
    let signature: [u8; 64] = BASE64_STANDARD.decode(signature).ok()?.try_into().ok()?;
    // The strict rule: no second form of a signature, and no weak key, passes.
    let verifying = VerifyingKey::from_bytes(&key.0).ok()?;
    verifying.verify_strict(&message(before), &Signature::from_bytes(&signature)).ok()?;
    Some(key)
}

fn message(bytes: &[u8]) -> Vec<u8> {
    [LABEL, &Sha256::digest(bytes)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Signed {
        Signed::read(&Binary::cut(bytes).expect("whole"))
    }

    #[test]
    fn a_signature_is_of_every_byte_before_it() {
        let key = PrivateKey::new(&[7; 32]);
        let bare = wat::parse_str(r#"(component (@custom "x" "1") (core module))"#).expect("wat");
        assert_eq!(read(&bare), Signed::Not);
        let signed = sign(&bare, &key).expect("signed");
        assert_eq!(read(&signed), Signed::By(key.public()));
        wasmparser::validate(&signed).expect("valid");
        assert_eq!(sign(&signed, &key).expect("again"), signed);
        for at in 8..bare.len() {
            let mut other = signed.clone();
            other[at] ^= 1;
            // Where a byte of the framing is another one it is no whole binary any more.
            let told = Binary::cut(&other).map(|binary| Signed::read(&binary));
            assert!(!matches!(told, Ok(Signed::By(_))), "byte {at}");
        }
        let more = Binary::cut(&signed).expect("whole").with_custom("y", b"2");
        assert_eq!(read(&more), Signed::Wrong);
        let other = wat::parse_str(r#"(component (@custom "x" "2") (core module))"#).expect("wat");
        let section = Binary::cut(&signed).expect("whole").custom(SIGNATURE_SECTION).expect("signature").to_vec();
        let moved = Binary::cut(&other).expect("whole").with_custom(SIGNATURE_SECTION, &section);
        assert_eq!(read(&moved), Signed::Wrong);
    }

    #[test]
    fn keys_are_kept_as_text() {
        let key = PrivateKey::new(&[9; 32]);
        let again = PrivateKey::from_pem(&key.to_pem().expect("PEM")).expect("key");
        assert_eq!(again.public(), key.public());
        assert_eq!(PublicKey::parse(&key.public().to_string()).expect("key"), key.public());
        assert!(PublicKey::parse("c2hvcnQ=").is_err() && PrivateKey::from_pem("nothing").is_err());
    }
}
