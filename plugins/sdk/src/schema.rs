//! JSON Schema (2020-12) of a configuration or of arguments, from the type that reads them: they cannot drift apart.

use std::any::TypeId;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};

use crate::NoConfig;

/// The schema of a type without values, of which most operations have one. Written out, since the generator is most of a
/// small component's code.
const NOTHING: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","additionalProperties":false,"description":"A configuration without values.","title":"NoConfig","type":"object"}"#;

/// The schema as JSON text: nested types inlined, so that a form needs no references.
pub(crate) fn of<T: JsonSchema + 'static>() -> String {
    if TypeId::of::<T>() == TypeId::of::<NoConfig>() { NOTHING.into() } else { generate::<T>() }
}

fn generate<T: JsonSchema>() -> String {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.transforms.push(Box::new(RecursiveTransform(without_width)));
    settings.into_generator().into_root_schema_for::<T>().as_value().to_string()
}

/// "uint32" and the like are no formats of JSON Schema, and validators warn of them; minimum and maximum say the same.
fn without_width(schema: &mut Schema) {
    let width = |f: &str| ["int", "uint", "float", "double"].iter().any(|kind| f.starts_with(kind));
    if schema.get("format").and_then(|f| f.as_str()).is_some_and(width) {
        schema.remove("format");
    }
}

/// Holds a schema that is written out against the type, as documents; or writes `<of>-schema.json` of the crate in
/// `folder`, where the environment asks for it.
///
/// # Panics
/// Where the two differ.
pub fn check<T: JsonSchema + 'static>(written: &str, of: &str, folder: &str) {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
    let current = parse(&generate::<T>());
    if parse(written) == current {
        return;
    }
    let file = std::path::Path::new(folder).join(format!("{of}-schema.json"));
    let done =
        std::env::var_os("DRLS_WRITE_SCHEMA").is_some() && std::fs::write(&file, format!("{current:#}\n")).is_ok();
    let file = file.display();
    assert!(done, "{file} is not what the type says; write it with `DRLS_WRITE_SCHEMA=1 cargo test`");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        /// Share from which it is told.
        #[schemars(title = "Share", range(min = 0.0, max = 1.0))]
        share: f64,
    }

    impl Default for Config {
        fn default() -> Self {
            Self { share: 0.3 }
        }
    }

    #[test]
    fn what_is_written_out_for_nothing_is_what_its_type_says() {
        check::<NoConfig>(NOTHING, "config", "");
    }

    #[test]
    fn says_types_defaults_bounds_and_words() {
        let schema: serde_json::Value = serde_json::from_str(&super::of::<Config>()).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(
            schema["properties"]["share"],
            serde_json::json!({
                "type": "number", "title": "Share", "description": "Share from which it is told.", "default": 0.3,
                "minimum": 0.0, "maximum": 1.0,
            })
        );
    }
}
