//! What a plugin may do beyond reading the facts that it is given: what it asks for, what an admin granted, and the
//! difference.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::FieldError;

/// Rights of a plugin. The empty ones are those of nearly every plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rights {
    /// Outgoing requests.
    pub http: Http,
}

/// Outgoing requests over HTTPS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Http {
    /// Names of hosts, with a port where it is not 443: "api.example.com", "api.example.com:8443".
    pub hosts: BTreeSet<String>,
    /// Methods, in capitals.
    pub methods: BTreeSet<String>,
}

/// Methods that can be asked for.
pub(crate) const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

impl Http {
    /// True where nothing can be sent.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() || self.methods.is_empty()
    }

    fn without(&self, granted: &Self) -> Self {
        let missing =
            |asked: &BTreeSet<String>, granted: &BTreeSet<String>| asked.difference(granted).cloned().collect();
        let hosts: BTreeSet<String> = missing(&self.hosts, &granted.hosts);
        let methods: BTreeSet<String> = missing(&self.methods, &granted.methods);
        // A method that is missing is missing at every host, and the other way round.
        match (hosts.is_empty(), methods.is_empty()) {
            (true, true) => Self::default(),
            (true, false) => Self { hosts: self.hosts.clone(), methods },
            (false, true) => Self { hosts, methods: self.methods.clone() },
            (false, false) => Self { hosts, methods },
        }
    }
}

impl Rights {
    /// True where nothing is asked for or granted.
    pub fn is_empty(&self) -> bool {
        self.http.is_empty()
    }

    /// What of these is among `others` too.
    pub(crate) fn both(&self, others: &Self) -> Self {
        let both = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.intersection(other).cloned().collect();
        let (one, other) = (&self.http, &others.http);
        Self { http: Http { hosts: both(&one.hosts, &other.hosts), methods: both(&one.methods, &other.methods) } }
    }

    /// These with hosts and methods in their one form.
    ///
    /// # Errors
    /// Every word that is no host or no method, by its JSON Pointer.
    pub fn parse(&self) -> Result<Self, Vec<FieldError>> {
        let mut mistakes = Vec::new();
        let mut each = |name: &str, words: &BTreeSet<String>, parse: fn(&str) -> Result<String, String>| {
            let parsed = words.iter().enumerate().map(|(at, word)| (at, parse(word)));
            let mistake = |at, detail| mistakes.push(FieldError { pointer: format!("/http/{name}/{at}"), detail });
            let mut mistake = mistake;
            parsed.filter_map(|(at, one)| one.map_err(|detail| mistake(at, detail)).ok()).collect()
        };
        let hosts: BTreeSet<String> = each("hosts", &self.http.hosts, host);
        let methods: BTreeSet<String> = each("methods", &self.http.methods, method);
        for (name, none, other) in
            [("hosts", &self.http.hosts, &self.http.methods), ("methods", &self.http.methods, &self.http.hosts)]
        {
            if none.is_empty() && !other.is_empty() {
                let detail = format!("is empty; name one or more, or leave out {name} and the other to grant nothing");
                mistakes.push(FieldError { pointer: format!("/http/{name}"), detail });
            }
        }
        if mistakes.is_empty() { Ok(Self { http: Http { hosts, methods } }) } else { Err(mistakes) }
    }

    /// What of these is not among `granted`.
    pub fn missing(&self, granted: &Self) -> Self {
        Self { http: self.http.without(&granted.http) }
    }

    /// In words, as "GET, POST to api.example.com".
    pub fn words(&self) -> String {
        let list = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if self.http.is_empty() {
            return "nothing".to_owned();
        }
        format!("{} to {}", list(&self.http.methods), list(&self.http.hosts))
    }
}

/// The name of a host as rights hold it: lower case, without the port that HTTPS has anyway. What it says is wrong where it is
/// no name of a host.
pub(crate) fn host(text: &str) -> Result<String, String> {
    let wrong =
        || format!("{text:?} is no host; write a name with a port where it is not 443, as \"api.example.com:8443\"");
    let (name, port) = text.split_once(':').unwrap_or((text, "443"));
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let label = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !part.starts_with('-')
    };
    if port == 0 || name.len() > 253 || !name.split('.').all(label) {
        return Err(wrong());
    }
    let name = name.to_ascii_lowercase();
    Ok(if port == 443 { name } else { format!("{name}:{port}") })
}

/// A method as rights hold it.
pub(crate) fn method(text: &str) -> Result<String, String> {
    let known = METHODS.iter().find(|known| **known == text);
    known.map(|known| (*known).to_owned()).ok_or_else(|| format!("{text:?} is not one of {}", METHODS.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(hosts: &[&str], methods: &[&str]) -> Rights {
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Rights { http: Http { hosts: set(hosts), methods: set(methods) } }
    }

    #[test]
    fn the_difference_names_what_an_admin_is_asked_for() {
        let asked = rights(&["a.example", "b.example"], &["GET"]);
        assert_eq!(asked.missing(&Rights::default()), asked);
        assert!(asked.missing(&rights(&["a.example", "b.example", "c.example"], &["GET", "POST"])).is_empty());
        assert_eq!(asked.missing(&rights(&["a.example"], &["GET"])).words(), "GET to b.example");
        assert_eq!(asked.missing(&rights(&["a.example", "b.example"], &["HEAD"])), asked);
        assert!(Rights::default().missing(&Rights::default()).is_empty());
    }

    #[test]
    fn hosts_have_one_form() {
        assert_eq!(host("API.Example.com:443").as_deref(), Ok("api.example.com"));
        assert_eq!(host("localhost:8443").as_deref(), Ok("localhost:8443"));
        for wrong in ["", "https://a", "a/b", "a b", "*.a", "a:0", "a:b", "user@a", "a..b", "[::1]"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }
}
