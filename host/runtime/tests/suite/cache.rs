//! Compiled code is kept for the next start, and used only where it is whole, of this engine, and nobody else could write it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use drls_runtime::{LifeState, Runtime};
use sha2::{Digest as _, Sha256};

use crate::support::{
    Guest,
    home::{Home, eventually, status, version},
};

/// How code was made that no cache had.
const NEW: &str = "by Winch, to serve at once";
const KEPT: &str = "from the cache";

fn rule() -> Guest {
    Guest::rule("rule", "1.0.0").code("found")
}

fn compiled(runtime: &Runtime) -> String {
    let history = status(runtime, "rule").expect("status").history;
    history.into_iter().find(|e| e.state == LifeState::Compiled).expect("compiled").detail.expect("how")
}

/// The file of compiled code.
fn kept_code(home: &Home) -> Option<PathBuf> {
    let files = fs::read_dir(home.path().join("cache")).expect("cache").filter_map(Result::ok);
    files.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
}

/// Spoils the code that a first start kept: the second one makes it again, and the third has it.
fn made_again(spoil: impl FnOnce(&Path)) {
    let home = Home::new();
    home.put(&rule());
    let runtime = home.start();
    assert_eq!(compiled(&runtime), NEW);
    let kept = eventually("the code is kept once it serves", || kept_code(&home));
    drop(runtime);
    assert_eq!(compiled(&home.start()), KEPT);
    spoil(&kept);
    let spoilt = fs::read(&kept).expect("there");
    let runtime = home.start();
    assert_eq!(compiled(&runtime), NEW);
    let good = || fs::read(&kept).ok().filter(|code| *code != spoilt || mode(&kept) == 0o600);
    eventually("the code is made again", good);
    drop(runtime);
    assert_eq!(compiled(&home.start()), KEPT);
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_: &Path) -> u32 {
    0o600
}

#[test]
fn makes_damaged_code_again() {
    made_again(|kept| {
        let mut code = fs::read(kept).expect("code");
        let middle = code.len() / 2;
        code[middle] ^= 1;
        fs::write(kept, &code).expect("write");
    });
}

#[test]
fn makes_code_of_another_engine_again_that_has_the_name_of_ours() {
    made_again(|kept| {
        let engine = wasmtime::Engine::new(wasmtime::Config::new().epoch_interruption(false)).expect("engine");
        let code = engine.precompile_component(&rule().build()).expect("compiled");
        let file = [&fs::read(kept).expect("code")[..8], &Sha256::digest(&code)[..], &code[..]].concat();
        fs::remove_file(kept).expect("remove");
        fs::write(kept, file).expect("write");
        private(kept);
    });
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("chmod");
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[cfg(unix)]
#[test]
fn makes_code_again_that_others_could_have_written() {
    use std::os::unix::fs::PermissionsExt as _;
    made_again(|kept| {
        assert_eq!(mode(kept.parent().expect("folder")), 0o700);
        fs::set_permissions(kept, fs::Permissions::from_mode(0o666)).expect("chmod");
    });
}

#[test]
fn serves_without_a_cache_where_none_can_be_made() {
    let home = Home::new();
    fs::write(home.path().join("cache"), "a file").expect("write");
    home.put(&rule());
    for _ in 0..2 {
        let runtime = home.start();
        assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
        assert_eq!(compiled(&runtime), NEW);
    }
    assert_eq!(fs::read(home.path().join("cache")).expect("left"), b"a file");
}
