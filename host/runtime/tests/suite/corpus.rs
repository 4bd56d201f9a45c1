//! Components of released versions of the contract: each loads, and answers what it answered when it was made.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use drls_runtime::{Host, HttpFailure, Kind, Limits, Plugin, Request, Response, Tier, Transport, facts::TableFacts};
use serde_json::{Map, Value, json};

/// Bytes a second that the operations are told of.
const THROUGHPUT: u64 = 1_000;

/// Another server that has nothing that it is asked for.
#[derive(Debug)]
struct Empty;

impl Transport for Empty {
    fn send(&self, _: Request, _: bool, _: Duration) -> Result<Response, HttpFailure> {
        Ok(Response { status: 404, headers: Vec::new(), body: Vec::new() })
    }
}

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// The components of a version by the stem of their names; those that carry an engine are kept compressed.
fn components(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("entry").path());
    let component = |file: PathBuf| {
        let name = file.file_name()?.to_str()?.to_owned();
        let bytes = fs::read(&file).expect("bytes");
        if let Some(stem) = name.strip_suffix(".wasm.zst") {
            return Some((stem.to_owned(), zstd::decode_all(&bytes[..]).expect("zstd")));
        }
        Some((name.strip_suffix(".wasm")?.to_owned(), bytes))
    };
    files.filter_map(component).collect()
}

/// What it says of itself, and of a table.
fn answers(plugin: &Plugin, facts: &Arc<TableFacts>) -> Value {
    let answer = |kind: &Kind| {
        let descriptor = plugin.descriptor(*kind).expect("described");
        let answer = match kind {
            Kind::HealthRule => json!(plugin.evaluate(facts, None).expect("findings")),
            Kind::TableOperation => json!(plugin.plan(facts, &json!({}), THROUGHPUT).expect("a plan")),
        };
        (kind.name().to_owned(), json!({"descriptor": descriptor, "answer": answer}))
    };
    Value::Object(plugin.kinds().iter().map(answer).collect())
}

#[test]
fn components_of_every_version_load_and_answer_as_they_did() {
    let facts: TableFacts =
        serde_json::from_str(&fs::read_to_string(corpus().join("facts.json")).expect("facts")).expect("facts");
    let facts = Arc::new(facts);
    let host = Host::with_transport(Limits::default(), Arc::new(Empty)).expect("engine");
    let (mut kinds, mut names) = (Vec::new(), Vec::new());
    for version in ["0.1.0"] {
        let folder = corpus().join(version);
        for (name, bytes) in components(&folder) {
            let expected = folder.join(format!("{name}.json"));
            let expected = fs::read_to_string(&expected).ok();
            for tier in [Tier::Quick, Tier::Optimised] {
                let plugin = host
                    .load_in(tier, &bytes, &Map::new())
                    .unwrap_or_else(|refusal| panic!("{version}/{name}, {tier:?}: {refusal}"));
                assert_eq!(plugin.tier(), tier, "{version}/{name}");
                plugin.grant(plugin.asks());
                kinds.extend(plugin.kinds());
                let answers = answers(&plugin, &facts);
                let text = expected
                    .as_ref()
                    .unwrap_or_else(|| panic!("{version}/{name}.json is not there; it answers\n{answers:#}"));
                let expected: Value = serde_json::from_str(text).expect("json");
                assert_eq!(answers, expected, "{version}/{name}, {tier:?}");
            }
            names.push(name);
        }
    }
    assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)), "a kind without a component: {kinds:?}");
    for language in ["-python", "-javascript"] {
        assert!(names.iter().any(|name| name.ends_with(language)), "a language without a component: {names:?}");
    }
}
