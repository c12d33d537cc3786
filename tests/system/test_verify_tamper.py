"""After any single byte change of any file of a release, verification fails and names that file."""

import os
import random
from pathlib import Path

import pytest

from pipelines.outlet.publish import publish
from pipelines.outlet.verify import verify
from schemas.errors import IntegrityFault
from schemas.manifest import MANIFEST_FILE, RELEASED_FILES
from tests.outlet_sample import make_sample

pytestmark = [pytest.mark.prove, pytest.mark.slow]

_SAMPLED_POSITIONS = 400


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("releases") / "r"
    sample = make_sample(ratings=3, people=200)
    publish(folder, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    return folder


def _expect_refusal(release: Path, name: str, position: int, value: int) -> None:
    with (release / name).open("r+b") as file:
        file.seek(position)
        before = file.read(1)
        file.seek(position)
        file.write(bytes([value]))
    try:
        with pytest.raises(IntegrityFault) as caught:
            verify(release)
        assert caught.value.where == name, (name, position, value)
    finally:
        with (release / name).open("r+b") as file:
            file.seek(position)
            file.write(before)


def test_every_byte_of_the_manifest(release: Path) -> None:
    """Every position, three other values: the lowest bit, the letter-case bit and the highest bit flipped."""
    content = (release / MANIFEST_FILE).read_bytes()
    for position, byte in enumerate(content):
        for flip in (0x01, 0x20, 0x80):
            _expect_refusal(release, MANIFEST_FILE, position, byte ^ flip)
    verify(release)


@pytest.mark.parametrize("name", RELEASED_FILES)
def test_bytes_of_every_file(release: Path, name: str) -> None:
    """Random positions, the same for everybody, plus both ends."""
    size = os.path.getsize(release / name)
    chosen = random.Random(name).sample(range(size), min(size, _SAMPLED_POSITIONS))
    content = (release / name).read_bytes()
    for position in (0, size - 1, *chosen):
        _expect_refusal(release, name, position, content[position] ^ (1 << (position % 8)))
    verify(release)


@pytest.mark.parametrize("name", RELEASED_FILES)
def test_swapped_files(release: Path, name: str) -> None:
    """The same file of another release by the same key does not pass either."""
    other = make_sample(ratings=3, people=200, seed=8)
    folder = release.parent / f"other-{name}"
    publish(folder, other.context, other.released, other.estimates, other.summary, other.sign)
    kept = (release / name).read_bytes()
    (release / name).write_bytes((folder / name).read_bytes())
    try:
        with pytest.raises(IntegrityFault) as caught:
            verify(release)
        assert caught.value.where == name
    finally:
        (release / name).write_bytes(kept)
