//! Tells of tables that nobody answers for, by a list of owners that another server keeps.

use drls_plugin::{
    About, Error, Finding, HealthRule, Severity, Table, export_rule,
    http::{self, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The points that a table without an owner loses.
const PENALTY: u8 = 10;

/// What the operator may change.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Where the list is: the table's full name is put behind it. Its host must be granted.
    #[schemars(title = "Address")]
    address: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { address: "https://owners.example.com/tables/".to_owned() }
    }
}

/// What the list says of a table.
#[derive(Deserialize)]
struct Entry {
    owner: Option<String>,
}

struct TableOwners;

impl HealthRule for TableOwners {
    const ABOUT: About = About {
        id: "table-owners",
        title: "Table owners",
        summary: "Tells of tables that nobody answers for.",
        icon: "users",
    };
    type Config = Config;

    fn evaluate(table: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        let id = table.id();
        let name = [id.namespace, vec![id.name]].concat().join(".");
        let response = http::get(&format!("{}{name}", config.address))?;
        Ok(judge(&name, &response)?.into_iter().collect())
    }
}

export_rule!(TableOwners);

/// An answer without an owner is as good as none; one that is not understood is no answer at all.
fn judge(name: &str, response: &Response) -> Result<Option<Finding>, Error> {
    let owner = match response.status {
        200 => response.json::<Entry>()?.owner,
        404 => None,
        status => return Err(Error::Failed(format!("the list of owners answered with status {status}"))),
    };
    let nobody = owner.is_none_or(|owner| owner.trim().is_empty());
    let finding = || Finding::new("no-owner", Severity::Warning, format!("Nobody answers for {name}."), PENALTY);
    Ok(nobody.then(finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_table_has_an_owner_none_or_it_is_not_known() {
        assert!(judge("a.b", &response(200, r#"{"owner": "ada"}"#)).unwrap().is_none());
        assert!(judge("a.b", &response(200, r#"{"owner": " "}"#)).unwrap().is_some());
        assert!(judge("a.b", &response(404, "")).unwrap().is_some());
        assert!(judge("a.b", &response(200, "<html>")).is_err());
        assert!(judge("a.b", &response(503, "")).is_err());
    }
}
