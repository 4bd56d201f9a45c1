"""Finds the Java that Spark runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from drls.errors import DrlsError

OLDEST = 17
"""Spark 4 and Iceberg 1.12 are built for Java 17 (https://spark.apache.org/docs/4.1.4/)."""
_HOW = "Install it (Debian: apt install openjdk-17-jre-headless, macOS: brew install openjdk@17) or set JAVA_HOME."


def find(java_home: str = "") -> str:
    """Give the path of a `java` of version 17 or newer: JAVA_HOME's, else the PATH's, as Spark itself looks for it.

    Errors: `java-not-found` with what to install.
    """
    home = java_home or os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home) / "bin" / "java")) if home else shutil.which("java")
    if java is None:
        raise DrlsError("java-not-found", f"Spark needs Java {OLDEST} or newer and there is none. {_HOW}")
    version = _version(java)
    if version < OLDEST:
        raise DrlsError("java-not-found", f"Spark needs Java {OLDEST} or newer; the one here is Java {version}. {_HOW}")
    return java


def _version(java: str) -> int:
    """Ask a `java` for its major version; 0 where it does not say ("1.8.0" is Java 8)."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(found.group(1)) if found else 0
