"""The ledger under everything but kills: many writers, random histories, old copies, forks, clocks, tampering."""

import multiprocessing
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.ledger.approvals import approve
from pipelines.ledger.draft import Draft
from pipelines.ledger.signing import SigningKey
from privacy.ledger_limits import LARGEST_CHARGE
from privacy.ledger_rules import Admission, decide, fold
from privacy.ledger_state import lifetime_scope, scopes_of
from schemas.errors import BudgetRefused, Fault, IntegrityFault
from schemas.ledger import EventKind, Opened, Seal, Voided
from tests import ledger_processes
from tests.ledger_processes import at_once, roomy
from tests.ledger_sample import START, World, a_charge, a_plan, a_policy, cross
from tests.prove.frame import Effort, Figure, NotHere, Suite

_CHANCE = random.SystemRandom()
_LEVELS = ("release", "wave", "year", "lifetime")


def many_at_once(effort: Effort) -> Iterator[Figure]:
    """64 processes let go at one moment: on one release id, on as many ids with room for ten, and on an empty folder."""
    rounds = effort.count(short=1, extended=1, long=20)
    many = effort.count(short=8, extended=32, long=64)
    room = min(10, many // 2)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.ledger_processes"])
    wrong, over, founded = 0, 0, 0
    for turn in range(rounds):
        world = World(effort.folder / f"{turn}-new" / "workspace")
        world.root.parent.mkdir()
        ids = at_once(processes, ledger_processes.open_at_once, [(world.root,)] * many)
        founded += len(world.open().events()) == 1 and set(ids) == {world.open().ledger_id}
        shutil.rmtree(world.root)
        for same in (True, False):
            world, policy = World(effort.folder / f"{turn}-{same}" / "workspace"), roomy(releases=room)
            world.root.parent.mkdir()
            world.open()
            each = [(world.root, policy, 1 if same else number) for number in range(many)]
            told = Counter(at_once(processes, ledger_processes.charge_at_once, each))
            expected = {"charged": 1, "already_charged": many - 1}
            wrong += told != (expected if same else {"charged": room, "cap_exceeded": many - room})
            spent = world.open().state().spent_in(lifetime_scope("adults")).nano_rho
            over += spent > (1 if same else room) * 100_000_000
            shutil.rmtree(world.root)
    yield Figure(f"rounds of {many} processes on one release id, and on {many}", 2 * rounds, ">=", 2 * rounds)
    yield Figure("rounds in which other than one (or as many as there is room for) were charged", wrong, "=", 0)
    yield Figure("rounds that spent more than the cap", over, "=", 0)
    yield Figure(f"new workspaces whose ledger {many} processes founded once and all opened", founded, "=", rounds)


class _History:
    """One ledger in memory under random events; the laws are checked after each."""

    def __init__(self, key: SigningKey) -> None:
        self.draft = Draft([], key, START)
        body = Opened(format="hearsafe-ledger/1", ledger_id="memory", public_key=key.public_key_hex)
        self.draft.append(EventKind.OPENED, body)
        self.policies = [
            a_policy(population=population, caps={level: _cap() for level in _LEVELS})
            for population in ("adults", "staff")
            for _ in range(2)
        ]
        self.fell = self.beyond = self.unpaid = 0

    def charge(self) -> None:
        """A charge of any size; then more of the same never costs less, and nothing is beyond its cap."""
        policy, laplace = _CHANCE.choice(self.policies), _CHANCE.random() < 0.5
        amount = _CHANCE.choice((_CHANCE.randint(1, 10**8), _CHANCE.randint(1, LARGEST_CHARGE), 1))
        place = {"survey": f"{policy.population}-{_CHANCE.choice('ab')}", "wave": _CHANCE.choice("12"), "year": 2026}
        number = _CHANCE.randint(1, 200)
        charge = a_charge(policy, number, pure=amount / 1e9 if laplace else None, charge_nano_rho=amount, **place)
        before = dict(self.draft.state.spent)
        decided = decide(self.draft.state, charge, policy, self.draft.now)
        more = charge.model_copy(update={"charge_nano_rho": min(LARGEST_CHARGE, 2 * amount)})
        dearer = decide(self.draft.state, more, policy, self.draft.now)
        self.unpaid += isinstance(dearer, Admission) and not isinstance(decided, Admission)
        if isinstance(decided, Admission):
            if decided.adopts is not None:
                self.draft.append(EventKind.POLICY, decided.adopts)
            self.draft.append(EventKind.CHARGED, decided.charge)
            terms = self.draft.state.policies[policy.population].policy
            for scope, level in zip(scopes_of(charge), _LEVELS, strict=True):
                spent, cap = self.draft.state.spent_in(scope), getattr(terms.caps, level)
                pure = cap.nano_pure_epsilon
                self.beyond += spent.nano_rho > cap.nano_rho
                self.beyond += pure is not None and (spent.nano_pure_epsilon is None or spent.nano_pure_epsilon > pure)
                self.unpaid += spent.nano_rho - (before[scope].nano_rho if scope in before else 0) != amount
        self.fell += any(self.draft.state.spent_in(s).nano_rho < b.nano_rho for s, b in before.items())

    def end(self) -> None:
        """Seal or void something, which changes nothing of what was spent."""
        open_ones = [c for c in self.draft.state.crossings.values() if c.state.value == "CHARGED"]
        if not open_ones:
            return
        before, crossing = dict(self.draft.state.spent), _CHANCE.choice(open_ones)
        kind, body = _CHANCE.choice(((EventKind.SEALED, Seal), (EventKind.VOID, Voided)))
        self.draft.append(kind, body(release_id=crossing.release_id, charge_seq=crossing.charged_seq))
        self.fell += self.draft.state.spent != before


def _cap() -> dict[str, float]:
    cap = {"rho": _CHANCE.uniform(0.05, 4)}
    return cap | {"pure_epsilon": _CHANCE.uniform(0.05, 4)} if _CHANCE.random() < 0.5 else cap


def arithmetic(effort: Effort) -> Iterator[Figure]:
    """Random histories in memory: spent never falls, is the sum of charges, stays under the caps in force."""
    cases = effort.count(short=400, extended=4000, long=100_000)
    key, done, totals, differ = SigningKey.new(), 0, Counter[str](), 0
    while done < cases:
        history = _History(key)
        for _ in range(min(100, cases - done)):
            history.charge()
            if _CHANCE.random() < 0.2:
                history.end()
            if _CHANCE.random() < 0.05:
                history.draft.now += timedelta(days=_CHANCE.randint(-4000, 4000))
            done += 1
        charged = [e.body["charge_nano_rho"] for e in history.draft.added if e.kind is EventKind.CHARGED]
        lifetimes = [s.nano_rho for scope, s in history.draft.state.spent.items() if scope.level == "lifetime"]
        differ += sum(charged) != sum(lifetimes) or fold(history.draft.added) != history.draft.state
        totals.update(fell=history.fell, beyond=history.beyond, unpaid=history.unpaid, charges=len(charged))
    yield Figure("charges asked for in random histories", done, ">=", cases)
    yield Figure("charges given among them", totals["charges"], ">=", cases // 100)
    yield Figure("times that something spent fell", totals["fell"], "=", 0)
    yield Figure("scopes beyond their cap", totals["beyond"], "=", 0)
    yield Figure("times that more loss was let in where less was not, or cost less", totals["unpaid"], "=", 0)
    yield Figure("histories whose sums differ from their charges", differ, "=", 0)


def _accepted(world: World, policy: Any, **options: Any) -> bool:
    """Whether a restored ledger opens, or gives a charge."""
    try:
        world.open(**options).charge(a_charge(policy, 9999), policy)
    except IntegrityFault as fault:
        return fault.code != "ledger_behind"
    return True


def rollbacks(effort: Effort) -> Iterator[Figure]:
    """Every older state of a workspace, whole with its own witness, under a witness kept elsewhere; and forks."""
    states = effort.count(short=6, extended=20, long=50)
    policy, elsewhere = roomy(releases=10_000), effort.folder / "elsewhere.jsonl"
    world = World(effort.folder / "workspace")
    ledger, kept = world.open(witness=elsewhere), effort.folder / "kept"
    for number in range(states):
        shutil.copytree(world.root, kept / str(number))
        if number % 2:
            ledger.record(EventKind.SEALED, {"release_id": f"r{number - 1}", "charge_seq": ledger.head().seq})
        else:
            ledger.charge(a_charge(policy, number), policy)
    shutil.copytree(world.root, kept / "newest")
    accepted = 0
    for number in range(states):
        _restore(kept / str(number), world.root)
        accepted += _accepted(world, policy, witness=elsewhere)
    _restore(kept / "newest", world.root)
    reconciled = _accepted(world, policy, witness=elsewhere)
    yield Figure(f"older workspaces accepted of {states}", accepted, "=", 0, headline="rollbacks", trials=states)
    yield Figure("the newest is accepted", int(reconciled), "=", 1)
    yield _forks(effort, policy)


def _restore(backup: Path, place: Path) -> None:
    shutil.rmtree(place)
    shutil.copytree(backup, place)


def _forks(effort: Effort, policy: Any) -> Figure:
    """Two workspaces from one copy with one witness elsewhere: once one has charged, the other is refused."""
    trials, went_on = effort.count(short=3, extended=10, long=50), 0
    for number in range(trials):
        folder, elsewhere = effort.folder / f"fork-{number}", effort.folder / f"fork-{number}.jsonl"
        one = World(folder / "one")
        cross(one.open(witness=elsewhere), a_charge(policy, 1), policy)
        shutil.copytree(one.root, folder / "two")
        two, running = World(folder / "two"), World(folder / "two").open(witness=elsewhere)
        one.open(witness=elsewhere).charge(a_charge(policy, 2), policy)
        went_on += _accepted(two, policy, witness=elsewhere)
        try:
            running.charge(a_charge(policy, 3), policy)
            went_on += 1
        except IntegrityFault as fault:
            went_on += fault.code != "ledger_behind"
    return Figure("forks that went on", went_on, "=", 0, headline="rollbacks", trials=2 * trials)


def clocks(effort: Effort) -> Iterator[Figure]:
    """A clock that jumps by up to ten years each way: order is kept, and no expired approval is used."""
    trials, faults, revived, disordered, charged = effort.count(short=3, extended=10, long=200), 0, 0, 0, 0
    for trial in range(trials):
        world = World(effort.folder / f"{trial}" / "workspace")
        world.root.parent.mkdir()
        key, name = world.officer("officer")
        policy = a_policy(
            needed=1, officers=(name,), charges=100, expires_days=14, caps={x: {"rho": 50} for x in _LEVELS}
        )
        for number in range(18):
            try:
                if _CHANCE.random() < 0.4:
                    approve(world.open(), a_plan(policy), policy, key)
                world.open().charge(a_charge(policy, number), policy)
                charged += 1
            except BudgetRefused as fault:
                faults += fault.code not in {"approval_expired", "approval_missing"}
            except Fault:
                faults += 1
            jump = _CHANCE.choice((-3650, 3650, -1, 1, _CHANCE.uniform(-3650, 3650)))
            world.clock.turn(days=max(jump, (START - world.clock.moment).days - 3650))
            world.clock.moment = min(world.clock.moment, START + timedelta(days=3650))
        events = world.open().events()
        disordered += [event.time for event in events] != sorted(event.time for event in events)
        approvals = {
            event.seq: event.body["statement"]["expires"] for event in events if event.kind is EventKind.APPROVED
        }
        used = [(e.time, approvals[s]) for e in events if e.kind is EventKind.CHARGED for s in e.body["approval_seqs"]]
        revived += sum(expires <= time for time, expires in used)
    yield Figure("histories under a jumping clock", trials, ">=", trials)
    yield Figure("charges given in them", charged, ">=", trials)
    yield Figure("faults other than an expired or missing approval", faults, "=", 0)
    yield Figure("expired approvals used", revived, "=", 0)
    yield Figure("ledgers whose times go backward", disordered, "=", 0)


def on_a_server(effort: Effort) -> Iterator[Figure]:
    """PostgreSQL, started for this: the contract of the ledger, and many processes at once, killed or not."""
    from tests.faults.postgres import a_database, a_server, kill_writers, writers_at_once

    with a_server() as address:
        if address is None:
            raise NotHere("needs PostgreSQL (Debian package: postgresql)")
        many = effort.count(short=8, extended=16, long=64)
        rounds = effort.count(short=1, extended=1, long=5)
        wrong = sum(writers_at_once(effort.folder / f"at-once-{n}", a_database(address), many) for n in range(rounds))
        yield Figure(f"rounds of {many} processes that charged other than there is room for", wrong, "=", 0)
        kills = effort.count(short=3, extended=10, long=200)
        lost, over = kill_writers(effort.folder / "kills", a_database(address), kills)
        yield Figure("charges lost in kills of writers to a server", lost, "=", 0)
        yield Figure("overspends in kills of writers to a server", over, "=", 0, headline="overspends", trials=kills)


SUITES = (
    Suite(
        name="ledger-at-once",
        purpose="64 processes at once on one release id, on 64 ids with room for ten, and founding one ledger",
        run=many_at_once,
        minutes=5,
        levels=("extended", "long"),
    ),
    Suite(
        name="ledger-arithmetic",
        purpose="laws of the ledger's arithmetic on 100,000 charges in random histories",
        run=arithmetic,
        minutes=4,
        levels=("short", "extended", "long"),
    ),
    Suite(
        name="rollbacks",
        purpose="50 restored old workspaces and 50 forks are refused through a witness in another place",
        run=rollbacks,
        minutes=1,
        levels=("short", "extended", "long"),
    ),
    Suite(
        name="clocks",
        purpose="a clock ten years off, forward and back: no approval revived, order kept, no crash",
        run=clocks,
        minutes=2,
        levels=("short", "extended", "long"),
    ),
    Suite(
        name="ledger-on-a-server",
        purpose="the ledger in PostgreSQL with many processes at once, and with its writers killed",
        run=on_a_server,
        minutes=3,
        levels=("extended", "long"),
    ),
)
