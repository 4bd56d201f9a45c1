"""The long form: round after round, each of its own seed, until the time is over; a summary at the end.

One home and one server serve all rounds, so that what leaks shows. In the first two thirds of the time nothing is
killed; after that the server and Spark are, now and then. A round that fails ends the soak with status 1, keeps the
home and says the command that runs that round alone again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random

from driver import Plan, Run, SoakError
from harness import Home, Server
from steps import not_done
from vitals import Vitals

from drls import jars, spark

LIGHT_BURSTS, HEAVY_BURSTS = 150, 60
"""Bursts of a round without and with Spark: about a minute of each."""


def without_java(folder: Path) -> dict[str, str]:
    """The environment of a machine without Java."""
    (folder / "no java").mkdir(parents=True, exist_ok=True)
    return {"PATH": str(folder / "no java"), "JAVA_HOME": ""}


def another_spark(home: Home, folder: Path) -> None:
    """Say which Spark this process writes by; it starts when it is first needed, apart from the server's."""
    jars.bring(jars.DEFAULT)
    settings: spark.Settings = {
        "home": str(folder), "jars": "", "memory": "1g", "master": "local[2]", "remote": "", "java_home": "",
        "properties": {}, "catalogs": [home.lake],
    }  # fmt: skip
    spark.configure(settings)


class Soak:
    """A server on a home of its own, and the rounds that it bore."""

    def __init__(self, folder: Path, *, with_spark: bool) -> None:
        self.folder = folder
        self.home = Home.make(folder / "home")
        self.token = self.home.user("admin", "admin")
        self.server = Server(self.home, {} if with_spark else without_java(folder))
        self.vitals = Vitals()
        self.rounds: list[Run] = []
        if with_spark:
            another_spark(self.home, folder / "another spark")
        self.server.start()

    def round(self, plan: Plan) -> None:
        """Run one seed on new tables; raise `SoakError` where it finds a fault."""
        log = self.folder / f"steps-{plan.seed}.log"
        print(f"seed {plan.seed}: {plan.command()}, log {log}", flush=True)
        run = Run(plan, self.home, self.server, self.token, log, self.vitals)
        self.rounds.append(run)
        run.go()
        for subject in run.subjects:
            subject.drop()

    def stop(self) -> None:
        """End the server in order, and our Spark."""
        spark.stop()
        self.server.stop()

    def counts(self) -> Counter[tuple[str, str]]:
        """What was done in all rounds, by kind and outcome."""
        return sum((run.counts for run in self.rounds), Counter[tuple[str, str]]())

    def summary(self) -> list[str]:
        """What was done, and how the server fared."""
        counts = self.counts()
        states = sum((run.states for run in self.rounds), Counter[str]())
        lines = [
            f"{len(self.rounds)} rounds, {sum(counts.values())} steps, kills survived {counts['kill', 'survived']}"
        ]
        lines += [f"  {kind:28} {word:28} {count:6}" for (kind, word), count in sorted(counts.items())]
        lines.append("jobs: " + ", ".join(f"{state} {count}" for state, count in sorted(states.items())))
        return lines + self.vitals.lines()


def main() -> int:
    """Reads the arguments and runs what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600, help="how long to begin rounds (default 3600)")
    parser.add_argument("--master", type=int, help="the seed that the seeds of the rounds come from (default random)")
    parser.add_argument("--seed", type=int, help="run the one round of this seed")
    parser.add_argument("--bursts", type=int, help=f"steps a table (default {LIGHT_BURSTS}, Spark {HEAVY_BURSTS})")
    parser.add_argument("--spark", action="store_true", help="with Spark: rewrites, and its writes")
    parser.add_argument("--kills", action="store_true", help="kill the server and Spark now and then")
    parser.add_argument("--least", type=int, default=5, help="how often each kind of step must have worked (default 5)")
    parser.add_argument("--keep", type=Path, help="the folder to work in (default a temporary one)")
    asked = parser.parse_args()
    # PyIceberg tells of deletes that it does copy-on-write, and of those that met no row: both are wanted.
    warnings.filterwarnings("ignore", category=UserWarning, module="pyiceberg")
    bursts = asked.bursts or (HEAVY_BURSTS if asked.spark else LIGHT_BURSTS)
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="drls-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    master = asked.master if asked.master is not None else int.from_bytes(os.urandom(4), "big")
    began = time.monotonic()
    soak = Soak(folder, with_spark=asked.spark)
    failed = False
    try:
        if asked.seed is not None:
            soak.round(Plan(asked.seed, bursts, asked.spark, asked.kills))
        else:
            print(f"SOAK_SEED={master}: the seeds of the rounds come from it", flush=True)
            seeds = Random(master)
            while (spent := time.monotonic() - began) < asked.seconds:
                kills = asked.kills and spent > asked.seconds * 2 / 3
                soak.round(Plan(seeds.randrange(10**6), bursts, asked.spark, kills))
            lacking = not_done(soak.counts(), with_spark=asked.spark, kills=asked.kills, least=asked.least)
            failed = bool(lacking)
            print("".join(f"no real work: {one}\n" for one in lacking), end="", file=sys.stderr)
    except SoakError as error:
        print(error, file=sys.stderr)
        failed = True
    except Exception:  # noqa: BLE001 (told in full, and the home is kept)
        traceback.print_exc()
        failed = True
    finally:
        soak.stop()
    print("\n".join(soak.summary()))
    if failed:
        print(f"FAILED; everything is kept in {folder}")
        return 1
    if not asked.keep:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
