//! Plugins of each language that do what a plugin must not do: each call fails alone, in the words of its language, in both
//! tiers, and the next one is answered.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use drls_runtime::{
    CallError, Ceiling,
    FailureKind::{self, BadAnswer, OutOfMemory, TimedOut, Trapped},
    Limits, Plugin, Policy, Runtime, RuntimeConfig, Strikes, Tier,
    answer::Finding,
    facts::TableFacts,
};
use serde_json::{Map, json};
use tempfile::TempDir;

use crate::support::{Desk, assert_has};

/// What it does, how the call fails, and the words for it.
type Told = (&'static str, FailureKind, &'static str);

/// What is alike in every language: it is the runtime that ends the call.
const ALIKE: [Told; 3] = [
    ("loops", TimedOut, "did not answer within 500 ms"),
    ("allocates", OutOfMemory, "wanted more than 64 MiB of memory in one call"),
    ("answers-no-code", BadAnswer, "the finding code \"Not Kebab\" is not kebab-case"),
];

/// Where the language has the text in its memory at once.
const TOO_LARGE: Told = ("answers-100-mb", OutOfMemory, "wanted more than 64 MiB of memory in one call");

/// Where the SDK lets it through.
const WRONG_JSON: Told =
    ("answers-wrong-json", BadAnswer, "the remedy of finding \"nothing\" has arguments that are not JSON");

/// A compiler of the second tier has a minute's work with an interpreter, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(400);

/// Lines of the log in a second: far fewer than a plugin writes that floods it, on the slowest machine.
const LINES: u32 = 10;

/// A runtime that serves one of these plugins.
struct Served {
    runtime: Arc<Runtime>,
    facts: Arc<TableFacts>,
    _folder: TempDir,
}

impl Served {
    fn new(lang: &str) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let source = tests.join("unruly").join(lang);
        Desk::new().kit(&["build", source.to_str().unwrap()]).ok();
        let folder = TempDir::new().unwrap();
        let place = |name: &str| -> PathBuf { folder.path().join(name) };
        fs::create_dir(place("plugins")).unwrap();
        fs::copy(source.join("dist/unruly.wasm"), place("plugins/unruly.wasm")).unwrap();
        // It fails more often here than one may that stays in service.
        let strikes = Strikes { most: usize::MAX, ..Strikes::default() };
        let runtime = Runtime::open(RuntimeConfig {
            plugins_dir: place("plugins"),
            store_dir: place("store"),
            cache_dir: place("cache"),
            ledger_dir: place("ledger"),
            limits: Limits { strikes, log_lines_per_second: LINES, ..Limits::default() },
            policy: as_by_default(),
            ..RuntimeConfig::default()
        });
        let runtime = runtime.unwrap();
        runtime.start().unwrap();
        assert!(runtime.settle(PATIENCE), "it is loaded or refused");
        let facts = fs::read(tests.join("../../runtime/tests/corpus/facts.json")).unwrap();
        Self { runtime, facts: Arc::new(serde_json::from_slice(&facts).unwrap()), _folder: folder }
    }

    fn plugin(&self) -> Arc<Plugin> {
        let snapshot = self.runtime.snapshot();
        Arc::clone(snapshot.plugin("unruly").unwrap_or_else(|| panic!("{:?}", self.runtime.status())))
    }

    fn does(&self, what: &str) -> Result<Vec<Finding>, CallError> {
        let config = Map::from_iter([("does".to_owned(), json!(what))]);
        self.plugin().with_config(&config).unwrap().evaluate(&self.facts, None)
    }

    fn behaves(&self) {
        let found = self.does("nothing").unwrap();
        assert_eq!(found[0].title, "Nothing is wrong.");
    }

    /// Every fault fails as it should, and nothing is left of it.
    fn fails(&self, faults: &[Told]) {
        for (what, kind, words) in ALIKE.iter().chain(faults) {
            let error = self.does(what).expect_err(what);
            let told = error.to_string();
            assert_eq!(error.failure.kind(), *kind, "{what}: {told}");
            assert_has(&told, words);
            self.behaves();
        }
    }

    fn floods_the_log(&self) {
        let dropped = || self.runtime.status()[0].log_lines_dropped;
        let before = dropped();
        let found = self.does("floods-the-log").unwrap();
        assert_eq!(found[0].code, "nothing", "it answers all the same");
        assert!(dropped() > before);
        assert!(self.runtime.log("unruly").unwrap().len() <= 500);
    }

    /// With memory and time enough for the answer, which is refused for its size.
    fn answers_too_much(&self, what: &str) {
        self.runtime.set_policy(Policy::default());
        assert!(self.runtime.settle(PATIENCE));
        let error = self.does(what).unwrap_err();
        assert_eq!(error.failure.kind(), BadAnswer, "{error}");
        assert_has(&error.to_string(), "more than 4 MiB handed over in one call");
        self.behaves();
        self.runtime.set_policy(as_by_default());
        assert!(self.runtime.settle(PATIENCE));
    }

    fn optimised(&self) {
        let start = Instant::now();
        while self.plugin().tier() != Tier::Optimised {
            assert!(start.elapsed() < PATIENCE, "{:?}", self.runtime.status());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The limits of a plugin that asks for nothing.
fn as_by_default() -> Policy {
    let Limits { memory, time, .. } = Limits::default();
    let ceiling = Ceiling { memory: Some(memory), time: Some(time) };
    Policy { ceilings: [("unruly".to_owned(), ceiling)].into(), ..Policy::default() }
}

/// All of it with quick code, as far as that serves long enough, and with optimised code.
fn is_held(lang: &str, large: &str, faults: &[Told]) {
    let served = Served::new(lang);
    for _ in 0..2 {
        served.behaves();
        served.fails(faults);
        served.floods_the_log();
        served.answers_too_much(large);
        served.optimised();
    }
}

#[test]
fn rust_is_stopped_and_says_where_it_panicked() {
    is_held(
        "rust",
        "answers-100-mb",
        &[
            ("recurses", Trapped, "call stack exhausted"),
            ("fails", Trapped, "index out of bounds: the len is 0 but the index is 7"),
            ("fails", Trapped, "panicked at src/lib.rs:"),
            ("traps", Trapped, "wasm `unreachable` instruction executed"),
            TOO_LARGE,
            WRONG_JSON,
        ],
    );
}

#[test]
fn rust_finds_in_its_memory_what_it_put_there() {
    let served = Served::new("rust");
    for _ in 0..2 {
        let found = served.does("remembers").unwrap();
        assert_eq!(found[0].code, "nothing");
        served.optimised();
    }
}

#[test]
fn python_is_stopped_and_gives_its_traceback() {
    is_held(
        "python",
        "answers-100-mb",
        &[
            ("recurses", Trapped, "RecursionError: maximum recursion depth exceeded"),
            ("fails", Trapped, "in seven\n    return items[7]\nIndexError: list index out of range"),
            ("fails", Trapped, "Traceback (most recent call last):\n  File \"plugin.py\", line "),
            ("traps", Trapped, "SystemExit: 3"),
            ("asks-the-time", Trapped, "wasm `unreachable` instruction executed"),
            ("answers-another-type", Trapped, "TypeError: answer[0] is 'a text', and must be Finding"),
            ("answers-a-number-for-a-text", Trapped, "TypeError: answer[0].title is 7, and must be str"),
            TOO_LARGE,
            WRONG_JSON,
        ],
    );
}

#[test]
fn javascript_is_stopped_and_gives_its_stack() {
    is_held(
        "javascript",
        "answers-5-mb",
        &[
            ("recurses", Trapped, "InternalError: too much recursion"),
            (
                "fails",
                Trapped,
                "TypeError: can't access property \"code\", items[7] is undefined\nseven@plugin/plugin.js:",
            ),
            ("traps", Trapped, "no error but a text"),
            ("answers-100-mb", TimedOut, "did not answer within 500 ms"),
            ("answers-another-type", Trapped, ".map is not a function"),
            ("answers-a-number-for-a-text", Trapped, "TypeError: title of a finding is 7, and must be a text"),
            ("answers-no-such-severity", Trapped, "TypeError: severity of a finding is grave, and must be info or "),
            (
                "answers-wrong-json",
                Trapped,
                "TypeError: arguments of a remedy is () => ({}), and must be values of JSON",
            ),
        ],
    );
}
