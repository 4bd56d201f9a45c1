//! Laying JSON documents over each other, and telling where a value came from.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Origin;
use crate::schema::child;

/// Lays `over` on `base`: objects member by member, everything else replaced. `null` in `over` stands for "not set" and changes nothing.
pub(super) fn lay(base: &mut Value, over: &Value) {
    match (base, over) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                lay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// Sets the value at a JSON Pointer, making objects on the way.
pub(super) fn set(document: &mut Value, pointer: &str, value: Value) {
    let mut place = document;
    for key in pointer.split('/').skip(1) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(members) = place else { return };
        place = members.entry(key.replace("~1", "/").replace("~0", "~")).or_insert(Value::Null);
    }
    *place = value;
}

/// JSON Pointers of what `raw` has and `known` has not.
pub(super) fn unknown(raw: &Value, known: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_unknown(raw, known, "", &mut found);
    found
}

fn collect_unknown(raw: &Value, known: &Value, at: &str, found: &mut Vec<String>) {
    let (Value::Object(raw), Value::Object(known)) = (raw, known) else { return };
    for (key, value) in raw {
        let here = child(at, key);
        match known.get(key) {
            Some(known) => collect_unknown(value, known, &here, found),
            None => found.push(here),
        }
    }
}

/// The members of `raw` at `pointers` only.
pub(super) fn pick(raw: &Value, pointers: &[String]) -> Value {
    let mut picked = Value::Object(Map::new());
    for pointer in pointers {
        if let Some(value) = raw.pointer(pointer) {
            set(&mut picked, pointer, value.clone());
        }
    }
    picked
}

/// Where each leaf of `settings` came from. Arrays and empty objects are leaves.
pub(super) fn origins(
    settings: &Value,
    file: &Value,
    environment: &[(&'static str, Value)],
) -> BTreeMap<String, Origin> {
    let mut found = BTreeMap::new();
    collect_origins(settings, "", &mut |pointer| {
        let origin = if environment.iter().any(|(set, _)| *set == pointer) {
            Origin::Environment
        } else if file.pointer(&pointer).is_some_and(|value| !value.is_null()) {
            Origin::File
        } else {
            Origin::Default
        };
        found.insert(pointer, origin);
    });
    found
}

fn collect_origins(value: &Value, at: &str, found: &mut impl FnMut(String)) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                collect_origins(value, &child(at, key), found);
            }
        }
        _ => found(at.to_owned()),
    }
}
