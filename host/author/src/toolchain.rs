//! Finds a Rust compiler for WebAssembly, and says what is missing with the command that brings it.

use std::{
    ffi::{OsStr, OsString},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

/// Plugins reach the world through the contract only, so the target has no operating system.
const TARGET: &str = "wasm32-unknown-unknown";

/// The repository's own script, carried along so that the installed binary needs no checkout. It finds or makes the
/// standard library for [`TARGET`] and prints `export` lines.
const SCRIPT: &str = include_str!("../../../scripts/wasm-toolchain.sh");

/// Runs [`SCRIPT`] (`$1`; its source is `$2`) and prints what it exports, since only a shell can unquote it.
const RUN_SCRIPT: &str = r#"out=$(bash -c "$1" wasm-toolchain.sh --from "$2") || exit; eval "$out"
printf '%s\n%s\n' "$DRLS_WASM_TARGET" "$DRLS_WASM_RUSTC""#;

/// Which compiler builds plugins, for every command that may build one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "WebAssembly toolchain")]
pub(crate) struct ToolchainArgs {
    /// A rustc that has the standard library for the target; skips the search
    #[arg(long, value_name = "PATH", env = "DRLS_WASM_RUSTC", hide_env_values = true)]
    wasm_rustc: Option<OsString>,
    /// Target triple
    #[arg(long, value_name = "TRIPLE", env = "DRLS_WASM_TARGET", default_value = TARGET, hide_env_values = true)]
    wasm_target: String,
    /// Where to look for the target, and to get it from where it is missing
    #[arg(long, value_name = "SOURCE", env = "DRLS_WASM_FROM", default_value = "auto", hide_env_values = true)]
    wasm_from: From,
}

/// Sources of the target, as the script names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// The active rustc, then rustup, then what `debian` left behind
    Auto,
    /// The active rustc, then rustup
    Rustup,
    /// Debian's packages, unpacked into a cache (no root)
    Debian,
}

/// A compiler with the standard library for its target.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    /// Value of `RUSTC` for cargo.
    pub(crate) rustc: OsString,
    /// Value of `--target` for cargo.
    pub(crate) target: String,
}

/// Finds the toolchain: the named compiler, else the active `rustc` where it has the target, else what the embedded
/// script finds or brings. Errors name the command that brings what is missing.
pub(crate) fn find(args: &ToolchainArgs) -> Result<Toolchain> {
    let target = args.wasm_target.clone();
    if let Some(rustc) = args.wasm_rustc.clone() {
        if !runs(&rustc) {
            bail!(
                "DRLS_WASM_RUSTC (--wasm-rustc) names {}, which does not run\n  fix: name a rustc, or unset it",
                rustc.display()
            );
        }
        return Ok(Toolchain { rustc, target });
    }
    if args.wasm_from != From::Debian && has_std("rustc", &target) {
        return Ok(Toolchain { rustc: "rustc".into(), target });
    }
    from_script(args.wasm_from, &target)
}

/// The same with the search done, for who builds again and again.
pub(crate) fn found(args: &ToolchainArgs) -> Result<ToolchainArgs> {
    let Toolchain { rustc, target } = find(args)?;
    Ok(ToolchainArgs { wasm_rustc: Some(rustc), wasm_target: target, wasm_from: args.wasm_from })
}

fn from_script(from: From, target: &str) -> Result<Toolchain> {
    let fix = format!(
        "fix: rustup target add {target}\n  \
         or, on Debian and Ubuntu: DRLS_WASM_FROM=debian and the same command again\n  \
         or name a compiler that has it: DRLS_WASM_RUSTC=/path/to/rustc"
    );
    let source = from.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", RUN_SCRIPT, "drls", SCRIPT, &source])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(e) if e.kind() == ErrorKind::NotFound => bail!("the active rustc cannot compile for {target}\n  {fix}"),
        Err(e) => return Err(e).context("cannot run bash"),
    };
    let printed = String::from_utf8_lossy(&output.stdout);
    match (output.status.success(), printed.lines().collect::<Vec<_>>().as_slice()) {
        (true, [target, rustc]) => Ok(Toolchain { rustc: (*rustc).into(), target: (*target).to_owned() }),
        _ => bail!("there is no Rust compiler for {target} on this machine\n  {fix}"),
    }
}

/// True where this compiler has a standard library for the target.
fn has_std(rustc: &str, target: &str) -> bool {
    let Ok(output) = Command::new(rustc).args(["--print", "sysroot"]).output() else {
        return false;
    };
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let libraries = sysroot.join("lib/rustlib").join(target).join("lib");
    libraries.read_dir().is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = Path::new(&name);
            name.extension().is_some_and(|e| e == "rlib") && name.to_string_lossy().starts_with("libstd-")
        })
    })
}

/// True where the program starts and answers `--version`.
fn runs(program: impl AsRef<OsStr>) -> bool {
    let probe = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    probe.is_ok_and(|output| output.status.success())
}
