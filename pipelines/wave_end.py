"""The end of a wave: `close` destroys its pseudonyms, `expire` its zone; each is recorded once it has happened.

Both can be run again: what a crash left undone is done, and what is done is recorded once.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.declarations import Declarations
from pipelines.durable import destroy, sync_folder
from pipelines.ledger.approvals import officer_needed
from pipelines.ledger.chain import body_of, statement_bytes
from pipelines.ledger.signing import read_key
from pipelines.ledger.store import Ledger
from pipelines.workspace import Workspace
from pipelines.zone.keys import KeySource
from pipelines.zone.launcher import WaveZone, engine_token, working
from pipelines.zone.placed_rows import charged_grounds
from privacy.ledger_rules import LedgerState, ledger_time, time_text
from schemas.canonical import digest
from schemas.errors import BudgetRefused, DeclarationFault, InputRefused, ZoneFault
from schemas.ledger import EarlyEndStatement, Event, EventKind, WaveEnd
from schemas.survey import Survey

DEFAULT_MEMORY = "2GB"


def _wave(survey: Survey) -> str:
    return f"wave {survey.wave.id} of {survey.survey}"


def require_accepting(state: LedgerState, survey: Survey) -> None:
    """Raises: InputRefused: the wave is closed or has expired."""
    wave = (survey.survey, survey.wave.id)
    if wave in state.expired:
        what = "the zone key of this wave was destroyed"
        raise InputRefused("wave_expired", what, where=_wave(survey), do="Declare a new wave")
    if wave in state.closed:
        what = "this wave is closed and accepts nothing"
        raise InputRefused("wave_closed", what, where=_wave(survey), do="Declare a new wave")


def require_zone(state: LedgerState, survey: Survey) -> None:
    """Raises: BudgetRefused `wave_expired`: there is nothing left to measure."""
    if (survey.survey, survey.wave.id) in state.expired:
        what = "the zone key of this wave was destroyed"
        raise BudgetRefused("wave_expired", what, where=_wave(survey), do="What was released stays in releases/")


def last_ingest(ledger: Ledger, survey: Survey) -> datetime | None:
    """When the wave's newest snapshot was recorded, in UTC; None where none was."""
    wave = (survey.survey, survey.wave.id)
    mine = [
        e.time for e in ledger.events() if e.kind is EventKind.INGESTED and (e.body["survey"], e.body["wave"]) == wave
    ]
    return datetime.strptime(max(mine), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if mine else None


def due_dates(ledger: Ledger, declarations: Declarations) -> tuple[str, str] | None:
    """When the policy has the wave closed, and its zone destroyed; None without `retention`.

    Raises: ZoneFault `zone_empty`: nothing was ingested that the dates could count from.
    """
    retention = declarations.policy.retention
    last = last_ingest(ledger, declarations.survey)
    if last is None:
        what = "nothing has been ingested for this wave"
        raise ZoneFault("zone_empty", what, where=_wave(declarations.survey), do="Run hearsafe ingest first")
    if retention is None:
        return None
    days = (retention.close_wave_days, retention.destroy_zone_days)
    return time_text(last + timedelta(days=days[0])), time_text(last + timedelta(days=days[1]))


def waiting_for(
    workspace: Workspace, declarations: Declarations, *, witness: Path | None = None
) -> tuple[str | None, str | None]:
    """The dates that have not come, of closing the wave and of destroying its zone; both None where they have.

    Raises: DeclarationFault `retention_missing`: the policy has no dates to wait for. ZoneFault.
    """
    ledger = Ledger.open(workspace, witness=witness)
    dates = due_dates(ledger, declarations)
    if dates is None:
        what = "the policy says nothing of when a wave is closed and destroyed"
        raise DeclarationFault("retention_missing", what, where="policy.yaml: retention", do="Declare it")
    time = ledger_time(ledger.state(), ledger.now())
    return dates[0] if time < dates[0] else None, dates[1] if time < dates[1] else None


class NotDueError(BudgetRefused):
    """`not_due`: a date has not come. `due`: that date, in UTC; None where no policy in force gives one."""

    def __init__(self, survey: Survey, kept: str, due: str | None) -> None:
        until = f"until {due}" if due else "because no policy in force gives a date"
        advice = "Wait, or give --now, with --officer-key where there are officers"
        super().__init__("not_due", f"{kept} {until}", where=_wave(survey), do=advice)
        self.due = due


def close_wave(
    workspace: Workspace,
    declarations: Declarations,
    *,
    key: KeySource,
    if_due: bool = False,
    witness: Path | None = None,
    memory: str = DEFAULT_MEMORY,
    tell: Callable[[str], None] = lambda _: None,
) -> Event:
    """Destroy the wave's pseudonyms and the key that made them; nothing is accepted from then on.

    Args:
        if_due: only on or after the policy's date.

    Returns: the CLOSED event. Raises: NotDueError, ZoneFault, BudgetRefused, IntegrityFault.
    """
    survey = declarations.survey
    ledger = Ledger.open(workspace, witness=witness)
    request = {"survey": survey.model_dump(mode="json", by_alias=True), "memory": memory}
    with ledger.lock() as held:
        require_zone(ledger.state(), survey)
        dates = due_dates(ledger, declarations)
        if if_due and dates and ledger_time(ledger.state(), ledger.now()) < dates[0]:
            raise NotDueError(survey, "the wave is kept open", dates[0])
        with working(WaveZone.of(workspace, survey, key), "close", request, inherited=held) as worker:
            tell("destroying pseudonyms")
            worker.answer(tell)
        body = {"survey": survey.survey, "wave": survey.wave.id}
        return ledger.record(EventKind.CLOSED, body | ({"due": dates[0]} if dates else {}))


def expire_wave(
    workspace: Workspace,
    declarations: Declarations,
    *,
    key: KeySource,
    now: bool = False,
    officer_key: Path | None = None,
    witness: Path | None = None,
    ledger: Ledger | None = None,
    cluster_gone: bool = False,
) -> tuple[Event, bool]:
    """Destroy the wave's keys and its zone, so that no response can be read by anybody again.

    On or after the policy's date; before it, or where the policy at hand is not the one in force, only with `now` and,
    wherever a policy in force has officers, an officer's signature. So is what was begun and not recorded as
    ingested: codes that were issued, or what a killed ingest left. Wherever a charge allowed rows on a cluster, they
    are removed first; `cluster_gone`: by somebody else, so that it is not asked.

    Returns: the EXPIRED event, and whether the zone key itself is gone: not where its owner keeps it in an environment
        variable, nor one that is kept elsewhere of a wave that was never ingested.

    Raises: NotDueError. BudgetRefused: `officer_needed`, `not_an_officer`, `run_in_progress`. ZoneFault.
    """
    survey = declarations.survey
    ledger = ledger or Ledger.open(workspace, witness=witness)
    zone = WaveZone.of(workspace, survey, key)
    with ledger.lock() as held:
        undated = now and zone.wave_keys.exists() and last_ingest(ledger, survey) is None
        end = _end(ledger, declarations, now=now, undated=undated, officer_key=officer_key)
        placed = () if cluster_gone else charged_grounds(ledger.state(), survey.survey, survey.wave.id)
        if placed:
            request = {"engine_token": engine_token(), "charged_grounds": [grounds.as_body() for grounds in placed]}
            with working(zone, "withdraw", request, inherited=held, networked=True) as worker:
                worker.answer()
        # A key kept elsewhere may be of another wave, too, as long as nothing is on record that it encrypts.
        gone = not (undated and (key.place or key.kind != "file")) and key.destroy(zone.wave_keys / "zone.key")
        for path in sorted(zone.wave_keys.glob("*")):
            destroy(path)
        _remove(zone.folder)
        event = ledger.record(EventKind.EXPIRED, body_of(end))
        _remove(zone.wave_keys)  # the last, since it says what is to be done again after a crash
        return event, gone


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        what = "the zone cannot be removed; its key is destroyed"
        raise ZoneFault("zone_not_removed", what, where=str(folder), do="Check permissions, and run it again")
    if folder.parent.exists():
        sync_folder(folder.parent)


def _end(ledger: Ledger, declarations: Declarations, *, now: bool, undated: bool, officer_key: Path | None) -> WaveEnd:
    survey, policy, state = declarations.survey, declarations.policy, ledger.state()
    name, wave = survey.survey, survey.wave.id
    if (name, wave) in state.expired:
        return WaveEnd(survey=name, wave=wave)
    dates, officers = None if undated else due_dates(ledger, declarations), state.officers()
    standing = state.policies.get(policy.population)
    binding = standing is not None and standing.policy.policy_digest == digest(policy)
    due = dates[1] if dates and (binding or not officers) else None
    if due is not None and ledger_time(state, ledger.now()) >= due:
        return WaveEnd(survey=name, wave=wave, due=due)
    if not now:
        raise NotDueError(survey, "the zone is kept", due)
    end = WaveEnd(survey=name, wave=wave) if due is None else WaveEnd(survey=name, wave=wave, due=due)
    if officer_key is None:
        if officers:
            raise officer_needed("destroying a zone before its date")
        return end
    key = read_key(officer_key, "officer")
    if officers and key.public_key_hex not in officers:
        what = "this key is of no officer of a policy in force"
        raise BudgetRefused("not_an_officer", what, where=str(officer_key), do="Use the key of an officer")
    statement = EarlyEndStatement(format="hearsafe-early-end/1", ledger_id=ledger.ledger_id, survey=name, wave=wave)
    signature = key.sign(statement_bytes(statement))
    return end.model_copy(update={"statement": statement, "officer": key.public_key_hex, "signature": signature})
