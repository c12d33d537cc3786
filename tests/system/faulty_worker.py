"""A zone worker that dies by SIGKILL at a chosen step, and logs its draws. Run in place of the real one by tests.

    python -I faulty_worker.py PARENT_PID STEP LOG

STEP is one of `STEPS`, or `none`. LOG gets a line `seq table` for every table drawn, durably, before the draw.
"""

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

STEPS = (
    "before_ready",
    "before_marker",
    "after_marker",
    "after_count",
    "first_draw",
    "after_draws",
    "mid_write",
    "before_fsync",
    "before_rename",
    "after_rename",
    "before_answer",
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(parent: str, step: str, log: str) -> int:  # noqa: C901, PLR0915 - one list of wrapped steps
    from pipelines.zone import crossing_room, worker
    from privacy import measure as measuring
    from privacy import mechanisms

    current = {"seq": 0}

    def at(name: str) -> None:
        if step == name:
            die()

    def noting(seq: int, count: int) -> None:
        with Path(log).open("a") as stream:
            stream.write(f"{seq} {count}\n")
            stream.flush()
            os.fsync(stream.fileno())

    plain = {
        "mark": crossing_room._mark,
        "count": crossing_room.count_tables,
        "measure": crossing_room.measure,
        "seal": crossing_room.seal,
        "measure_and_seal": crossing_room.measure_and_seal,
        "ready": crossing_room.ready_zone,
        "fsync": os.fsync,
        "rename": Path.rename,
    }

    @contextmanager
    def ready(*args):
        with plain["ready"](*args) as zone:
            at("before_ready")
            yield zone

    def mark(marker):
        at("before_marker")
        plain["mark"](marker)
        at("after_marker")

    def count(*args, **kwargs):
        exact = plain["count"](*args, **kwargs)
        at("after_count")
        return exact

    def draw(mechanism, scale, values):
        noting(current["seq"], len(values))
        noisy = mechanisms.draw(mechanism, scale, values)
        at("first_draw")
        return noisy

    def measured(plan, exact, charge):
        released = plain["measure"](plan, exact, charge, draw=draw)
        at("after_draws")
        return released

    def measure_and_seal(crossing, zone, event, **kwargs):
        current["seq"] = event.seq
        released = plain["measure_and_seal"](crossing, zone, event, **kwargs)
        at("before_answer")
        return released

    def seal(*args):
        content = plain["seal"](*args)
        if step == "mid_write":
            folder = Path(os.getcwd()) / "sealed"
            (folder / "half.part").write_bytes(content[: len(content) // 2])
            die()
        return content

    def fsync(descriptor):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(".part"):
            at("before_fsync")
        plain["fsync"](descriptor)

    def rename(self, target):
        at("before_rename")
        result = plain["rename"](self, target)
        at("after_rename")
        return result

    crossing_room._mark, crossing_room.count_tables = mark, count
    crossing_room.measure, crossing_room.seal = measured, seal
    crossing_room.measure_and_seal, crossing_room.ready_zone = measure_and_seal, ready
    os.fsync, Path.rename = fsync, rename
    assert measuring.measure is plain["measure"]
    return worker.main([parent])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
