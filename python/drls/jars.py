"""Brings the two jars that Spark needs and pyspark does not carry: Iceberg's runtime and SQLite's JDBC driver.

`python -m drls.jars [DIR]` uses the Ivy inside pyspark, so that no Maven is needed; a mirror is named by an Ivy
settings file (`--settings FILE`). A jar counts only by its checksum, which is committed in `jars.sha256`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from drls import java
from drls.errors import DrlsError

CHECKSUMS = Path(__file__).with_name("jars.sha256")
"""One line a jar, as `sha256sum` writes it."""
DEFAULT = Path("~/.cache/drls/jars")
_ORGANISATIONS = {"iceberg-spark-runtime": "org.apache.iceberg", "sqlite-jdbc": "org.xerial"}


def checksums(file: Path = CHECKSUMS) -> dict[str, str]:
    """Read a checksum file: jar name -> SHA-256 in hex."""
    lines = (line.split() for line in file.read_text().splitlines() if line.strip())
    return {name: digest for digest, name in lines}


def missing(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Name the jars that are not in the folder with their checksum (a third of a second for both)."""
    return [name for name, digest in wanted.items() if not _is(folder / name, digest)]


def _is(jar: Path, digest: str) -> bool:
    try:
        found = hashlib.sha256()
        with jar.open("rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
    except FileNotFoundError:
        return False
    return found.hexdigest() == digest


def bring(folder: Path, wanted: dict[str, str] | None = None, settings: Path | None = None) -> list[Path]:
    """Make the folder hold every jar with its checksum and give their paths. What is there already is kept.

    Errors: `java-not-found`; `spark-unavailable` where a jar can't be brought or is not the one that was pinned.
    """
    wanted = checksums() if wanted is None else wanted
    folder = folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    lacking = missing(folder, wanted)
    # In the same folder, so that the move at the end is one rename: no half jar is ever seen under its name.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".bringing-") as scratch:
        for name in lacking:
            jar = _fetch(name, Path(scratch), settings)
            if not _is(jar, wanted[name]):
                raise DrlsError(
                    "spark-unavailable",
                    f"{name} has another checksum than the pinned one and is refused. Check the mirror.",
                )
            jar.replace(folder / name)
    return [folder / name for name in wanted]


def _fetch(name: str, scratch: Path, settings: Path | None) -> Path:
    """Resolve one jar, without what it depends on, into the scratch folder."""
    artifact, version = name.removesuffix(".jar").rsplit("-", 1)
    organisation = next((org for start, org in _ORGANISATIONS.items() if artifact.startswith(start)), None)
    if organisation is None:
        raise DrlsError("invalid-argument", f"{name} is no jar that DRLS knows where to get.")
    command = [
        java.find(),
        "-cp",
        str(pyspark_folder() / "jars" / "*"),
        "org.apache.ivy.Main",
        "-error",
        "-m2compatible",
    ]
    command += ["-cache", str(scratch / "ivy"), "-notransitive", "-confs", "default", "-types", "jar", "bundle"]
    command += ["-dependency", organisation, artifact, version]
    command += ["-retrieve", str(scratch / "[artifact]-[revision].[ext]")]
    command += ["-settings", str(settings)] if settings else []
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise DrlsError("spark-unavailable", f"{name} did not arrive in ten minutes. Retry.") from error
    if ran.returncode or not (scratch / name).exists():
        said = (ran.stderr.strip() or ran.stdout.strip() or "no reason given")[-400:]
        raise DrlsError(
            "spark-unavailable",
            f"{name} could not be brought: {said}. Check the network, or name a mirror by --settings.",
        )
    return scratch / name


def lacking(folder: str) -> list[str]:
    """Name the jars that are not in the folder as they should be; "" is the folder that `make` fills."""
    return missing(Path(folder or DEFAULT).expanduser(), checksums())


def pyspark_folder() -> Path:
    """Find pyspark's folder without importing it, which takes a second."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise DrlsError("spark-unavailable", "pyspark is not installed. Make the environment by scripts/python-env.sh.")
    return Path(found.origin).parent


def main() -> int:
    """Run the command line; exit status 1 and one line on standard error where it fails."""
    parser = argparse.ArgumentParser(prog="python -m drls.jars", description="Bring Spark's jars by checksum.")
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT, help=f"default {DEFAULT}")
    parser.add_argument("--settings", type=Path, help="an Ivy settings file, for a mirror")
    asked = parser.parse_args()
    try:
        for jar in bring(asked.folder, settings=asked.settings):
            print(jar)  # noqa: T201 (the command's answer)
    except DrlsError as error:
        print(f"drls.jars: {error.detail}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
