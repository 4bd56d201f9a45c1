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

/// Whether a text is a secret: by its key, or because it is an address that carries one (`user:password@`, `;token=`).
fn is_secret(key: &str, text: &str) -> bool {
    // The name of a key is no secret, and tells which one is in use.
    let key = key.to_ascii_lowercase().replace("key-id", "");
    WORDS.iter().any(|word| key.contains(word))
        || ["token=", "password=", "accountkey="].iter().any(|part| text.to_ascii_lowercase().contains(part))
        || url::Url::parse(text).is_ok_and(|url| url.password().is_some())
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
}
