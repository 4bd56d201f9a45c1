//! Components of released versions of the contract: each loads, and answers what it answered when it was made.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use drls_runtime::{Host, HttpFailure, Kind, Limits, Request, Response, Transport, facts::TableFacts};
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

#[test]
fn components_of_every_version_load_and_answer_as_they_did() {
    let facts: TableFacts =
        serde_json::from_str(&fs::read_to_string(corpus().join("facts.json")).expect("facts")).expect("facts");
    let facts = Arc::new(facts);
    let host = Host::with_transport(Limits::default(), Arc::new(Empty)).expect("engine");
    let mut kinds = Vec::new();
    for version in ["0.1.0"] {
        let folder = corpus().join(version);
        for entry in fs::read_dir(&folder).expect("the corpus") {
            let file = entry.expect("entry").path();
            if file.extension().is_none_or(|e| e != "wasm") {
                continue;
            }
            let plugin = host
                .load(&fs::read(&file).expect("bytes"), &Map::new())
                .unwrap_or_else(|refusal| panic!("{}: {refusal}", file.display()));
            plugin.grant(plugin.asks());
            let mut answers = Map::new();
            for kind in plugin.kinds() {
                kinds.push(*kind);
                let descriptor = plugin.descriptor(*kind).expect("described");
                let answer = match kind {
                    Kind::HealthRule => json!(plugin.evaluate(&facts, None).expect("findings")),
                    Kind::TableOperation => json!(plugin.plan(&facts, &json!({}), THROUGHPUT).expect("a plan")),
                };
                answers.insert(kind.name().to_owned(), json!({"descriptor": descriptor, "answer": answer}));
            }
            let expected = file.with_extension("json");
            let answers = Value::Object(answers);
            let text = fs::read_to_string(&expected)
                .unwrap_or_else(|e| panic!("{}: {e}; it answers\n{answers:#}", expected.display()));
            let expected: Value = serde_json::from_str(&text).expect("json");
            assert_eq!(answers, expected, "{}", file.display());
        }
    }
    assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)), "a kind without a component: {kinds:?}");
}
