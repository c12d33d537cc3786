"""What somebody who only sees releases can learn of durations: times that are written down, and how long reading takes."""

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from scipy.stats import ks_2samp

SECONDS_OF_A_DAY = 86_400
FALSE_ALARM = 1e-7
"""Of one comparison of two samples, where nothing differs."""
_TIME = re.compile(rb"(?<![0-9])(?:19|20)\d\d-\d\d-\d\d[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)")
_MIDNIGHT = re.compile(rb"00:00(?::00(?:\.0+)?)?")


def fine_times(releases: Path) -> Iterator[str]:
    """Every time below `releases` that is finer than a day: of files and folders, in them, and in Parquet's metadata."""
    for path in (releases, *sorted(releases.rglob("*"))):
        seen = path.lstat()
        if seen.st_mtime_ns % (SECONDS_OF_A_DAY * 10**9):
            yield f"{path.name}: changed at a time of day"
        if path.is_file():
            contents = [path.read_bytes()]
            if path.suffix == ".parquet":
                contents.append(repr(pq.read_metadata(path).metadata).encode())
            for content in contents:
                for found in _TIME.findall(content):
                    if not _MIDNIGHT.fullmatch(found):
                        yield f"{path.name}: {found.decode()}"


@dataclass(frozen=True)
class Durations:
    """Seconds that the same reading took of either neighbour's release."""

    one: Sequence[float]
    other: Sequence[float]

    @property
    def p(self) -> float:
        """Kolmogorov and Smirnov's two-sample test: how likely a difference as large is, where nothing differs."""
        return float(ks_2samp(self.one, self.other).pvalue)

    @property
    def median(self) -> float:
        return sorted(self.one)[len(self.one) // 2]


def watch(
    read: Callable[[Path], object], pairs: Sequence[tuple[Path, Path]], runs: int, longer: float = 0.0
) -> Durations:
    """Time `read` of each side of the pairs, `runs` times a side, the two sides in random order each time.

    `longer`: part of its own duration by which each reading of the second side is drawn out, for showing that it would
    be seen; of its own, since a machine's speed changes meanwhile.
    """
    order = random.SystemRandom()
    took: tuple[list[float], list[float]] = ([], [])
    for one, other in pairs:
        read(one), read(other)
    for run in range(runs):
        pair = pairs[run % len(pairs)]
        for side in order.sample((0, 1), 2):
            start = time.perf_counter()
            read(pair[side])
            until = start + (1 + side * longer) * (time.perf_counter() - start)
            while time.perf_counter() < until:
                continue
            took[side].append(time.perf_counter() - start)
    return Durations(*took)
