//! Secrets among the settings: stored, used, never shown.

use std::sync::LazyLock;

use regex::{Captures, Regex, RegexBuilder};
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
        || ["token=", "password=", "accountkey=", "sig="].iter().any(|part| text.to_ascii_lowercase().contains(part))
        || url::Url::parse(text).is_ok_and(|url| url.password().is_some())
}

/// A name that may name a secret, and its value: `key=value`, `key: value`, `"key": "value"`, `key -> value`. Names of no secret are
/// passed over, so that a secret in their value is found.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let words = WORDS.join("|");
    let name = format!(r"(?P<name>[\w.-]*(?:{words}|\bsig\b)[\w.-]*)");
    pattern(&format!(
        r#"{name}(?P<is>[\\"']*\s*(?:=>|->|[=:])\s*\\*)(?P<value>"[^"\\]*|'[^'\\]*|[^\s,;&(){{}}\[\]"'\\]+)"#
    ))
});

/// What follows the scheme of an `Authorization` header.
static SCHEME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?P<scheme>\bbearer\s+|\bauthorization[\\"']*\s*[:=]\s*[\\"']*basic\s+)[^\s"'\\,;)]+"#)
});

/// The password of an address.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"://(?P<user>[^\s/:@]+):\S+@"));

fn pattern(text: &str) -> Regex {
    RegexBuilder::new(text).case_insensitive(true).build().expect("one of the patterns above")
}

/// Words for people with the secrets in them hidden: the value of what is named like one, what follows the scheme of an
/// `Authorization` header, and the password in an address. For texts that others wrote, as the log of Spark.
pub(crate) fn veil(text: &str) -> String {
    let text = SCHEME.replace_all(text, format!("${{scheme}}{MASK}"));
    let text = ADDRESS.replace_all(&text, format!("://${{user}}:{MASK}@"));
    let named = NAMED.replace_all(&text, |found: &Captures<'_>| {
        let (name, is, value) = (&found["name"], &found["is"], &found["value"]);
        let bare = value.trim_start_matches(['"', '\'']);
        let scheme = ["bearer", "basic"].iter().any(|scheme| bare.eq_ignore_ascii_case(scheme));
        // "Cannot find key: region" tells no secret.
        let secret = !name.eq_ignore_ascii_case("key") && (name.eq_ignore_ascii_case("sig") || is_secret(name, ""));
        if !secret || scheme || bare.is_empty() || bare == MASK {
            return found[0].to_owned();
        }
        format!("{name}{is}{}{MASK}", &value[..value.len() - bare.len()])
    });
    named.into_owned()
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
            (r#"{"user":"a","password":"hunter2"}"#, "hunter2"),
            (r#"{"user": "a", "password": "hunter 2", "n": 1}"#, "hunter 2"),
            (r#""{\"password\":\"hunter2\"}""#, "hunter2"),
            ("Map(region -> eu, token -> abc123)", "abc123"),
            ("password = hunter2", "hunter2"),
            ("https://a.blob.core.windows.net/c?sv=2024&sig=abc%2F123&se=1", "abc%2F123"),
            ("options:password=hunter2", "hunter2"),
            ("'s3.session-token': 'abc123'", "abc123"),
        ] {
            let shown = veil(told);
            assert!(!shown.contains(secret), "{shown}");
            assert!(shown.contains(MASK), "{shown}");
        }
        for told in [
            "Lost task 0.0 in stage 1.0 (TID 1)",
            "Cannot find key: region",
            "a  b\tc=d",
            "region=eu/day=1",
            "s3.access-key-id=AK",
            "a signal=1",
        ] {
            assert_eq!(veil(told), told);
        }
    }
}
