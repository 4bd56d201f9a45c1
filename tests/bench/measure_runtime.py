"""The runtime in a process without a server: its Rust benches, which write rows of their own, and what they need."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from harness import BINARY, TOP

HERE = Path(__file__).resolve().parent
BENCHES = ("call", "extism", "many", "swap")

PYTHON = TOP / "examples" / "third-party" / "unpartitioned"
"""A rule with an interpreter inside."""


def measure() -> None:
    """Run the benches. With all packages, so that what they depend on is compiled once."""
    in_python()
    benches = (word for name in BENCHES for word in ("--bench", name))
    command = ("cargo", "bench", "--workspace", *benches)
    # Extism without a cache of its own, as ours has none there.
    environment = os.environ | {"DRLS_EXTISM": str(_extism()), "EXTISM_CACHE_CONFIG": ""}
    subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.DEVNULL, env=environment)


def in_python() -> bytes:
    """The component of the rule in Python; made once for its sources."""
    subprocess.run([str(BINARY), "plugin", "build", str(PYTHON)], check=True, stdout=subprocess.DEVNULL)
    return (PYTHON / "dist" / f"{PYTHON.name}.wasm").read_bytes()


def _extism() -> Path:
    """Extism's library, brought by checksum, once."""
    lock = HERE / "requirements.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = Path(os.environ.get("DRLS_CACHE") or Path.home() / ".cache" / "drls") / f"extism-{digest}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        words = ("install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
        subprocess.run([sys.executable, "-m", "pip", *words, "--target", str(part), "-r", str(lock)], check=True)
        part.rename(folder)
    return next((folder / "extism_sys").glob("libextism_sys.*"))
