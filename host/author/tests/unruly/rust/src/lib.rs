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
            "remembers" => remembers(),
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

#[repr(align(4096))]
struct Aligned([u8; 4096]);

/// Nothing that it must not do: holds memory of many sizes, more than a plugin has from the start, and finds in it what it put there.
fn remembers() -> Finding {
    let first = black_box(vec![250_u8; 700 << 10]);
    let (mut held, mut aligned) = (Vec::new(), Vec::new());
    for number in 0..200_u8 {
        let size = 1 + usize::from(number) * usize::from(number) * 7 % 40_000;
        let mut grows = vec![number; size / 2];
        grows.resize(size, number);
        held.push((number, black_box(grows)));
        aligned.push((number, black_box(Box::new(Aligned([number; 4096])))));
        if number % 3 == 0 {
            held.swap_remove(held.len() / 2);
        }
        assert!(black_box(vec![0_u8; size]).iter().all(|byte| *byte == 0), "zero where others were before");
    }
    assert!(first.iter().all(|byte| *byte == 250));
    assert!(held.iter().all(|(number, bytes)| bytes.iter().all(|byte| byte == number)));
    for (number, page) in &aligned {
        assert!(page.0.iter().all(|byte| byte == number));
        assert!(page.0.as_ptr().addr().is_multiple_of(4096));
    }
    nothing()
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
