//! Builds a plugin in JavaScript by componentize-js: the engine, the SDK and the plugin in one component without WASI.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    contract::Exported,
    files,
    guest::{copy, lay_out},
    tools,
};

const PACKAGE: &str = include_str!("../toolchains/javascript/package.json");
const LOCK: &str = include_str!("../toolchains/javascript/package-lock.json");
const BUILD: &str = include_str!("../toolchains/javascript/build.mjs");
const DESCRIBE: &str = include_str!("../toolchains/javascript/describe.mjs");
const ENTRY: &str = include_str!("../toolchains/javascript/entry.js");

/// The SDK, carried along so that a plugin needs nothing but the kit.
pub(crate) const SDK: &[(&str, &str)] = &[
    ("package.json", include_str!("../../../plugins/sdk-javascript/package.json")),
    ("facts.d.ts", include_str!("../../../plugins/sdk-javascript/facts.d.ts")),
    ("guest.js", include_str!("../../../plugins/sdk-javascript/guest.js")),
    ("index.d.ts", include_str!("../../../plugins/sdk-javascript/index.d.ts")),
    ("index.js", include_str!("../../../plugins/sdk-javascript/index.js")),
];

/// How a plugin names the SDK.
const NAME: &str = "drls-plugin";

const FIX: &str =
    "plugins in JavaScript are built with it\n  fix: install Node 20 or newer with npm, see https://nodejs.org";

/// Everything but the plugin that decides what a build makes.
pub(crate) fn pins() -> Vec<&'static str> {
    SDK.iter().map(|(_, text)| *text).chain([LOCK, BUILD, ENTRY]).collect()
}

/// Lines of the entry module that hand the capability to the SDK.
const HTTP: &str = "import { send } from 'drls:http/client@0.1.0';\nguest.maySend(send);\n";

/// Builds the component of the plugin in `dir`, in the empty folder `work`. `http`: it sends requests.
pub(crate) fn component(dir: &Path, sources: &[PathBuf], http: bool, work: &Path) -> Result<Vec<u8>> {
    let tools = tools()?;
    lay_out(&work.join(NAME), SDK)?;
    lay_out(work, &[("package.json", "{\"type\": \"module\"}\n")])?;
    // The engine's loader knows relative names only. On the same line, so that a stack tells the true place.
    copy(dir, sources, &work.join("plugin"), |place, text| {
        let sdk = format!("{}{NAME}/index.js", "../".repeat(place.components().count()));
        ["'", "\""]
            .iter()
            .fold(text, |text, quote| text.replace(&format!("{quote}{NAME}{quote}"), &format!("{quote}{sdk}{quote}")))
    })?;
    let mut describe = node(&tools.join("describe.mjs"));
    let exported = tools::run(describe.arg(work.join("plugin/plugin.js")), "plugin.js cannot be imported", FIX)?;
    let exported = Exported::parse(&exported)?;
    let world = exported.write_wit(&work.join("wit"), http)?;
    let entry = ENTRY.replace("{{interface}}", exported.interface()?);
    lay_out(work, &[("entry.js", &entry.replace("{{http}}", if http { HTTP } else { "" }))])?;
    eprintln!("drls: making a component of plugin.js and a JavaScript engine, half a minute");
    let output = work.join("plugin.wasm");
    let mut build = node(&tools.join("build.mjs"));
    build.args(["entry.js", "wit", world]).arg(&output).current_dir(work);
    tools::run(&mut build, "componentize-js could not make a component", FIX)?;
    files::read(&output)
}

fn node(script: &Path) -> Command {
    let mut node = Command::new("node");
    node.arg(script);
    node
}

/// A folder with componentize-js and the scripts that use it.
fn tools() -> Result<PathBuf> {
    tools::brought("javascript", &[PACKAGE, LOCK, BUILD, DESCRIBE], |folder| {
        let files =
            [("package.json", PACKAGE), ("package-lock.json", LOCK), ("build.mjs", BUILD), ("describe.mjs", DESCRIBE)];
        lay_out(folder, &files)?;
        let mut install = Command::new("npm");
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder);
        tools::run(&mut install, "npm could not install componentize-js", FIX).map(drop)
    })
    .context("cannot bring componentize-js")
}
