"""How a server fares over a soak: resident memory, open files, and how long requests take."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """Resident bytes and open file descriptors of a process."""

    pid: int
    resident: int
    files: int


@dataclass
class Vitals:
    """Samples over time, and the seconds that health requests took."""

    samples: list[Sample] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, seconds: float) -> None:
        """Keep how long a request took."""
        with self.lock:
            self.seconds.append(seconds)

    def sample(self, pid: int) -> None:
        """Look at a process."""
        status = (Path("/proc") / str(pid) / "status").read_text()
        resident = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
        self.samples.append(Sample(pid, resident, len(list((Path("/proc") / str(pid) / "fd").iterdir()))))

    def percentile(self, share: float) -> float:
        """The milliseconds in which this share of the health requests was answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def lines(self) -> list[str]:
        """A summary of the process that lived longest: at its start, in the middle, at its end."""
        pids = [one.pid for one in self.samples]
        longest = max(pids, key=pids.count, default=0)
        seen = [one for one in self.samples if one.pid == longest]
        if not seen:
            return []
        parts = {"start": seen[0], "middle": seen[len(seen) // 2], "end": seen[-1]}
        told = ", ".join(f"{name} {one.resident / 2**20:.0f} MiB" for name, one in parts.items())
        percentiles = f"p50 {self.percentile(0.5):.1f} ms, p99 {self.percentile(0.99):.1f} ms"
        return [
            f"resident memory of the server that lived longest: {told} ({len(seen)} samples)",
            f"its open files: start {seen[0].files}, end {seen[-1].files}",
            f"health of a table: {percentiles}, {len(self.seconds)} requests",
        ]
