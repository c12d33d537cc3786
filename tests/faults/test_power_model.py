"""The model of a disk that loses its power loses what it may, and nothing else."""

import shutil
from pathlib import Path

import pytest

from tests.faults.power_model import Disk
from tests.faults.power_trace import Op

FILE = Path("ws/a")


def after(tmp_path: Path, ops: list[Op], chance: float | None) -> dict[str, bytes]:
    start = tmp_path / "start"
    (start / "ws").mkdir(parents=True, exist_ok=True)
    (start / "ws" / "old").write_bytes(b"old")
    disk = Disk(start, "ws")
    for op in ops:
        disk.do(op)
    out = tmp_path / f"out-{chance}"
    shutil.rmtree(out, ignore_errors=True)
    disk.write_out(out, chance)
    return {str(path.relative_to(out / "ws")): path.read_bytes() for path in (out / "ws").rglob("*") if path.is_file()}


WRITTEN = [Op("create", FILE), Op("write", FILE, None, b"one"), Op("write", FILE, None, b"two")]
SYNCED = [*WRITTEN, Op("sync", FILE)]
NAMED = [*SYNCED, Op("sync", Path("ws"))]


@pytest.mark.parametrize(
    ("ops", "least"),
    [
        (WRITTEN, {"old": b"old"}),
        (SYNCED, {"old": b"old"}),
        ([*WRITTEN, Op("sync", Path("ws"))], {"old": b"old", "a": b""}),
        (NAMED, {"old": b"old", "a": b"onetwo"}),
        ([*NAMED, Op("truncate", FILE, 2)], {"old": b"old", "a": b"onetwo"}),
        ([*NAMED, Op("write", FILE, 1, b"X")], {"old": b"old", "a": b"onetwo"}),
        ([*NAMED, Op("remove", FILE)], {"old": b"old", "a": b"onetwo"}),
        ([*NAMED, Op("remove", FILE), Op("sync", Path("ws"))], {"old": b"old"}),
        ([*NAMED, Op("move", FILE, target=Path("ws/b"))], {"old": b"old", "a": b"onetwo"}),
        ([*NAMED, Op("move", FILE, target=Path("ws/b")), Op("sync", Path("ws"))], {"old": b"old", "b": b"onetwo"}),
        ([*NAMED, Op("link", FILE, target=Path("ws/b")), Op("sync", Path("ws"))],
         {"old": b"old", "a": b"onetwo", "b": b"onetwo"}),
    ],
)  # fmt: skip
def test_only_what_was_synced_is_sure(tmp_path: Path, ops: list[Op], least: dict[str, bytes]) -> None:
    assert after(tmp_path, ops, 0.0) == least


def test_everything_may_be_there(tmp_path: Path) -> None:
    ops = [*WRITTEN, Op("truncate", FILE, 4), Op("write", FILE, 6, b"end")]
    assert after(tmp_path, ops, 1.0) == {"old": b"old", "a": b"onet\0\0end"}


def test_a_folder_whose_name_was_not_synced_takes_all_in_it_along(tmp_path: Path) -> None:
    place = Path("ws/f/x")
    inside = [Op("folder", Path("ws/f")), Op("create", place), Op("write", place, 0, b"x"), Op("sync", place)]
    inside.append(Op("sync", Path("ws/f")))
    assert after(tmp_path, inside, 0.0) == {"old": b"old"}
    assert after(tmp_path, [*inside, Op("sync", Path("ws"))], 0.0) == {"old": b"old", "f/x": b"x"}


def test_a_mixture_may_be_anything_in_between(tmp_path: Path) -> None:
    found: set[bytes | None] = set()
    for _ in range(300):
        state = after(tmp_path, WRITTEN, None)
        found.add(state.get("a"))
    assert {None, b"", b"one", b"\0\0\0two", b"onetwo"} <= found


def test_writing_goes_on_where_it_ended_or_at_the_end(tmp_path: Path) -> None:
    again = [*NAMED, Op("open", FILE, 0), Op("write", FILE, None, b"ONE")]
    assert after(tmp_path, again, 1.0)["a"] == b"ONEtwo"
    more = [*NAMED, Op("open", FILE, -1), Op("write", FILE, None, b"!")]
    assert after(tmp_path, more, 1.0)["a"] == b"onetwo!"
