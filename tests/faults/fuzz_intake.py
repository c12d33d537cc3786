"""Coverage-guided fuzzing of the intake with Atheris: `python -m tests.faults.fuzz_intake FOLDER RUNS`.

The first byte of an input says what it is declared as, the rest is the file. What must not happen ends the process.
"""

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pipelines.intake"]):
    from pipelines.intake.assemble import severed_batches  # noqa: F401
    from pipelines.intake.batch import SourceFile, encoded_batches

from schemas.errors import Fault
from tests.faults import hostile
from tests.faults.intake_child import KEY, _survey

FOLDER = Path(sys.argv[1])
SURVEYS = [_survey(kind) for kind in hostile.FORMATS]


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


def main() -> None:
    corpus = FOLDER / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    chance = random.Random(1)
    for number in range(60):
        file = hostile.generated(chance)
        if len(file.content) < 4000:
            start = bytes([hostile.FORMATS.index(file.format)])
            (corpus / str(number)).write_bytes(start + file.content)
    options = [
        f"-runs={sys.argv[2]}",
        "-timeout=30",
        "-max_len=4096",
        "-rss_limit_mb=6000",
        f"-artifact_prefix={FOLDER}/",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
