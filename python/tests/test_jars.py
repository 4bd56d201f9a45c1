"""Spark's jars: brought by checksum, refused without."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from drls import jars
from drls.errors import DrlsError

if TYPE_CHECKING:
    from pathlib import Path

SQLITE = "sqlite-jdbc-3.54.1.0.jar"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>org.xerial</groupId><artifactId>sqlite-jdbc</artifactId><version>3.54.1.0</version></project>"""
IVY = """<ivysettings><settings defaultResolver="mirror"/><resolvers>
<ibiblio name="mirror" m2compatible="true" root="{root}"/></resolvers></ivysettings>"""


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a Maven repository that holds the driver, and name it as an operator would: no test waits for a network."""
    top = tmp_path_factory.mktemp("mirror")
    folder = top / "org" / "xerial" / "sqlite-jdbc" / "3.54.1.0"
    folder.mkdir(parents=True)
    jars.bring(jars.DEFAULT)  # as `make build` has done
    shutil.copy(jars.DEFAULT.expanduser() / SQLITE, folder)
    (folder / "sqlite-jdbc-3.54.1.0.pom").write_text(POM)
    settings = top / "ivysettings.xml"
    settings.write_text(IVY.format(root=top.as_uri()))
    return settings


def test_brings_a_jar_once_and_again_where_it_was_damaged(tmp_path: Path, mirror: Path) -> None:
    wanted = {SQLITE: jars.checksums()[SQLITE]}
    assert jars.bring(tmp_path, wanted, mirror) == [tmp_path / SQLITE]
    first = (tmp_path / SQLITE).stat().st_mtime_ns
    jars.bring(tmp_path, wanted, mirror)
    assert (tmp_path / SQLITE).stat().st_mtime_ns == first
    (tmp_path / SQLITE).write_bytes(b"damaged")
    assert jars.missing(tmp_path, wanted) == [SQLITE]
    jars.bring(tmp_path, wanted, mirror)
    assert jars.missing(tmp_path, wanted) == []
    assert [file.name for file in tmp_path.iterdir()] == [SQLITE]


def test_refuses_a_jar_of_another_checksum(tmp_path: Path, mirror: Path) -> None:
    with pytest.raises(DrlsError) as told:
        jars.bring(tmp_path, {SQLITE: "0" * 64}, mirror)
    assert told.value.code == "spark-unavailable"
    assert "checksum" in told.value.detail
    assert list(tmp_path.iterdir()) == []


def test_says_what_a_mirror_lacks(tmp_path: Path, mirror: Path) -> None:
    with pytest.raises(DrlsError) as told:
        jars.bring(tmp_path, {"sqlite-jdbc-9.9.9.jar": "0" * 64}, mirror)
    assert told.value.code == "spark-unavailable"
    assert "sqlite-jdbc-9.9.9.jar could not be brought" in told.value.detail
    assert list(tmp_path.iterdir()) == []


def test_says_what_to_install_where_there_is_no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DrlsError) as told:
        jars.bring(tmp_path / "jars")
    assert told.value.code == "java-not-found"
    assert "apt install" in told.value.detail
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    old.chmod(0o755)
    with pytest.raises(DrlsError) as told:
        jars.bring(tmp_path / "jars")
    assert "Java 8" in told.value.detail
