//! `drls plugin build`

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::support::{Desk, assert_has, built_rule};

#[test]
fn names_every_mistake_of_the_manifest_with_the_nearest_key() {
    let desk = Desk::new();
    desk.new_plugin("health-rule", "my-rule");
    desk.edit("my-rule/plugin.toml", "description =", "desription =");
    desk.edit("my-rule/plugin.toml", "version = \"0.1.0\"", "version = \"one\"");
    let run = desk.kit(&["build", "my-rule"]).failed();
    assert_has(&run.err, "plugin.desription: unknown key; did you mean description?");
    assert_has(&run.err, "plugin.version: \"one\" is not a semantic version");
    assert!(!desk.path("my-rule/dist").exists());
}

#[test]
fn says_what_is_missing_in_the_folder() {
    let desk = Desk::new();
    desk.write("empty/notes.txt", "");
    assert_has(&desk.kit(&["build", "empty"]).failed().err, "empty has no plugin.toml\n  fix: ");
    assert_has(&desk.kit(&["build", "nowhere"]).failed().err, "nowhere is no folder\n  fix: ");
    desk.write("empty/plugin.toml", "[plugin]\nid = \"empty\"\nversion = \"1.0.0\"\ntitle = \"Empty\"\n");
    assert_has(
        &desk.kit(&["build", "empty"]).failed().err,
        "empty has no Cargo.toml, no plugin.py and no plugin.js\n  fix: ",
    );
    desk.write("empty/Cargo.toml", "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n");
    desk.write("empty/src/lib.rs", "");
    assert_has(&desk.kit(&["build", "empty"]).failed().err, "crate-type = [\"cdylib\"]");
    desk.edit("empty/Cargo.toml", "[workspace]", "[lib]\ncrate-type = [\"cdylib\"]\n[workspace]");
    assert_has(&desk.kit(&["build", "empty"]).failed().err, "exports nothing, but a health rule exports");
}

#[test]
fn passes_the_compilers_errors_through_and_leaves_the_old_file() {
    let desk = Desk::new();
    desk.new_plugin("health-rule", "my-rule");
    desk.write("my-rule/dist/my-rule.wasm", "old");
    desk.edit("my-rule/src/lib.rs", "let most = config.most as usize;", "let most = config.least as usize;");
    let run = desk.kit(&["build", "my-rule"]).failed();
    assert_has(&run.err, "error[E0609]: no field `least` on type `&Config`");
    assert_has(&run.err, "src/lib.rs:");
    assert_has(&run.err, "cargo could not build my-rule");
    assert_eq!(desk.read("my-rule/dist/my-rule.wasm"), "old");
}

#[test]
fn builds_all_folders_once_and_leaves_what_is_up_to_date() {
    let desk = Desk::new();
    desk.new_plugin("health-rule", "plugins/first");
    desk.new_plugin("table-operation", "plugins/second");
    desk.write("plugins/sdk/readme", "no plugin");
    // Flags of the host's build must not reach the guest's.
    let flags = ("RUSTFLAGS", "-Ctarget-cpu=no-such-cpu");
    let run = desk.kit_with(&["build", "--all", "plugins", "--out-dir", "out"], &[flags]).ok();
    assert_has(&run.out, "built: first 0.1.0, ");
    assert_has(&run.out, "built: second 0.1.0, ");
    let written = |name: &str| fs::metadata(desk.path(name)).unwrap().modified().unwrap();
    let before = written("out/first.wasm");
    assert_eq!(fs::metadata(desk.path("out/first.wasm")).unwrap().permissions().mode() & 0o444, 0o444);
    let again = desk.kit(&["build", "--all", "plugins", "--out-dir", "out"]).ok();
    assert_has(&again.out, "up to date: first 0.1.0, ");
    assert_eq!(written("out/first.wasm"), before);
    assert_eq!(fs::read_dir(desk.path("out")).unwrap().count(), 2);

    desk.edit("plugins/second/plugin.toml", "id = \"second\"", "id = \"first\"");
    let same = desk.kit(&["build", "--all", "plugins", "--out-dir", "out"]).failed();
    assert_has(&same.err, "have the same id 'first'");
}

#[test]
fn says_how_to_get_the_toolchain() {
    let desk = Desk::new();
    desk.new_plugin("health-rule", "my-rule");
    let no_cargo = desk.kit_with(&["build", "my-rule"], &[("PATH", "")]).failed();
    assert_has(&no_cargo.err, "cargo was not found on the PATH");
    assert_has(&no_cargo.err, "https://rustup.rs");

    // A Rust without the target, and no rustup that could add it.
    let cargo = which("cargo");
    desk.write("bin/cargo", format!("#!/bin/sh\nexec {cargo} \"$@\"\n"));
    desk.write("bin/rustc", "#!/bin/sh\n[ \"$1\" = --version ] && echo rustc 1.95.0 || echo /nowhere\n");
    for name in ["bin/cargo", "bin/rustc"] {
        fs::set_permissions(desk.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", desk.path("bin").display());
    let (cache, from) = (desk.path("cache"), "rustup");
    let cache = cache.to_str().unwrap();
    let bare = [("PATH", path.as_str()), ("DRLS_WASM_FROM", from), ("XDG_CACHE_HOME", cache), ("DRLS_CACHE", cache)];
    let no_target = desk.kit_with(&["build", "my-rule"], &bare).failed();
    assert_has(&no_target.err, "there is no Rust compiler for wasm32-unknown-unknown on this machine");
    assert_has(&no_target.err, "fix: rustup target add wasm32-unknown-unknown");

    let named = desk.kit_with(&["build", "my-rule"], &[("DRLS_WASM_RUSTC", "/no/rustc")]).failed();
    assert_has(&named.err, "names /no/rustc, which does not run");
}

/// The program behind a name; the toolchain's own and not a proxy that asks its folder of settings first.
fn which(program: &str) -> String {
    let output = std::process::Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn writes_where_it_is_told() {
    let folder = built_rule().folder.display().to_string();
    let desk = Desk::new();
    let run = desk.kit(&["build", &folder, "--out", "deep/er/rule.wasm"]).ok();
    assert_has(&run.out, "deep/er/rule.wasm");
    assert_eq!(fs::read(desk.path("deep/er/rule.wasm")).unwrap(), built_rule().bytes);
}
