"""`python -m tests.prove`: run the suites that are not finished, print every figure with its bound, then the headlines.

With two cores, two suites at a time, each in a process of its own. Exit codes: 0 all true, 1 something fails, 3 a suite
could not run here.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.prove.frame import HEADLINES, LEVELS, Effort, Level, NotHere, Suite, headline_line
from tests.prove.registry import suites
from tests.prove.state import ROOT, Finished, code_digest, place


def run_suite(suite: Suite, level: Level) -> Finished:
    """Run one suite here, to its end."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"hearsafe-{suite.name}-", ignore_cleanup_errors=True) as folder:
        try:
            figures, missing = tuple(suite.run(Effort(level, Path(folder)))), ""
        except NotHere as absent:
            figures, missing = (), str(absent)
    return Finished(suite.name, level, round(time.monotonic() - start, 1), figures, missing)


def _shown(done: Finished, suite: Suite, earlier: bool) -> None:
    when = "finished before" if earlier else f"{done.seconds:,.0f} s"
    print(f"\n{suite.name}: {suite.purpose} ({when})", flush=True)
    if done.missing:
        print(f"  not run: {done.missing}", flush=True)
    for figure in done.figures:
        print(f"  {figure.line()}", flush=True)


def _start(suite: Suite, level: Level, digest: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.prove", "--level", level, "--digest", digest, "--run", suite.name]
    return subprocess.Popen(command, cwd=ROOT)


def run_all(chosen: list[Suite], level: Level, cores: int, digest: str, again: bool) -> list[Finished]:
    """Results of the chosen suites: those finished before, and the rest run now, the longest first."""
    results: list[Finished] = []
    waiting: list[Suite] = []
    for suite in chosen:
        path = place(suite.name, level, digest)
        if path.exists() and not again and (done := Finished.read(path)).holds:
            _shown(done, suite, earlier=True)
            results.append(done)
        else:
            path.unlink(missing_ok=True)
            waiting.append(suite)
    waiting.sort(key=lambda suite: -suite.minutes)
    running: dict[str, tuple[Suite, subprocess.Popen[bytes]]] = {}
    try:
        while waiting or running:
            free = cores - sum(suite.cores for suite, _ in running.values())
            fitting = next((s for s in waiting if s.cores <= free or not running), None)
            if fitting is not None:
                waiting.remove(fitting)
                running[fitting.name] = (fitting, _start(fitting, level, digest))
                continue
            time.sleep(0.2)
            for name, (suite, process) in list(running.items()):
                if process.poll() is None:
                    continue
                del running[name]
                path = place(name, level, digest)
                crashed = Finished(name, level, 0.0, (), f"the suite stopped with exit code {process.returncode}")
                done = Finished.read(path) if path.exists() else crashed
                _shown(done, suite, earlier=False)
                results.append(done)
    finally:
        for _, process in running.values():
            process.terminate()
    return results


def conclude(results: list[Finished], whole: bool, seconds: float) -> int:
    """Print the headlines, of a part of the suites only those that it counts for. Returns: the exit code.

    Args:
        seconds: what this run took, which is less than its suites one after another, and than all of a resumed one.
    """
    figures = [figure for done in results for figure in done.figures]
    failed = sum(not figure.holds for figure in figures)
    missing = [done.suite for done in results if done.missing]
    work = sum(done.seconds for done in results)
    print(
        f"\n{len(figures)} figures, {failed} beyond their bounds, in {seconds / 60:.1f} minutes"
        f" ({work / 60:.1f} of suites, several at a time or finished before)"
    )
    if missing:
        print(f"not run: {', '.join(missing)}")
    true = True
    counted = {figure.headline for figure in figures}
    for headline in (h for h in HEADLINES if whole or h in counted):
        line, holds = headline_line(headline, figures)
        print(line if holds else f"{line}  (NOT PROVEN)")
        true &= holds
    return 3 if missing else int(failed > 0 or not true)


def main(arguments: list[str]) -> int:
    """Entry point. Returns: the exit code."""
    known = suites()
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--level", choices=LEVELS, default="long")
    parser.add_argument("--suite", action="append", choices=sorted(known), help="only this one; repeatable")
    parser.add_argument("--again", action="store_true", help="run finished suites again")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--run", choices=sorted(known), help=argparse.SUPPRESS)
    parser.add_argument("--digest", default="", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.run:
        run_suite(known[given.run], given.level).write(place(given.run, given.level, given.digest))
        return 0
    chosen = [s for n, s in known.items() if n in (given.suite or known) and given.level in s.levels]
    start = time.monotonic()
    results = run_all(chosen, given.level, given.cores, code_digest(), given.again)
    return conclude(results, whole=not given.suite, seconds=time.monotonic() - start)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
