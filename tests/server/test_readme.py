"""The tour of the README, as it is printed there, and what it says that one sees."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

from harness import BINARY, TOP

if TYPE_CHECKING:
    from harness import Api, Home, Server

README = (TOP / "README.md").read_text()


def tour() -> list[str]:
    """Give the lines of the tour."""
    found = re.search(r"## A tour by curl.*?```sh\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1].splitlines()


def typed(server: Server, *lines: str) -> list[Any]:
    """Give what the lines print in one shell, as whoever copies them sees it: one JSON document each."""
    words = "\necho\n".join(lines).replace("http://127.0.0.1:3000", f"http://{server.host}")
    words = words.replace("target/release/drls", str(BINARY))
    shell = ["sh", "-c", words]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "DRLS_HOME": str(server.home.folder)}
    done = subprocess.run(shell, cwd=TOP, env=environment, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def test_the_tour_shows_what_the_readme_says_and_may_be_taken_twice(api: Api, home: Home, server: Server) -> None:
    done = home.drls("demo")
    assert done.returncode == 0, done.stderr
    sign_in, tables, health, plan, compact, again = tour()
    promised = re.search(r"\((\d+) files become (\d+); nothing has changed yet\)", README)
    scores = re.search(r"from (\d+) to (\d+) points", README)
    assert promised
    assert scores

    listed, sick, planned, job = typed(server, sign_in, tables, health, plan, compact)
    assert len(listed["items"]) == 7, "the tables of the sample"
    effect = planned["plan"]["effect"]
    assert [effect["files_before"], effect["files_after"]] == [int(number) for number in promised.groups()]
    assert api.ended(job["job"])["result"]["files_after"] == int(promised[2])
    _, healed = typed(server, sign_in, tables, again)
    told = [(one["code"], one["penalty"], one["title"]) for one in healed["findings"]]
    assert [sick["score"], healed["score"]] == [int(score) for score in scores.groups()], told
    api.undo(job["job"])
    assert api.table("flights.flights", "health").ok()["score"] == int(scores[1])
