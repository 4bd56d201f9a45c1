//! `drls plugin dev`

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use drls_runtime::Manifest;

use crate::support::{Desk, assert_has};

/// Holds the build of the plugin until the test lets it go: its build script waits for a file beside the plugin's folder.
const GATE: &str = r#"
fn main() {
    println!("cargo:rerun-if-changed=src/lib.rs");
    if std::path::Path::new("../gate").exists() {
        std::fs::write("../building", "").unwrap();
        while std::path::Path::new("../gate").exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
"#;

fn title_in(file: &Path) -> String {
    Manifest::read(&fs::read(file).unwrap()).unwrap().unwrap().title
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

fn wait_for(file: &Path) {
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < Duration::from_secs(300), "{} does not come", file.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn builds_and_installs_at_every_save_and_goes_on_after_mistakes() {
    let desk = Desk::new();
    desk.new_plugin("health-rule", "my-rule");
    let place = desk.path("home/plugins/my-rule.wasm");
    let mut dev = desk.start(&["dev", "my-rule"]);
    let line = dev.says("installed: ");
    assert!(line.starts_with("built: my-rule 0.1.0 in ") && line.contains(" s; installed: my-rule 0.1.0, "), "{line}");

    // As an editor saves: beside the file, renamed over it, and once more for its rights.
    let text = desk.read("my-rule/src/lib.rs");
    desk.write("my-rule/src/.lib.rs.swp", "of an editor");
    desk.write("my-rule/src/lib.rs~", text.replace("would do", "are enough"));
    fs::rename(desk.path("my-rule/src/lib.rs~"), desk.path("my-rule/src/lib.rs")).unwrap();
    let line = dev.says("installed: ");
    assert_has(&line, "in place of another build of the same version");
    let good = fs::read(&place).unwrap();
    assert!(holds(&good, "are enough") && !holds(&good, "would do"));

    desk.edit("my-rule/src/lib.rs", "are enough", "are enough\", nothing_of_the_kind, \"");
    dev.says("cannot find value `nothing_of_the_kind`");
    dev.says("waiting for the next save");
    assert_eq!(fs::read(&place).unwrap(), good, "what was good stays");

    desk.write("my-rule/src/lib.rs", &text);
    dev.says("installed: ");
    desk.edit("my-rule/plugin.toml", "most = 2", "most = 3");
    dev.says("not installed: ");
    assert_has(&dev.says("problem: "), "self-test selftest/many-snapshots.json");
    dev.says("waiting for the next save");
    desk.edit("my-rule/plugin.toml", "most = 3", "most = 2");
    dev.says("installed already: ");

    // A new folder of sources is seen as well.
    desk.write("my-rule/src/words/mod.rs", "pub(crate) const MORE: &str = \"one\";\n");
    dev.says("built the same: ");
    desk.edit("my-rule/src/lib.rs", "would do", "suffice");
    dev.says("installed: ");
    desk.write("my-rule/src/words/mod.rs", "pub(crate) const MORE: &str = \"two\";\n");
    dev.says("built the same: ");

    let (code, rest) = dev.end("-INT");
    assert!(code == Some(0) && rest.ends_with("ended"), "{code:?} {rest}");
    assert_eq!(fs::read_dir(desk.path("home/plugins")).unwrap().count(), 1, "a temporary file is left");
}

#[test]
fn a_save_in_the_middle_of_a_build_starts_another() {
    let desk = Desk::new();
    desk.new_plugin("health-rule", "my-rule");
    desk.write("my-rule/build.rs", GATE);
    desk.write("gate", "");
    let mut dev = desk.start(&["dev", "my-rule"]);
    wait_for(&desk.path("building"));
    desk.edit("my-rule/plugin.toml", "title = \"My rule\"", "title = \"Second\"");
    desk.edit("my-rule/src/lib.rs", "would do", "are enough");
    fs::remove_file(desk.path("gate")).unwrap();
    dev.says("installed: ");
    let line = dev.says("installed");
    assert_has(&line, "my-rule 0.1.0");
    assert_eq!(title_in(&desk.path("home/plugins/my-rule.wasm")), "Second");
    assert_eq!(dev.end("-TERM").0, Some(0));
}

#[test]
fn says_what_is_no_plugin() {
    let desk = Desk::new();
    desk.write("empty/notes.txt", "");
    assert_has(&desk.kit(&["dev", "empty"]).failed().err, "empty has no plugin.toml\n  fix: ");
}
