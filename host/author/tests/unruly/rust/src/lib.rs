//! Does what a plugin must not do: which, says its configuration.

use std::hint::black_box;

use drls_plugin::{About, Error, Finding, HealthRule, Remedy, Severity, Table, export_rule, log};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
struct Config {
    does: String,
}

struct Unruly;

impl HealthRule for Unruly {
    const ABOUT: About = About { id: "unruly", title: "Unruly", summary: "Does what it must not do.", icon: "bug" };
    type Config = Config;

    fn evaluate(_: &Table, config: Config) -> Result<Vec<Finding>, Error> {
        Ok(vec![match config.does.as_str() {
            "nothing" => nothing(),
            "loops" => loops(),
            "allocates" => allocates(),
            "recurses" => deeper(nothing()),
            "fails" => seven(),
            "traps" => std::process::abort(),
            "answers-100-mb" => Finding { title: "x".repeat(100_000_000), ..nothing() },
            "floods-the-log" => floods(),
            "answers-wrong-json" => {
                Finding { remedy: Some(Remedy { operation: "compact".into(), arguments: "{not json".into() }), ..nothing() }
            }
            "answers-no-code" => Finding { code: "Not Kebab".into(), ..nothing() },
            other => return Err(Error::NotFound(other.to_owned())),
        }])
    }
}

fn nothing() -> Finding {
    Finding::new("nothing", Severity::Info, "Nothing is wrong.", 0)
}

fn loops() -> Finding {
    loop {
        black_box(());
    }
}

fn allocates() -> Finding {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Does something after the call, so that no compiler makes a loop of it.
#[expect(unconditional_recursion, reason = "that is what it must not do")]
fn deeper(finding: Finding) -> Finding {
    black_box(deeper(black_box(finding)))
}

fn seven() -> Finding {
    let empty: Vec<Finding> = black_box(Vec::new());
    empty[7].clone()
}

fn floods() -> Finding {
    for line in 0..1000 {
        log::info(&format!("line {line}"));
    }
    nothing()
}

export_rule!(Unruly);
