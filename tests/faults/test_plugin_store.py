"""The folders where plugins are kept can't be written: the builds that serve go on, and the new one comes later."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from component import digest, drop_in, other_build
from disk import Fault
from harness import PLUGINS, loaded, until
from rig import ERRORS, Rig, choice, sample, served
from sick_tables import Sick, make

if TYPE_CHECKING:
    from collections.abc import Iterator

RULE = "small-files"
TABLE = "store.small"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Give a running server."""
    with served(tmp_path_factory.mktemp("store")) as running:
        make(running.home.lake, TABLE, Sick(files=60, partitions=2, snapshots=2))
        yield running


def told(rig: Rig) -> Any:
    """Give what is told of the rule."""
    return next(one for one in rig.api.get("/api/plugins").ok()["items"] if one["id"] == RULE)


def judged_by(rig: Rig) -> str:
    """Give the digest of the build that judges the table."""
    findings = rig.api.table(TABLE, "health").ok()["findings"]
    return next(str(one["rule"]["digest"]) for one in findings if one["rule"]["id"] == RULE)


def serves(rig: Rig, component: bytes) -> bool:
    """Whether it judges the table."""
    return judged_by(rig) == digest(component)


def build(number: int) -> bytes:
    """Give a build of the rule that is like no other."""
    return other_build((PLUGINS / f"{RULE}.wasm").read_bytes(), version=f"0.2.{number}")


def calls(rig: Rig, error: int) -> int:
    """Count the calls of keeping a build that an error would make fail; none does."""
    component = build(2000 + error)
    with rig.meets(Fault(rig.part("store/"), error, nth=0)):
        drop_in(rig.home.folder / "plugins", f"{RULE}.wasm", component)
        until("the new build serves", functools.partial(serves, rig, component))
        assert rig.disk.seen
        return rig.disk.seen


def test_a_new_build_that_can_t_be_kept_is_refused_in_words_and_taken_later(rig: Rig) -> None:
    faults = [
        Fault(rig.part("store/"), error, nth, lasting)
        for error in ERRORS
        for nth in range(1, calls(rig, error) + 1)
        for lasting in (False, True)
    ]
    refusals = 0
    for number, fault in enumerate(sample(choice(), faults, 6)):
        before, component = judged_by(rig), build(number)
        with rig.meets(fault):
            drop_in(rig.home.folder / "plugins", f"{RULE}.wasm", component)

            def decided(component: bytes = component) -> Any:
                now = told(rig)
                return now if now["error"] or now["digest"] == digest(component) else None

            now = until("it is decided", decided)
        if now["error"]:
            refusals += 1
            assert rig.disk.failed, f"{fault}: {now['error']}"
            assert now["error_code"] == "io"
            assert judged_by(rig) == before, "the build before it serves"
            # Left alone it is tried again with the next look at the folder, in half a minute.
            drop_in(rig.home.folder / "plugins", f"{RULE}.wasm", component)
        until("the new build serves", functools.partial(serves, rig, component))
        assert told(rig)["error"] is None
    assert refusals
    rig.home.audit_holds()


@pytest.mark.parametrize("error", ERRORS)
def test_compiled_code_that_can_t_be_kept_is_compiled_again(rig: Rig, error: int) -> None:
    component = build(1000 + error)
    with rig.meets(Fault(rig.part("cache/"), error, lasting=True)):
        drop_in(rig.home.folder / "plugins", f"{RULE}.wasm", component)
        until("the new build serves", functools.partial(serves, rig, component))
        until("its code was to be kept, once the better of two compilers was done", lambda: rig.disk.failed)
    rig.start_again()
    assert serves(rig, component)
    assert RULE in loaded(rig.api)
