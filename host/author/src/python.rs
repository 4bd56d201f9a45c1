//! Builds a plugin in Python by componentize-py: the interpreter, the SDK and the plugin in one component without WASI.

use std::{
    env,
    ffi::OsString,
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

const LOCK: &str = include_str!("../toolchains/python/requirements.lock");
const DESCRIBE: &str = include_str!("../toolchains/python/describe.py");
const ENTRY: &str = include_str!("../toolchains/python/entry.py");

/// The SDK, carried along so that a plugin needs nothing but the kit.
pub(crate) const SDK: &[(&str, &str)] = &[
    ("drls_plugin/__init__.py", include_str!("../../../plugins/sdk-python/drls_plugin/__init__.py")),
    ("drls_plugin/errors.py", include_str!("../../../plugins/sdk-python/drls_plugin/errors.py")),
    ("drls_plugin/facts.py", include_str!("../../../plugins/sdk-python/drls_plugin/facts.py")),
    ("drls_plugin/guest.py", include_str!("../../../plugins/sdk-python/drls_plugin/guest.py")),
    ("drls_plugin/http.py", include_str!("../../../plugins/sdk-python/drls_plugin/http.py")),
    ("drls_plugin/log.py", include_str!("../../../plugins/sdk-python/drls_plugin/log.py")),
    ("drls_plugin/operation.py", include_str!("../../../plugins/sdk-python/drls_plugin/operation.py")),
    ("drls_plugin/plugin.py", include_str!("../../../plugins/sdk-python/drls_plugin/plugin.py")),
    ("drls_plugin/py.typed", ""),
    ("drls_plugin/rule.py", include_str!("../../../plugins/sdk-python/drls_plugin/rule.py")),
    ("drls_plugin/settings.py", include_str!("../../../plugins/sdk-python/drls_plugin/settings.py")),
    ("drls_plugin/shape.py", include_str!("../../../plugins/sdk-python/drls_plugin/shape.py")),
    ("drls_plugin/table.py", include_str!("../../../plugins/sdk-python/drls_plugin/table.py")),
    ("drls_plugin/testing.py", include_str!("../../../plugins/sdk-python/drls_plugin/testing.py")),
];

const FIX: &str = "plugins in Python are built with it\n  \
                   fix: install Python 3.10 or newer (Debian: apt install python3 python3-venv), or name one: DRLS_PYTHON";

/// Everything but the plugin that decides what a build makes.
pub(crate) fn pins() -> Vec<&'static str> {
    SDK.iter().map(|(_, text)| *text).chain([LOCK, ENTRY]).collect()
}

/// Lines of the entry module that hand the capability to the SDK.
const HTTP: &str = "from drls_plugin.guest import may_send\nfrom wit_world.imports import client\n\nmay_send(client)\n";

/// Builds the component of the plugin in `dir`, in the empty folder `work`. `http`: it sends requests.
pub(crate) fn component(dir: &Path, sources: &[PathBuf], http: bool, work: &Path) -> Result<Vec<u8>> {
    let python = tools()?.join("bin/python");
    let (plugin, sdk) = (work.join("plugin"), work.join("sdk"));
    copy(dir, sources, &plugin, |_, text| text)?;
    lay_out(&sdk, SDK)?;
    let mut describe = Command::new(&python);
    describe.args(["-I", "-c", DESCRIBE]).args([&plugin, &sdk]);
    let exported = tools::run(&mut describe, "plugin.py cannot be imported", FIX)?;
    let exported = Exported::parse(&exported)?;
    let world = exported.write_wit(&work.join("wit"), http)?;
    let interface = if exported.interface()? == "health" { "Health" } else { "Operation" };
    let entry = ENTRY.replace("{{interface}}", interface).replace("{{http}}", if http { HTTP } else { "" });
    lay_out(&work.join("entry"), &[("drls_entry.py", &entry)])?;
    eprintln!("drls: making a component of plugin.py and a Python interpreter, half a minute");
    let output = work.join("plugin.wasm");
    let mut build = Command::new(&python);
    build.args(["-c", "from componentize_py import script; script()", "--quiet"]);
    build.arg("--wit-path").arg(work.join("wit")).args(["--world", world]);
    build.args(["componentize", "--stub-wasi", "drls_entry"]);
    // The plugin first: its files are those that a traceback names.
    for place in [plugin.clone(), plugin.join("vendor"), sdk, work.join("entry")] {
        if place.is_dir() {
            build.arg("--python-path").arg(place);
        }
    }
    build.arg("--output").arg(&output).env_remove("VIRTUAL_ENV").env("PYTHONDONTWRITEBYTECODE", "1").current_dir(work);
    tools::run(&mut build, "componentize-py could not make a component", FIX)?;
    files::read(&output)
}

/// A virtual environment with componentize-py.
fn tools() -> Result<PathBuf> {
    tools::brought("python", &[LOCK], |folder| {
        let python = env::var_os("DRLS_PYTHON").unwrap_or_else(|| OsString::from("python3"));
        let mut venv = Command::new(python);
        venv.args(["-m", "venv"]).arg(folder);
        tools::run(&mut venv, "Python could not make a virtual environment", FIX)?;
        let lock = folder.join("requirements.lock");
        files::write_atomically(&lock, LOCK.as_bytes())?;
        let mut install = Command::new(folder.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]);
        tools::run(install.arg(&lock), "pip could not install componentize-py", FIX).map(drop)
    })
    .context("cannot bring componentize-py")
}
