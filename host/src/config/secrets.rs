//! Secrets among the settings: stored, used, never shown.

use serde_json::Value;

use crate::{error::FieldError, schema::child};

/// What is shown in place of a secret; sent back, it keeps the stored one.
pub const MASK: &str = "<secret>";

/// Words that make the value of a key a secret.
const WORDS: [&str; 12] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "credential",
    "authorization",
    "key",
    "signature",
    "sas",
    "connection-string",
    "oauth",
];

/// Replaces every secret in `settings` by [`MASK`].
pub(super) fn mask(settings: &mut Value) {
    each_string(settings, "", "", &mut |value, key, pointer| {
        // Public keys, whatever they are called.
        if !pointer.starts_with("/plugin_trust/")
            && value.as_str().is_some_and(|text| !text.is_empty() && is_secret(key, text))
        {
            *value = Value::from(MASK);
        }
    });
}

/// Puts the stored secrets back where `body` has [`MASK`]; answers a mistake for each that was never stored.
pub(super) fn unmask(body: &mut Value, stored: &Value) -> Vec<FieldError> {
    let mut mistakes = Vec::new();
    each_string(body, "", "", &mut |value, _, pointer| {
        if value.as_str() != Some(MASK) {
            return;
        }
        match stored.pointer(pointer) {
            Some(secret) => *value = secret.clone(),
            None => mistakes.push(FieldError::new(pointer, "no secret is stored here; send the secret itself")),
        }
    });
    mistakes
}

/// Calls `found` with every text, the key that it stands under and its JSON Pointer.
fn each_string(value: &mut Value, key: &str, pointer: &str, found: &mut impl FnMut(&mut Value, &str, &str)) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                each_string(value, key, &child(pointer, key), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter_mut().enumerate() {
                each_string(value, key, &format!("{pointer}/{index}"), found);
            }
        }
        Value::String(_) => found(value, key, pointer),
        _ => {}
    }
}

/// Whether a property of this name and value is a secret.
pub(crate) fn names_a_secret(key: &str, value: &str) -> bool {
    !value.is_empty() && is_secret(key, value)
}

/// Whether a text is a secret: by its key, or because it is an address that carries one (`user:password@`, `;token=`).
fn is_secret(key: &str, text: &str) -> bool {
    // The name of a key is no secret, and tells which one is in use.
    let key = key.to_ascii_lowercase().replace("key-id", "");
    WORDS.iter().any(|word| key.contains(word))
        || ["token=", "password=", "accountkey="].iter().any(|part| text.to_ascii_lowercase().contains(part))
        || url::Url::parse(text).is_ok_and(|url| url.password().is_some())
}

/// Words for people with the secrets in them hidden: the value of `key=value` and `key: value` where the key names a secret, and
/// the password in an address. For texts that others wrote, as the log of Spark.
pub(crate) fn veil(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).fold(String::with_capacity(text.len()), |mut veiled, word| {
        let after_name = veiled.trim_end().ends_with(':') && names_secret(veiled.trim_end().trim_end_matches(':'));
        let before = veiled.to_ascii_lowercase();
        let after_scheme = ["bearer ", "authorization: basic "].iter().any(|scheme| before.ends_with(scheme));
        if (after_name || after_scheme) && !word.trim().is_empty() {
            let bare = word.trim_end();
            // The scheme itself is none: what follows it is.
            let scheme = ["bearer", "basic"].iter().any(|scheme| bare.eq_ignore_ascii_case(scheme));
            veiled.push_str(if scheme { bare } else { MASK });
            veiled.push_str(word.strip_prefix(bare).unwrap_or_default());
        } else {
            veiled.push_str(&veil_word(word));
        }
        veiled
    })
}

/// Whether the last word of a text names a secret, whatever stands around it.
fn names_secret(text: &str) -> bool {
    let name = text.rsplit(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.')).next().unwrap_or_default();
    // "Cannot find key: region" tells no secret.
    !name.is_empty() && !name.eq_ignore_ascii_case("key") && is_secret(name, "")
}

/// A word without blanks, in which several `key=value` may stand.
fn veil_word(word: &str) -> String {
    let mut veiled = String::with_capacity(word.len());
    for part in word.split_inclusive(['&', ';', ',', '(', ')', '{', '}', '[', ']', '"', '\'']) {
        let named = part.match_indices('=').find(|(at, _)| names_secret(&part[..*at]));
        match named.map(|(at, _)| (&part[..at], &part[at + 1..])) {
            Some((key, value)) => {
                let end = value.trim_end_matches(['&', ';', ',', '(', ')', '{', '}', '[', ']', '"', '\'']);
                let end = end.trim_end();
                veiled.push_str(key);
                veiled.push('=');
                veiled.push_str(if end.is_empty() { "" } else { MASK });
                veiled.push_str(&value[end.len()..]);
            }
            None => veiled.push_str(part),
        }
    }
    match (veiled.find("://"), veiled.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme && veiled[scheme + 3..at].contains(':') => {
            let user = veiled[scheme + 3..at].split(':').next().unwrap_or_default();
            format!("{}{user}:{MASK}{}", &veiled[..scheme + 3], &veiled[at..])
        }
        _ => veiled,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hides_secrets_and_puts_them_back() {
        let stored = json!({
            "catalogs": { "lake": { "properties": {
                "uri": "https://lake.example.org", "credential": "id:key", "s3.secret-access-key": "s", "s3.access-key-id": "AK",
            } } },
            "spark": { "remote": "sc://spark.example.org/;token=abc" },
            "plugin_trust": { "signers": { "acme-key": "public" } },
            "db": "postgresql://drls:hunter2@db/x",
        });
        let mut shown = stored.clone();
        mask(&mut shown);
        let text = shown.to_string();
        for secret in ["id:key", "\"s\"", "abc", "hunter2"] {
            assert!(!text.contains(secret), "{secret} is shown in {text}");
        }
        assert!(text.contains("AK") && text.contains("public") && text.contains("https://lake.example.org"));
        assert_eq!(unmask(&mut shown, &stored), []);
        assert_eq!(shown, stored);
        let mut fresh = json!({ "catalogs": { "other": { "properties": { "token": MASK } } } });
        assert_eq!(unmask(&mut fresh, &stored)[0].pointer, "/catalogs/other/properties/token");
    }

    #[test]
    fn hides_secrets_in_the_words_of_others() {
        for (told, secret) in [
            ("connecting with s3.secret-access-key=abc123, region=eu", "abc123"),
            ("jdbc:postgresql://db/x?user=a&password=hunter2&ssl=true", "hunter2"),
            ("postgresql://drls:hunter2@db/x is gone", "hunter2"),
            ("header Authorization: Bearer eyJhb.x failed", "eyJhb"),
            ("password: hunter2 is wrong", "hunter2"),
            ("Map(token=abc123)", "abc123"),
            ("sc://localhost:1/;token=abc123;user_id=drls", "abc123"),
        ] {
            let shown = veil(told);
            assert!(!shown.contains(secret), "{shown}");
            assert!(shown.contains(MASK), "{shown}");
        }
        for told in ["Lost task 0.0 in stage 1.0 (TID 1)", "Cannot find key: region", "a  b\tc=d", "region=eu/day=1"] {
            assert_eq!(veil(told), told);
        }
    }
}
