"""The zone worker: the only process that opens the zone. One verb, then exit.

Started by `pipelines.zone.launcher` as `python -I -m pipelines.zone.worker VERB [networked] PARENT_PID`. Requests come
in on standard input; what goes back is a snapshot id, Released measurements, or an error code. What a library prints
goes nowhere: both standard streams point to the null device, and the answers go through a descriptor that only this
module knows.
"""

import errno
import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.zone import isolation
from pipelines.zone.protocol import NETWORKED, Message, receive, send
from schemas.errors import Fault, InputRefused, InternalFault, ZoneFault

if TYPE_CHECKING:
    from schemas.plan import Plan

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
_DUCKDB_NO_ROOM = "IOException"


def zone_unwritable() -> ZoneFault:
    """The fault of a disk that takes no more, or never did."""
    return ZoneFault(
        "zone_unwritable",
        "the zone cannot be read or written: the disk is full, failing or read-only",
        where="zone",
        do="Make room or restore access, then run the command again",
    )


def wave_closed(folder: Path) -> InputRefused:
    """The fault of bringing responses to a wave whose pseudonyms are destroyed."""
    wave = f"wave {folder.name} of {folder.parent.name}"
    return InputRefused("wave_closed", "this wave is closed and accepts nothing", where=wave, do="Declare a new wave")


def _key(request: Message) -> tuple[bytes, bytes]:
    """The zone key and HMAC key of the wave; of a closed wave there is no HMAC key.

    Made at the first ingest or invitation, and never beside responses that an earlier HMAC key has pseudonymised: their
    residents would be counted again. Raises: ZoneFault.
    """
    from pipelines.zone import keys
    from pipelines.zone.snapshot import has_snapshot, require_snapshot, says_closed

    body, folder = request.body, Path(request.body["folder"])
    wave_keys = Path(body["wave_keys"])
    hmac_path = wave_keys / "hmac.key"
    taking = body["verb"] in {"ingest", "invite"}
    if not taking:
        require_snapshot(folder)
    elif says_closed(folder):
        raise wave_closed(folder)
    first = taking and (body.get("replace") or not has_snapshot(folder))
    creating = first and not hmac_path.exists()
    if request.payload:
        zone_key = bytes(request.payload)
    else:
        place = Path(body["key_file"])
        default = place == wave_keys / "zone.key"
        zone_key = (
            keys.create_key_file(place) if creating and default and not place.exists() else keys.read_key_file(place)
        )
    if creating:
        return zone_key, keys.create_hmac_key(hmac_path, zone_key)
    if says_closed(folder):
        return zone_key, b""
    return zone_key, keys.read_hmac_key(hmac_path, zone_key)


def _ingest(request: Message, out: BinaryIO) -> None:
    from pipelines.intake.batch import SourceFile
    from pipelines.zone.ingest_room import WaveKeys, ingest
    from schemas.survey import Survey

    body = request.body
    zone_key, hmac_key = _key(request)
    snapshot_id = ingest(
        Path(body["folder"]),
        Survey.model_validate(body["survey"]),
        [SourceFile(source_id, Path(path)) for source_id, path in body["files"]],
        Path(body["contacts"]) if body["contacts"] else None,
        WaveKeys(zone_key, hmac_key, body["ledger_key"]),
        replace=body["replace"],
        memory=body["memory"],
        tell=lambda text: send(out, Message("progress", {"text": text})),
    )
    send(out, Message("done", {"snapshot_id": snapshot_id}))


def _planned(source: BinaryIO, *, networked: bool) -> "tuple[Plan, dict[str, Any]] | None":
    """The plan and what goes with it; None where the launcher came to none, and is gone."""
    from schemas.plan import Plan

    order = receive(source)
    if order is None:
        return None
    plan = Plan.model_validate(order.body["plan"])
    if networked != (plan.engine is not None):
        raise InternalFault("worker_network", "the worker's network is not what the plan says", where="plan")
    return plan, order.body


def _measure(request: Message, source: BinaryIO, out: BinaryIO, isolated: tuple[str, ...], *, networked: bool) -> None:
    """The zone is opened and checked while the launcher still plans: not by a worker that has a network, which gets its
    request with the plan.
    """
    from pipelines.zone.cluster_room import counting_place
    from pipelines.zone.crossing_room import Crossing, WaveRoom, measure_and_seal, ready_zone, unseal_earlier
    from pipelines.zone.placed_rows import Grounds
    from privacy.measure import to_bytes
    from schemas.ledger import Event
    from schemas.survey import Survey

    body = request.body
    with_request = _planned(source, networked=True) if networked else None
    survey = Survey.model_validate(body["survey"])
    room = WaveRoom(Path(body["folder"]), survey, _key(request)[0], body["ledger_key"])
    with ready_zone(room, body["memory"]) as zone:
        planned = with_request or _planned(source, networked=False)
        if planned is None:
            return
        plan, given = planned
        crossing = Crossing.of(room, plan)
        charged = [Grounds.of(grounds) for grounds in given.get("charged_grounds", ())]
        with counting_place(crossing, zone.snapshot, given.get("engine_token", ""), charged) as engine_for:
            send(out, Message("ready", {"snapshot_id": zone.snapshot.id, "isolation": list(isolated)}))
            while (order := receive(source)) is not None:
                event = Event.model_validate(order.body["charged"])
                if order.kind == "unseal":
                    earlier = unseal_earlier(crossing, event)
                    send(out, Message("unsealed" if earlier else "absent", {}, to_bytes(earlier) if earlier else b""))
                elif order.kind == "measure":
                    released = measure_and_seal(crossing, zone, event, engine_for=engine_for, memory=body["memory"])
                    send(out, Message("sealed", {}, to_bytes(released)))


def _withdraw(request: Message, out: BinaryIO) -> None:
    from pipelines.zone.cluster_room import withdraw
    from pipelines.zone.placed_rows import Grounds

    everything = [Grounds.of(grounds) for grounds in request.body["charged_grounds"]]
    withdraw(Path(request.body["folder"]), everything, request.body["engine_token"])
    send(out, Message("done"))


def _invite(request: Message, out: BinaryIO) -> None:
    from pipelines.zone.invite_room import invite
    from schemas.survey import Survey

    body = request.body
    _, hmac_key = _key(request)
    survey, mailing = Survey.model_validate(body["survey"]), Path(body["mailing"])
    written, left_out = invite(Path(body["folder"]), survey, Path(body["contacts"]), mailing, hmac_key)
    send(out, Message("done", {"written": written, "left_out": left_out}))


def _close(request: Message, out: BinaryIO) -> None:
    from pipelines.zone.close_room import close
    from pipelines.zone.issued import ISSUED
    from schemas.survey import Survey

    body = request.body
    zone_key, _ = _key(request)
    private = (Path(body["wave_keys"]) / "hmac.key", Path(body["folder"]) / ISSUED)
    survey = Survey.model_validate(body["survey"])
    snapshot_id = close(Path(body["folder"]), survey, zone_key, private, memory=body["memory"])
    send(out, Message("done", {"snapshot_id": snapshot_id}))


def _show(request: Message, out: BinaryIO) -> None:
    from pipelines.zone.ingest_room import ingest_lines
    from schemas.survey import Survey

    body = request.body
    lines = ingest_lines(Path(body["folder"]), Survey.model_validate(body["survey"]), _key(request)[0])
    out.write("".join(f"{line}\n" for line in lines).encode())
    out.flush()


def _serve(request: Message, source: BinaryIO, out: BinaryIO, isolated: tuple[str, ...], *, networked: bool) -> None:
    verb = request.body["verb"]
    if verb == "ingest":
        _ingest(request, out)
    elif verb == "measure":
        _measure(request, source, out, isolated, networked=networked)
    elif verb == "withdraw":
        _withdraw(request, out)
    elif verb == "invite":
        _invite(request, out)
    elif verb == "close":
        _close(request, out)
    elif verb == "show":
        _show(request, out)
    else:
        raise InternalFault("worker_verb", "the worker was asked for something it does not do")


def _private_output() -> BinaryIO:
    """The pipe or terminal behind standard output, from now on reached through this object alone."""
    out = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return out


_GARBAGE = 400_000
"""Objects made between two looks for garbage. By default imports, whose objects stay, are looked through many times: a
third of the time they take.
"""
_MODULES = {
    "ingest": ("pipelines.intake.assemble", "pipelines.zone.ingest_room"),
    "measure": ("pipelines.zone.crossing_room", "pipelines.zone.cluster_room"),
}


def _enter(folder: Path) -> None:
    """Raises: ZoneFault `zone_empty`: the wave expired since the launcher looked."""
    if not folder.is_dir():
        from pipelines.zone.snapshot import require_snapshot

        require_snapshot(folder)
    os.chdir(folder)


def _get_ready(verb: str) -> None:
    """Import what the verb needs while the launcher is still making its request."""
    gc.set_threshold(_GARBAGE)
    for module in _MODULES.get(verb, ()):
        import_module(module)


def main(arguments: list[str]) -> int:
    """Entry point: the verb that will be asked for, and the launcher's process id. Returns: a fault's code, or 0."""
    if not isolation.die_with_parent(int(arguments[-1])):
        return InternalFault.exit_code
    networked = NETWORKED in arguments[1:-1]
    isolated = isolation.isolate(networked=networked)
    source, out = sys.stdin.buffer, _private_output()
    for verb in arguments[:1]:
        _get_ready(verb)
    request = receive(source)
    if request is None:
        return InternalFault.exit_code
    fault: Fault
    try:
        _enter(Path(request.body["folder"]))
        _serve(request, source, out, isolated, networked=networked)
        return 0
    except Fault as known:
        fault = known
    except MemoryError:
        fault = InternalFault(
            "out_of_memory", "the zone worker ran out of memory", do="Raise --memory or split the file"
        )
    except OSError as error:
        fault = (
            zone_unwritable()
            if error.errno in _NO_ROOM
            else InternalFault(
                f"worker_os_{error.errno}",
                "the operating system refused the zone worker",
                do="Check permissions and limits of the workspace",
            )
        )
    except BaseException as unexpected:  # noqa: BLE001 - the zone's edge: only a class name may leave
        kind = type(unexpected).__name__
        fault = (
            zone_unwritable() if kind == _DUCKDB_NO_ROOM else InternalFault(f"worker_{kind}", "the zone worker failed")
        )
    if request.body.get("verb") == "show":
        os.write(2, (f"error: {fault.line()}\n").encode())
    else:
        body = {
            "kind": type(fault).__name__,
            "code": fault.code,
            "what": fault.what,
            "where": fault.where,
            "do": fault.do,
        }
        send(out, Message("fault", body))
    return fault.exit_code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # all is written and closed: tearing the interpreter down would only take time
