//! Guests of ours as Extism takes them: core modules that it links by name.

use std::{collections::BTreeMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use wasmparser::{FuncType, Parser, Payload, TypeRef, ValType};

/// The code of a component behind stubs of what it imports, with a function `describe` that asks it what it is.
pub(crate) fn of_component(component: &[u8]) -> Vec<u8> {
    let core = core_of(component);
    let mut modules: Vec<_> = stubs(core).into_iter().map(|(name, text)| (name, wat(&text))).collect();
    modules.push(("rule".to_owned(), core.to_vec()));
    let main = r#"(module
      (import "rule" "drls:plugin/health@0.1.0#describe" (func $describe (result i32)))
      (func (export "describe") (result i32) (drop (call $describe)) (i32.const 0)))"#;
    modules.push(("main".to_owned(), wat(main)));
    let modules = modules.into_iter().map(|(name, bytes)| json!({"name": name, "data": STANDARD.encode(bytes)}));
    json!({"wasm": modules.collect::<Vec<_>>()}).to_string().into_bytes()
}

/// A module whose `evaluate` puts out this text, as Extism's own kit writes it: eight bytes at a time into its memory.
pub(crate) fn that_answers(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(8), b' ');
    let data = bytes.iter().fold(String::new(), |mut all, byte| {
        write!(all, "\\{byte:02x}").expect("string");
        all
    });
    let (length, padded) = (text.len(), bytes.len());
    wat(&format!(
        r#"(module
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
          (import "extism:host/env" "output_set" (func $output (param i64 i64)))
          (memory (export "memory") 1)
          (data (i32.const 0) "{data}")
          (func (export "evaluate") (result i32) (local $at i64) (local $n i32)
            (local.set $at (call $alloc (i64.const {padded})))
            (loop $more
              (call $store (i64.add (local.get $at) (i64.extend_i32_u (local.get $n))) (i64.load (local.get $n)))
              (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 8))) (i32.const {padded}))))
            (call $output (local.get $at) (i64.const {length}))
            (i32.const 0)))"#
    ))
}

/// The largest module of a component: the plugin's code, and not what joins it to its imports.
fn core_of(component: &[u8]) -> &[u8] {
    let modules = Parser::new(0).parse_all(component).filter_map(|payload| match payload.expect("a component") {
        Payload::ModuleSection { unchecked_range, .. } => Some(&component[unchecked_range]),
        _ => None,
    });
    modules.max_by_key(|module| module.len()).expect("a module")
}

/// A module for each that `core` imports from; its functions are never called.
fn stubs(core: &[u8]) -> BTreeMap<String, String> {
    let (mut types, mut stubs) = (Vec::new(), BTreeMap::<String, String>::new());
    for payload in Parser::new(0).parse_all(core) {
        match payload.expect("a module") {
            Payload::TypeSection(section) => {
                types.extend(section.into_iter_err_on_gc_types().map(|one| one.expect("a function's type")));
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.expect("an import");
                    let TypeRef::Func(at) = import.ty else { panic!("{} is no function", import.name) };
                    let text = stubs.entry(import.module.to_owned()).or_default();
                    writeln!(text, "{}", stub(import.name, &types[at as usize])).expect("string");
                }
            }
            _ => {}
        }
    }
    stubs.into_iter().map(|(name, functions)| (name, format!("(module {functions})"))).collect()
}

fn stub(name: &str, of: &FuncType) -> String {
    let words = |types: &[ValType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    format!("(func (export \"{name}\") (param {}) (result {}) unreachable)", words(of.params()), words(of.results()))
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("a module")
}
