//! Passwords: argon2id, off the async workers, a few at a time.

use std::sync::LazyLock;

use anyhow::{Result, anyhow};
use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// The shortest password accepted, in characters (NIST SP 800-63B-4, section 3.1.1.2, single-factor minimum 15; with a throttle 12 bears
/// the same guessing effort).
pub const MIN_LENGTH: usize = 12;

/// Hashes at once: each takes 19 MiB and a core for some tens of milliseconds.
static SLOTS: Semaphore = Semaphore::const_new(2);

/// Verified against where there is no such user, so that the time taken does not tell which names exist.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// Hashes a new password into its PHC string.
///
/// # Errors
/// Where it is too short, in words for people.
pub async fn hash(password: String) -> Result<String> {
    let length = password.chars().count();
    if length < MIN_LENGTH {
        return Err(anyhow!("the password has {length} characters; use at least {MIN_LENGTH}"));
    }
    let _slot = SLOTS.acquire().await?;
    spawn_blocking(move || hash_now(&password)).await?
}

/// Whether `password` is the one behind `stored`; `None` (no such user, or one without a password) takes as long and is false.
///
/// # Errors
/// Where the stored hash can't be read.
pub async fn verify(password: String, stored: Option<String>) -> Result<bool> {
    let _slot = SLOTS.acquire().await?;
    spawn_blocking(move || {
        let known = stored.is_some();
        let phc = stored.unwrap_or_else(|| NOBODY.clone());
        let parsed =
            PasswordHash::new(&phc).map_err(|error| anyhow!("a stored password hash is unreadable: {error}"))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

/// Argon2id with the crate's defaults (OWASP's: 19 MiB, 2 passes, 1 lane) and a fresh salt.
fn hash_now(password: &str) -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    let salt = SaltString::encode_b64(&bytes).map_err(|error| anyhow!("no salt: {error}"))?;
    let phc = Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map_err(|error| anyhow!("the password can't be hashed: {error}"))?;
    Ok(phc.to_string())
}
