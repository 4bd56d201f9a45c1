//! Random secrets: made here, shown once, kept only as digests.

use anyhow::{Context as _, Result};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// A secret of 32 random bytes in base64url with `prefix` before it, which lets scanners find leaked ones.
///
/// # Errors
/// Where the operating system gives no randomness.
pub fn make(prefix: &str) -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).context("the operating system gave no random bytes")?;
    Ok(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

/// What the database keeps of a secret: SHA-256 in hex. Enough for 256 random bits, which no one can try out.
pub fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}
