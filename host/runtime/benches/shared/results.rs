//! Figures as `tests/bench` keeps them.

use std::path::Path;

use serde_json::{Value, json};

/// What a figure must stay below: so much, or so many times its floor.
pub(crate) enum Under {
    Nothing,
    Value(f64),
    Floors(f64),
}

/// One figure beside its floor.
pub(crate) fn row(name: &str, value: f64, unit: &str, floor: Option<f64>, under: &Under) -> Value {
    let ratio = floor.map(|floor| value / floor);
    let (target, met) = match under {
        Under::Nothing => ("none".to_owned(), None),
        Under::Value(limit) => (format!("< {limit} {unit}"), Some(value < *limit)),
        Under::Floors(limit) => (format!("< {limit} x floor"), ratio.map(|ratio| ratio < *limit)),
    };
    json!({"name": name, "value": value, "unit": unit, "floor": floor, "peer": null, "ratio": ratio, "target": target, "met": met})
}

/// Keeps the figures of one part, and prints them.
pub(crate) fn write(name: &str, rows: &[Value]) {
    let text = serde_json::to_string_pretty(rows).expect("json");
    println!("{text}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bench/results");
    std::fs::create_dir_all(&folder).expect("folder");
    std::fs::write(folder.join(format!("{name}.json")), text + "\n").expect("results");
}

/// The smallest of `times` that `percent` of them do not exceed.
pub(crate) fn quantile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() - 1) * percent / 100]
}
