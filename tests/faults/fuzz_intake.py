"""Coverage-guided fuzzing of the intake: `python -m tests.faults.fuzz_intake FOLDER RUNS`.

With Atheris (libFuzzer) where it is installed, else with a plain loop that keeps what reaches new lines. The first byte
of an input says what it is declared as, the rest is the file. What must not happen ends the process; the last line on
standard error is `#RUNS DONE cov: PLACES`.
"""

import importlib
import importlib.util
import random
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

ATHERIS = importlib.import_module("atheris") if importlib.util.find_spec("atheris") else None

with ATHERIS.instrument_imports(include=["pipelines.intake"]) if ATHERIS else nullcontext():
    from pipelines.intake.assemble import encoded_batches
    from pipelines.intake.batch import SourceFile

from schemas.errors import Fault  # noqa: E402  (after what is instrumented)
from tests.faults import hostile  # noqa: E402
from tests.faults.intake_child import KEY, LONGEST_SECONDS, survey_as  # noqa: E402

FOLDER = Path(sys.argv[1])
SURVEYS = [survey_as(kind) for kind in hostile.FORMATS]
LONGEST_INPUT = 4096
_INTAKE = "/pipelines/intake/"


def one_input(content: bytes) -> None:
    """Raises: AssertionError: rows are lost, or a message repeats the input. Whatever is no fault is let through."""
    if not content:
        return
    path = FOLDER / "fuzzed.data"
    path.write_bytes(content[1:])
    read = accounted = 0
    refused = ""
    try:
        for batch in encoded_batches(SURVEYS[content[0] % len(SURVEYS)], [SourceFile("web", path)], KEY, None):
            read += batch.read
            accounted += batch.rows.num_rows + batch.excluded + len(batch.quarantined)
            assert not [q for q in batch.quarantined if hostile.PLANTED in f"{q.field}{q.reason}"]
    except Fault as fault:
        refused = str(fault.as_dict())
    assert hostile.PLANTED not in refused
    assert refused or read == accounted


def _seeds() -> list[bytes]:
    chance = random.Random(1)
    files = [hostile.generated(chance) for _ in range(60)]
    return [bytes([hostile.FORMATS.index(f.format)]) + f.content for f in files if len(f.content) < LONGEST_INPUT]


def _with_atheris(runs: int) -> None:
    corpus = FOLDER / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(_seeds()):
        (corpus / str(number)).write_bytes(seed)
    limits = [f"-timeout={LONGEST_SECONDS}", f"-max_len={LONGEST_INPUT}", "-rss_limit_mb=6000"]
    options = [f"-runs={runs}", f"-artifact_prefix={FOLDER}/", *limits]
    assert ATHERIS is not None
    ATHERIS.Setup([sys.argv[0], *options, str(corpus)], one_input)
    ATHERIS.Fuzz()


def _reached(content: bytes) -> set[tuple[str, int]]:
    """Lines of the intake that an input reaches."""
    found: set[tuple[str, int]] = set()

    def within(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            found.add((frame.f_code.co_filename, frame.f_lineno))
        return within

    def called(frame: FrameType, _event: str, _: Any) -> Any:
        return within if _INTAKE in frame.f_code.co_filename else None

    sys.settrace(called)
    try:
        one_input(content)
    finally:
        sys.settrace(None)
    return found


def _by_lines(runs: int) -> None:
    chance, everything = random.SystemRandom(), set[tuple[str, int]]()
    corpus: list[bytes] = []
    seeds = _seeds()
    for run in range(runs):
        content = seeds[run] if run < len(seeds) else hostile.damaged(chance, chance.choice(corpus))
        if run >= len(seeds) and chance.random() < 0.2:
            other = chance.choice(corpus)
            content = content[: len(content) // 2] + other[len(other) // 2 :]
        signal.setitimer(signal.ITIMER_REAL, LONGEST_SECONDS)
        reached = _reached(content[:LONGEST_INPUT])
        if run < len(seeds) or not reached <= everything:
            corpus.append(content[:LONGEST_INPUT])
            everything |= reached
    sys.stderr.write(f"#{runs} DONE cov: {len(everything)}\n")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (_with_atheris if ATHERIS else _by_lines)(int(sys.argv[2]))


if __name__ == "__main__":
    main()
