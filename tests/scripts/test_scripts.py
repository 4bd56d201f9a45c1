"""The shell scripts, driven from outside with other tools on the PATH than the machine's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
COMMON = ("bash", "basename", "cat", "cut", "dirname", "env", "flock", "head", "id", "mkdir", "rm", "sed", "uname")


class Machine:
    """A PATH of a few ordinary commands and of stand-ins for the tools that a machine may have or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in COMMON:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)

    def has(self, name: str, script: str) -> None:
        """Put a command on the PATH."""
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the project on this machine."""
        return subprocess.run(
            ["bash", str(TOP / "scripts" / script), *arguments],
            env={"PATH": str(self.bin), "HOME": str(self.folder), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def rust(self, *, std: bool) -> Path:
        """Put a rustc on the PATH that has, or has not, the WebAssembly target; the answer is the target's folder."""
        library = self.folder / "sysroot/lib/rustlib/wasm32-unknown-unknown/lib"
        library.mkdir(parents=True)
        if std:
            (library / "libstd-0.rlib").touch()
        self.has("rustc", f'echo "{self.folder}/sysroot"')
        return library


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has nothing of what DRLS needs."""
    return Machine(tmp_path)


def test_run_says_that_an_address_is_taken_before_it_builds_anything(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = machine.run("run.sh", BIND=bind)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"drls: something listens on {bind} already")
    assert "BIND=" in refused.stderr


def exports(mode: str, rustc: str = "rustc") -> str:
    return (
        f"export DRLS_WASM_MODE={mode}\n"
        f"export DRLS_WASM_TARGET=wasm32-unknown-unknown\n"
        f"export DRLS_WASM_RUSTC={rustc}\n"
    )


def test_a_target_that_is_there_is_taken(machine: Machine) -> None:
    machine.rust(std=True)
    machine.has("rustup", "echo asked rustup >&2; exit 1")
    done = machine.run("wasm-toolchain.sh")
    assert (done.returncode, done.stdout, done.stderr) == (0, exports("present"), "")


def test_rustup_adds_the_target(machine: Machine) -> None:
    library = machine.rust(std=False)
    machine.has(
        "rustup", f'[ "$*" = "target add wasm32-unknown-unknown" ] && echo chatter && : > {library}/libstd-0.rlib'
    )
    done = machine.run("wasm-toolchain.sh")
    assert (done.returncode, done.stdout) == (0, exports("rustup"))


@pytest.mark.parametrize("rustup", ["exit 1", "exit 0"])
def test_a_rustup_that_fails_leaves_the_ways_out(machine: Machine, rustup: str) -> None:
    machine.rust(std=False)
    machine.has("rustup", rustup)
    done = machine.run("wasm-toolchain.sh")
    assert (done.returncode, done.stdout) == (1, "")
    assert "rustup target add wasm32-unknown-unknown" in done.stderr
    assert "DRLS_WASM_FROM=debian" in done.stderr


def test_what_debian_left_in_the_cache_serves_before_rustup_is_asked(machine: Machine) -> None:
    machine.rust(std=False)
    machine.has("rustup", "exit 1")
    cache = machine.folder / ".cache/drls/wasm-toolchain"
    cache.mkdir(parents=True)
    (cache / "std-wasm32-unknown-unknown-2.ok").touch()
    done = machine.run("wasm-toolchain.sh")
    assert (done.returncode, done.stdout) == (0, exports("debian", f"{cache}/bin/rustc"))
    assert machine.run("wasm-toolchain.sh", "--from", "rustup").returncode == 1


def test_debian_without_apt_is_told_so(machine: Machine) -> None:
    done = machine.run("wasm-toolchain.sh", DRLS_WASM_FROM="debian")
    assert (done.returncode, done.stdout) == (1, "")
    assert "needs apt-get and dpkg" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--from", "moon"], "'moon'"), (["--form"], "'--form'"), (["--cache"], "--cache")]
)
def test_a_mistake_in_the_arguments_is_named(machine: Machine, arguments: list[str], said: str) -> None:
    done = machine.run("wasm-toolchain.sh", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_all_that_is_missing_is_listed_at_once(machine: Machine) -> None:
    done = machine.run("check-tools.sh")
    assert done.returncode == 1
    for tool in ("Rust 1.95", "Python 3.10", "Java 17", "a C compiler"):
        assert tool in done.stderr


def test_what_is_too_old_is_named_with_its_version(machine: Machine) -> None:
    machine.has("cargo", "")
    machine.has("rustc", "echo rustc 1.90.0 '(x 2025-01-01)'")
    machine.has("java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    machine.has("cc", "")
    machine.has("python3", "cat >/dev/null; echo 3.9:shared:venv")
    done = machine.run("check-tools.sh")
    assert done.returncode == 1
    for found in ("Rust 1.95 or newer (found: 1.90.0)", "(found: 3.9)", "Java 17 or newer (found: 11)"):
        assert found in done.stderr
    assert "C compiler" not in done.stderr


def test_this_machine_has_what_it_needs() -> None:
    done = subprocess.run(["scripts/check-tools.sh", "--checks"], cwd=TOP, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_plugin_of_the_operator_stays_until_ours_changes(tmp_path: Path) -> None:
    top, home = tmp_path / "top", tmp_path / "home"
    for folder in (top / "scripts", top / "target/release", top / "target/plugins"):
        folder.mkdir(parents=True)
    for name in ("lib.sh", "install-plugins.sh"):
        shutil.copy(TOP / "scripts" / name, top / "scripts" / name)
    binary = top / "target/release/drls"
    binary.write_text(
        '#!/bin/sh\n[ "$1 $2 $4" = "plugin install --home" ] && mkdir -p "$5/plugins" && cp "$3" "$5/plugins/"\n'
    )
    binary.chmod(0o755)
    built, installed = top / "target/plugins/compact.wasm", home / "plugins/compact.wasm"

    def install() -> str:
        subprocess.run(["scripts/install-plugins.sh", home], cwd=top, check=True, env=os.environ)
        return installed.read_text()

    built.write_text("ours, 1")
    assert install() == "ours, 1"
    installed.write_text("theirs")
    assert install() == "theirs"
    built.write_text("ours, 2")
    assert install() == "ours, 2"
    installed.unlink()
    assert install() == "ours, 2"
