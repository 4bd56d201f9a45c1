//! Small guests, written as WebAssembly text and turned into components while the tests run, so that the runtime's tests
//! need no WebAssembly toolchain.

pub(crate) mod home;

use std::{collections::BTreeMap, fmt::Write, path::Path, sync::Arc};

use drls_runtime::{
    Manifest, embed,
    facts::{DataFile, FileFacts, Partition, TableFacts, TableId, Totals},
};
use serde_json::{Map, Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// At least as many bytes as the canonical ABI takes for the result of `plan`.
const PLAN: usize = 256;

/// A schema that takes any object.
pub(crate) const ANY: &str = r#"{"type": "object"}"#;

/// A guest in the making.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) world: String,
    /// Text of the WIT package, files in order; changed by tests of foreign contracts.
    pub(crate) wit: Vec<(String, String)>,
    /// Of the configuration.
    pub(crate) schema: String,
    pub(crate) arguments_schema: String,
    /// Further imports as WebAssembly text.
    pub(crate) imports: String,
    /// Body of `evaluate` or `plan`; leaves the address of its answer on the stack.
    pub(crate) body: String,
    /// Further functions.
    pub(crate) functions: String,
    /// Pages of memory, 64 KiB each.
    pub(crate) pages: u32,
    pub(crate) memory: Memory,
    pub(crate) manifest: Map<String, Value>,
}

/// Data segments of a guest.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    segments: Vec<(u32, Vec<u8>)>,
    next: u32,
}

impl Memory {
    /// Puts bytes into memory, aligned to eight; gives their address.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = self.next.max(1024);
        self.segments.push((at, bytes.to_vec()));
        self.next = (at + u32::try_from(bytes.len()).expect("small")).next_multiple_of(8);
        at
    }

    /// Address and length of a string, as the canonical ABI lays it out.
    pub(crate) fn text(&mut self, text: &str) -> [u8; 8] {
        pair(self.put(text.as_bytes()), text.len())
    }

    fn segments(&self) -> String {
        let mut out = String::new();
        for (at, bytes) in &self.segments {
            let escaped = bytes.iter().fold(String::new(), |mut all, b| {
                write!(all, "\\{b:02x}").expect("string");
                all
            });
            writeln!(out, "(data (i32.const {at}) \"{escaped}\")").expect("string");
        }
        out
    }
}

/// A list or string: address, then length.
pub(crate) fn pair(at: u32, length: usize) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&at.to_le_bytes());
    bytes[4..].copy_from_slice(&u32::try_from(length).expect("small").to_le_bytes());
    bytes
}

/// A finding for [`Guest::finds`].
pub(crate) struct Found<'a> {
    pub(crate) code: &'a str,
    pub(crate) penalty: u8,
    pub(crate) value: f64,
    pub(crate) remedy: Option<(&'a str, &'a str)>,
}

impl Default for Found<'_> {
    fn default() -> Self {
        Self { code: "found", penalty: 1, value: 1.0, remedy: None }
    }
}

impl Guest {
    pub(crate) fn rule(id: &str, version: &str) -> Self {
        let guest = Self {
            id: id.to_owned(),
            version: version.to_owned(),
            world: "health-rule".to_owned(),
            wit: contract(),
            schema: ANY.to_owned(),
            arguments_schema: ANY.to_owned(),
            imports: String::new(),
            body: String::new(),
            functions: String::new(),
            pages: 1,
            memory: Memory::default(),
            manifest: Map::new(),
        };
        guest.finds(&[])
    }

    pub(crate) fn operation(id: &str, version: &str) -> Self {
        let mut guest = Self::rule(id, version);
        guest.world = "table-operation".to_owned();
        // A plan without steps that rolls back: all zeros.
        let answer = guest.memory.put(&[0; PLAN]);
        guest.answers(answer)
    }

    /// The answer lies at an address.
    pub(crate) fn answers(self, at: u32) -> Self {
        self.body(&format!("i32.const {at}"))
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(crate) fn function(mut self, text: &str) -> Self {
        self.functions.push_str(text);
        self
    }

    pub(crate) fn schema(mut self, schema: &Value) -> Self {
        self.schema = schema.to_string();
        self
    }

    pub(crate) fn arguments_schema(mut self, schema: &Value) -> Self {
        self.arguments_schema = schema.to_string();
        self
    }

    /// Sets a key of the manifest.
    pub(crate) fn manifest(mut self, key: &str, value: Value) -> Self {
        self.manifest.insert(key.to_owned(), value);
        self
    }

    /// Answers with these findings.
    pub(crate) fn finds(mut self, found: &[Found<'_>]) -> Self {
        let memory = &mut self.memory;
        let mut list = Vec::new();
        for f in found {
            let mut measure = Vec::new();
            measure.extend(memory.text("files"));
            measure.extend(f.value.to_le_bytes());
            measure.extend(memory.text("files"));
            measure.extend([0; 16]);
            let evidence = pair(memory.put(&measure), 1);
            list.extend(memory.text(f.code));
            list.extend([1, 0, 0, 0]);
            list.extend(memory.text("a title"));
            list.extend([f.penalty, 0, 0, 0]);
            list.extend(evidence);
            match f.remedy {
                None => list.extend([0; 20]),
                Some((operation, arguments)) => {
                    list.extend([1, 0, 0, 0]);
                    list.extend(memory.text(operation));
                    list.extend(memory.text(arguments));
                }
            }
        }
        let list = pair(memory.put(&list), found.len());
        let answer = memory.put(&[&[0; 4][..], &list[..], &[0; 4][..]].concat());
        self.answers(answer)
    }

    /// Answers with one finding of this code.
    pub(crate) fn code(self, code: &str) -> Self {
        self.finds(&[Found { code, ..Found::default() }])
    }

    /// Answers with the error case `case` (1 = not-found, 2 = denied, 3 = failed) and a text.
    pub(crate) fn fails(mut self, case: u8, text: &str) -> Self {
        let text = self.memory.text(text);
        // A plan's answer starts at 8, a rule's at 4.
        let skip = if self.world == "table-operation" { 8 } else { 4 };
        let mut answer = vec![0; skip];
        answer[0] = 1;
        answer.extend([case, 0, 0, 0]);
        answer.extend(text);
        answer.resize(PLAN, 0);
        let at = self.memory.put(&answer);
        self.answers(at)
    }

    /// Writes a log line, as an expression to put into a body.
    pub(crate) fn line(&mut self, level: u32, text: &str) -> String {
        let at = self.memory.put(text.as_bytes());
        format!("(call $log (i32.const {level}) (i32.const {at}) (i32.const {}))\n", text.len())
    }

    /// Imports a function of the table that takes an address for its answer.
    pub(crate) fn reads(mut self, method: &str) -> Self {
        writeln!(
            self.imports,
            "(import \"drls:plugin/facts@0.1.0\" \"[method]table.{method}\" (func ${method} (param i32 i32)))"
        )
        .expect("string");
        self
    }

    /// Sends a request and answers with one finding: "status-200" for a response with that status and so on, or the name of
    /// the failure.
    pub(crate) fn sends(mut self, method: &str, url: &str, statuses: &[u16]) -> Self {
        self.world = "sending".to_owned();
        let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/http/client.wit");
        let client = std::fs::read_to_string(client).expect("text");
        self.wit.push(("deps/http/client.wit".to_owned(), client));
        let world =
            "package drls:plugin@0.1.0;\nworld sending { include health-rule; import drls:http/client@0.1.0; }\n";
        self.wit.push(("sending.wit".to_owned(), world.to_owned()));
        self.imports.push_str(
            "(import \"drls:http/client@0.1.0\" \"send\" \
             (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))",
        );
        let told = self.memory.put(&[0; 64]);
        let (verb, address) = (self.memory.put(method.as_bytes()), self.memory.put(url.as_bytes()));
        let mut branches = String::from("unreachable");
        let mut branch = |guest: Self, case: u32, at: u32, load: &str, code: &str| {
            let guest = guest.code(code);
            branches = format!(
                "(if (result i32) (i32.and (i32.eq (i32.load8_u (i32.const {told})) (i32.const {case}))
                   (i32.eq ({load} (i32.const {})) (i32.const {at})))
                   (then {}) (else {branches}))",
                told + 4,
                guest.body,
            );
            guest
        };
        for (at, code) in (0..).zip(["denied", "invalid", "unreachable", "timed-out", "too-big"]) {
            self = branch(self, 1, at, "i32.load8_u", code);
        }
        for status in statuses {
            self = branch(self, 0, u32::from(*status), "i32.load16_u", &format!("status-{status}"));
        }
        let send = format!(
            "(func $ask (result i32)
               (call $send (i32.const {verb}) (i32.const {}) (i32.const {address}) (i32.const {})
                 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {told}))
               i32.const {told})",
            method.len(),
            url.len()
        );
        self.function(&send).body(&format!("(drop (call $ask)) {branches}"))
    }

    /// Sends the request of [`Guest::sends`] once more before it, and traps where that is not answered 200.
    pub(crate) fn twice(self) -> Self {
        let first = "(if (i32.ne (i32.load16_u offset=4 (call $ask)) (i32.const 200)) (then unreachable))";
        let body = format!("{first} {}", self.body);
        self.body(&body)
    }

    pub(crate) fn manifest_json(&self) -> Manifest {
        let mut manifest = json!({"format": 1, "id": self.id, "version": self.version, "title": "A test guest"});
        for (key, value) in &self.manifest {
            manifest[key] = value.clone();
        }
        let bare = wat::parse_str("(component)").expect("empty component");
        // Through the section, so that the tests read what a file would hold.
        let section = custom_section(&bare, manifest.to_string().as_bytes());
        Manifest::read(&section).expect("a manifest").expect("there")
    }

    /// The component with its manifest.
    pub(crate) fn build(&self) -> Vec<u8> {
        embed(&self.bare(), &self.manifest_json()).expect("a component")
    }

    /// The component without a manifest.
    pub(crate) fn bare(&self) -> Vec<u8> {
        let module = self.module();
        let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("a module for the world");
        encoder.encode().expect("a component")
    }

    /// The core module with the WIT inside.
    pub(crate) fn module(&self) -> Vec<u8> {
        let mut memory = self.memory.clone();
        let schema = memory.text(&self.schema);
        let mut descriptor = Vec::new();
        descriptor.extend(memory.text(&self.id));
        descriptor.extend(memory.text("A test guest"));
        descriptor.extend(memory.text("Tests."));
        descriptor.extend(memory.text("flask"));
        descriptor.extend(schema);
        if self.world == "table-operation" {
            descriptor.extend(memory.text(&self.arguments_schema));
        }
        let descriptor = memory.put(&descriptor);
        let (interface, call, more) = match self.world.as_str() {
            "table-operation" => ("operation", "plan", "(param i32 i32 i32 i32 i32 i64)"),
            _ => ("health", "evaluate", "(param i32 i32)"),
        };
        let version =
            if self.wit.iter().any(|(_, text)| text.contains("drls:plugin@0.2.0")) { "0.2.0" } else { "0.1.0" };
        let text = format!(
            r#"(module
  (import "drls:plugin/log@{version}" "write" (func $log (param i32 i32 i32)))
  (import "drls:plugin/facts@{version}" "[resource-drop]table" (func $drop (param i32)))
  {imports}
  (memory (export "memory") {pages})
  (global $heap (mut i32) (i32.const {heap}))
  {data}
  {functions}
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap
      (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 7)) (i32.const -8)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))))
    local.get $at)
  (func (export "drls:plugin/{interface}@{version}#describe") (result i32) i32.const {descriptor})
  (func $entry (export "drls:plugin/{interface}@{version}#{call}") (param $table i32) {more} (result i32)
    (local $n i32)
    (call $body (local.get $table))
    (call $drop (local.get $table)))
  (func $body (param $table i32) (result i32)
    (local $n i32)
    {body})
)"#,
            imports = self.imports,
            pages = self.pages,
            heap = memory.next.max(2048),
            data = memory.segments(),
            functions = self.functions,
            body = self.body,
        );
        let mut module = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let (resolve, world) = self.resolve();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
        module
    }

    fn resolve(&self) -> (Resolve, wit_parser::WorldId) {
        let folder = tempfile::tempdir().expect("folder");
        for (name, text) in &self.wit {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("wit");
        }
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(folder.path()).expect("wit");
        let world = resolve.select_world(&[package], Some(&self.world)).expect("world");
        (resolve, world)
    }
}

/// `component` with `data` as its manifest section, whatever it holds.
pub(crate) fn custom_section(component: &[u8], data: &[u8]) -> Vec<u8> {
    let name = b"drls:manifest";
    let mut content = vec![u8::try_from(name.len()).expect("short")];
    content.extend(name);
    content.extend(data);
    let mut out = component.to_vec();
    out.push(0);
    let mut size = content.len();
    while size >= 0x80 {
        out.push(u8::try_from(size & 0x7f).expect("7 bits") | 0x80);
        size >>= 7;
    }
    out.push(u8::try_from(size).expect("7 bits"));
    out.extend(content);
    out
}

/// The WIT files of this repository.
pub(crate) fn contract() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("wit") {
        let entry = entry.expect("entry");
        let name = entry.file_name().into_string().expect("name");
        if name.ends_with(".wit") {
            files.insert(name, std::fs::read_to_string(entry.path()).expect("text"));
        }
    }
    files.into_iter().collect()
}

/// A table of two partitions, three files and no history.
pub(crate) fn table() -> Arc<TableFacts> {
    let file = |bytes| DataFile { bytes, records: 10, delete_files: 0, deleted_records: 0 };
    let partition =
        |path: &str, files| Partition { path: path.to_owned(), spec_id: 0, files, delete_files: 0, written_at: None };
    Arc::new(TableFacts {
        id: TableId { catalog: "drls".to_owned(), namespace: vec!["flights".to_owned()], name: "flights".to_owned() },
        format_version: 2,
        location: "file:///warehouse/flights".to_owned(),
        properties: BTreeMap::new(),
        fields: Vec::new(),
        partition_specs: Vec::new(),
        sort_order: Vec::new(),
        snapshots: Vec::new(),
        current_snapshot: None,
        refs: Vec::new(),
        totals: Totals { records: 30, data_files: 3, ..Totals::default() },
        metadata_log: drls_runtime::facts::MetadataLog::default(),
        manifests: None,
        files: Some(FileFacts {
            target: 512 << 20,
            partitions: vec![
                partition("month=1", vec![file(1000), file(5 << 20)]),
                partition("month=2", vec![file(600 << 20)]),
            ],
        }),
        reachability: None,
        orphans: None,
        as_of: 1_700_000_000_000,
    })
}
