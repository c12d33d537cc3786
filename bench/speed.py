"""What privacy costs in time: releases against exact counts and other tools, ingest against a plain read, growth.

Whole processes on one machine, interpreter start and imports included; each line's runs are interleaved. Prints the
table and writes it into bench/README.md. `make bench-speed`, or: python bench/speed.py [--residents N] [--only PART]
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.peers.venvs import PEERS, peer_python
from bench.processes import Used, middle, must, run
from bench.synthetic import Size, declare, write_export

HERE = Path(__file__).resolve().parent
HEARSAFE = str(Path(sys.executable).parent / "hearsafe")
PARTS = ("big", "ingest", "peers", "growth", "city")
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
PEER_LIMIT = 120.0
"""Seconds after which a peer is stopped: enough to tell twenty times."""
PEER_RESIDENTS = 100_000


def main() -> None:
    """Runs the parts asked for. A part that is left out keeps its lines in README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--folder", type=Path, help="where the data goes, and is found again (else a temporary folder)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(given.folder or Path(temporary), given.repeats)
        for part in given.only or PARTS:
            write(part, getattr(bench, part)(given.residents))


class Bench:
    """The parts of the bench, each a list of lines (what, ratio, wanted, details)."""

    def __init__(self, folder: Path, repeats: int) -> None:
        self._folder = folder
        self._repeats = repeats

    def big(self, residents: int) -> list[tuple[str, ...]]:
        """A whole release against the exact counts of the same tables from the same encrypted zone."""
        size = Size(residents)
        city = self._ingested("big", size)
        counts: dict[str, list[Used]] = {"packed": [], "sql": []}
        releases: list[Used] = []
        for _ in range(self._repeats):
            for method, runs in counts.items():
                runs.append(must([sys.executable, str(HERE / "exact_count.py"), method, *city.zone]))
            releases.append(self._release(city))
        release, packed, sql = middle(releases), middle(counts["packed"]), middle(counts["sql"])
        name = f"{residents:,} residents, {size.tables} tables: whole release"
        return [
            (
                f"{name} ÷ fastest exact count (one scan, packed keys)",
                ratio(release, packed),
                "≤ 1.5",
                both(release, packed),
            ),
            (f"{name} ÷ fastest exact count in SQL", ratio(release, sql), "≤ 1.5", both(release, sql)),
            (f"{name}: peak memory of the largest process", f"{release.peak / 2**30:.2f} GiB", "≤ 1 GiB", ""),
        ]

    def ingest(self, residents: int) -> list[tuple[str, ...]]:
        """CSV into the zone against DuckDB reading the same file into an encrypted table."""
        size = Size(residents)
        source = self._declared("big", size)
        ours: list[Used] = []
        plain: list[Used] = []
        for number in range(max(1, self._repeats - 2)):
            place = self._folder / f"plain{number}"
            plain.append(must([sys.executable, str(HERE / "plain_ingest.py"), str(source / "export.csv"), str(place)]))
            shutil.rmtree(place)
            ours.append(self._ingest(source, self._folder / f"ingest{number}"))
            shutil.rmtree(self._folder / f"ingest{number}")
        own, other = middle(ours), middle(plain)
        name = f"{residents:,} rows × {2 + size.questions + size.demographics} columns of CSV"
        return [
            (
                f"{name}: speed of ingest ÷ DuckDB's plain read",
                f"{other.wall / own.wall:.2f}",
                "≥ 0.5",
                both(own, other),
            ),
            (f"{name}: peak memory of the largest process", f"{own.peak / 2**30:.2f} GiB", "≤ 2 GiB", ""),
        ]

    def peers(self, _: int) -> list[tuple[str, ...]]:
        """The same tables by other tools for differential privacy, where they can be installed."""
        size = Size(PEER_RESIDENTS)
        city = self._ingested("peers", size)
        release = middle([self._release(city) for _ in range(self._repeats)])
        lines: list[tuple[str, ...]] = []
        for name, script in PEERS.items():
            python = peer_python(name)
            what = f"{PEER_RESIDENTS:,} residents, {size.tables} tables: {name} ÷ hearsafe's release"
            if python is None:
                lines.append((what, "not installed", "≥ 20", ""))
                continue
            used = run([python, str(HERE / "peers" / script), str(city.source / "export.csv")], limit=PEER_LIMIT)
            if used is None:
                lines.append((what, f"> {PEER_LIMIT / release.wall:.0f}", "≥ 20", f"over {PEER_LIMIT:.0f} s, stopped"))
            else:
                lines.append((what, ratio(used, release), "≥ 20", both(used, release)))
        return lines

    def growth(self, _: int) -> list[tuple[str, ...]]:
        """Doubling rows, doubling questions."""
        sizes = {"base": Size(1_000_000), "rows": Size(2_000_000), "questions": Size(1_000_000, questions=80)}
        cities = {name: self._ingested(f"growth-{name}", size) for name, size in sizes.items()}
        found: dict[str, list[Used]] = {name: [] for name in sizes}
        for _ in range(self._repeats):
            for name, city in cities.items():
                found[name].append(self._release(city))
        base, rows, questions = (middle(found[name]) for name in ("base", "rows", "questions"))
        took = {name: city.ingest for name, city in cities.items()}
        return [
            ("twice the rows (1 → 2 million): release", ratio(rows, base), "≤ 2", both(rows, base)),
            ("twice the rows: ingest", ratio(took["rows"], took["base"]), "≤ 2", both(took["rows"], took["base"])),
            ("twice the rows: peak memory of a release", f"{rows.peak / base.peak:.2f}", "about 1", ""),
            ("twice the questions (40 → 80): release", ratio(questions, base), "≤ 2", both(questions, base)),
            (
                "twice the questions: ingest",
                ratio(took["questions"], took["base"]),
                "≤ 2",
                both(took["questions"], took["base"]),
            ),
        ]

    def city(self, _: int) -> list[tuple[str, ...]]:
        """A city's survey: from command to verified release, the report apart, and what Prefect adds."""
        size = Size(3_000, demographics=6)
        city = self._ingested("city", size, crosstabs="forecast")
        releases: list[Used] = []
        verifies: list[Used] = []
        for _ in range(self._repeats + 2):
            releases.append(self._release(city))
            [folder] = (city.workspace / "releases").glob("*/*/*")
            verifies.append(must([HEARSAFE, "verify", str(folder)]))
        release, verified = middle(releases), middle(verifies)
        flow = must(
            [HEARSAFE, "run", str(city.source), "--source", str(city.source / "export.csv"), "--workspace",
             str(self._folder / "city-flow")]
        )  # fmt: skip
        shutil.rmtree(self._folder / "city-flow")
        name = "3,000 answers, 40 questions, 6 demographics"
        return [
            (f"{name}: release, report included, checked before it is named", seconds(release), "< 2 s + 2 s", ""),
            (f"{name}: hearsafe verify of it, a process of its own", seconds(verified), "", ""),
            (
                f"{name}: hearsafe run (ingest and release) through Prefect, first run in a workspace",
                seconds(flow),
                "",
                "",
            ),
        ]

    def _declared(self, name: str, size: Size, crosstabs: str = "all") -> Path:
        source = self._folder / f"{name}-{size.residents}-{size.questions}-{size.demographics}"
        if not (source / "export.csv").exists():
            declare(source, size, crosstabs=crosstabs)
            write_export(source / "export.csv", size)
        return source

    def _ingest(self, source: Path, workspace: Path) -> Used:
        return must(
            [HEARSAFE, "ingest", str(source), "--source", str(source / "export.csv"), "--workspace", str(workspace)]
        )

    def _ingested(self, name: str, size: Size, crosstabs: str = "all") -> "City":
        source = self._declared(name, size, crosstabs)
        workspace = self._folder / f"{source.name}-workspace"
        for left in (workspace, workspace.with_name(f"{workspace.name}-kept")):
            shutil.rmtree(left, ignore_errors=True)
        return City(source, workspace, self._ingest(source, workspace))

    def _release(self, city: "City") -> Used:
        """A first release of the ingested workspace: what an earlier run left is put back as it was."""
        kept = city.workspace.with_name(f"{city.workspace.name}-kept")
        for part in ("ledger", "keys"):
            if not (kept / part).exists():
                shutil.copytree(city.workspace / part, kept / part)
            shutil.rmtree(city.workspace / part)
            shutil.copytree(kept / part, city.workspace / part)
        shutil.rmtree(city.workspace / "releases", ignore_errors=True)
        for sealed in (city.workspace / "zone").glob("*/*/sealed"):
            shutil.rmtree(sealed)
        return must([HEARSAFE, "release", str(city.source), "--workspace", str(city.workspace)])


class City:
    """An ingested synthetic survey, and what its ingest used."""

    def __init__(self, source: Path, workspace: Path, ingest: Used) -> None:
        self.source = source
        self.workspace = workspace
        self.ingest = ingest

    @property
    def zone(self) -> tuple[str, str, str]:
        """Arguments of exact_count.py: declarations, zone file, key file."""
        [file] = (self.workspace / "zone").glob("*/*/responses-*.duckdb")
        [key] = (self.workspace / "keys").glob("*/*/zone.key")
        return str(self.source), str(file), str(key)


def ratio(one: Used, other: Used) -> str:
    return f"{one.wall / other.wall:.2f}"


def seconds(used: Used) -> str:
    return f"{used.wall:.2f} s (CPU {used.cpu:.2f} s)"


def both(one: Used, other: Used) -> str:
    return f"{one.wall:.1f} s ÷ {other.wall:.1f} s; CPU {one.cpu:.1f} s ÷ {other.cpu:.1f} s"


def machine() -> str:
    """Where and with what the lines were measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "opendp", "numpy", "pyarrow"))
    load = os.getloadavg()[0]
    cores = f"{os.cpu_count()} cores {platform.machine()}, load average {load:.0f}"
    return f"{datetime.now(UTC):%Y-%m-%d}; {cores}; Python {platform.python_version()}, {packages}"


def write(part: str, lines: list[tuple[str, ...]]) -> None:
    """Replace the lines of a part in bench/README.md, and print them."""
    table = ["| measured | result | wanted | wall and CPU |", "|---|---|---|---|"]
    table += [f"| {' | '.join(line)} |" for line in lines]
    block = "\n".join([f"<!-- {part} -->", "", *table, "", f"Measured {machine()}.", "", f"<!-- {part}: end -->"])
    print("\n".join(table), flush=True)
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    start, end = f"<!-- {part} -->", f"<!-- {part}: end -->"
    if start in text:
        text = text[: text.index(start)] + block + text[text.index(end) + len(end) :]
    else:
        text = text.replace(END, f"{block}\n\n{END}")
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
