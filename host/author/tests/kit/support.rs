//! Drives the example binary as an author does, on folders of its own.

mod running;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use drls_runtime::{Manifest, embed};
use tempfile::TempDir;

pub(crate) use self::running::Running;

/// The checkout's own guests: their lock file and target folder spare each test the download and build of the SDK's
/// dependencies.
fn plugins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins")
}

/// What a run of the kit gave.
pub(crate) struct Run {
    /// Exit status.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Run {
    /// The run, where it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The run, where it failed in an orderly way.
    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        assert_eq!(self.code, 1, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// A folder to work in, gone at the end of the test.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Replaces text in a file; the text must be there.
    pub(crate) fn edit(&self, name: &str, old: &str, new: &str) {
        let text = self.read(name);
        assert!(text.contains(old), "{name} has no {old:?}:\n{text}");
        self.write(name, text.replace(old, new));
    }

    /// `drls-plugin ARGS...` in this folder. DRLS_HOME is a folder here too, so that no test touches a real one.
    pub(crate) fn kit(&self, args: &[&str]) -> Run {
        self.kit_with(args, &[])
    }

    /// The same with environment variables on top.
    pub(crate) fn kit_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Run {
        let output = self.command(args).envs(environment.iter().copied()).output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same, going on beside the test.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::new(self.command(args))
    }

    fn command(&self, args: &[&str]) -> Command {
        let binary = std::env::current_exe().unwrap().parent().unwrap().join("../examples/drls-plugin");
        assert!(binary.exists(), "run all tests of the package, which builds its example: cargo test -p drls-author");
        let mut command = Command::new(binary);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("CARGO_TARGET_DIR", plugins().join("target"))
            .env("DRLS_HOME", self.path("home"))
            .env_remove("DRLS_SDK")
            // The suite may have found a compiler already; how the kit finds one is part of what is tested.
            .env_remove("DRLS_WASM_RUSTC")
            .env_remove("DRLS_WASM_TARGET");
        command
    }

    /// Makes the folder of a new plugin, with the versions that the checkout's guests are locked to.
    pub(crate) fn new_plugin(&self, kind: &str, name: &str) {
        self.kit(&["new", "--kind", kind, name]).ok();
        self.write(&format!("{name}/Cargo.lock"), fs::read(plugins().join("Cargo.lock")).unwrap());
    }

    /// Puts the built rule here as `name`, with the text of its manifest changed.
    pub(crate) fn rule(&self, name: &str, change: impl Fn(&str) -> String) {
        let rule = built_rule();
        let text = change(&fs::read_to_string(rule.folder.join("plugin.toml")).unwrap());
        let manifest = Manifest::from_toml(&text, &rule.folder).unwrap();
        self.write(name, embed(&rule.bytes, &manifest).unwrap());
    }
}

/// A rule that was made and built once for all tests: `many-snapshots` 0.1.0.
pub(crate) struct BuiltRule {
    /// Its source.
    pub(crate) folder: PathBuf,
    /// The file.
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn built_rule() -> &'static BuiltRule {
    static RULE: OnceLock<BuiltRule> = OnceLock::new();
    RULE.get_or_init(|| {
        // Beside the test binaries, not in a folder that someone must remove: the next run makes it again.
        let desk = Path::new(env!("CARGO_TARGET_TMPDIR")).join("author-kit");
        let folder = desk.join("many-snapshots");
        if desk.exists() {
            fs::remove_dir_all(&desk).unwrap();
        }
        fs::create_dir_all(&desk).unwrap();
        let maker = Desk::new();
        let place = folder.to_str().unwrap();
        maker.kit(&["new", "--kind", "health-rule", place]).ok();
        fs::copy(plugins().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        maker.kit(&["build", place]).ok();
        let bytes = fs::read(folder.join("dist/many-snapshots.wasm")).unwrap();
        BuiltRule { folder, bytes }
    })
}

/// Fails with both texts where one does not hold the other.
#[track_caller]
pub(crate) fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "no {part:?} in:\n{text}");
}
