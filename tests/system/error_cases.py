"""Every kind of bad input that docs/errors.md lists, by the name it has there, arranged for the real command."""

import io
import secrets
import shutil
import zipfile
from collections.abc import Callable

import pytest

from pipelines.crossing import _charge_for
from pipelines.ledger import approvals
from pipelines.ledger.store import Ledger
from pipelines.planning import planned
from schemas.ledger import EventKind
from tests.system.bad_input import (
    INGEST,
    RELEASE,
    Arguments,
    Case,
    World,
    additional_file,
    after,
    command,
    edited_release,
    flip,
    foreign_file,
    policy_with,
    removed_file,
    survey_with,
)
from tests.system.city import POLICY
from tests.system.command import hearsafe
from tests.system.in_use import opened_catalogue, running_demo

HEADER = "When,Email,District,Age,Q1,Q2,Q3,Q4,Q5\n"
REFUSE = "frames: {at_least: 900, below: refuse}"
BENCHMARK = "benchmarks: {quality: {value: 78, source: Nation}}"
APPROVE = ("approve", ".", "--officer-key")
INVITE = ("invite", ".", "--contacts", "contacts.csv")
THEMES = "\n  - {id: wishes, column: Comment, type: themes, dictionary: themes.yaml}"
ROW = "2026-03-01 10:00:00,canary1@example.org,N,1,1,2,Parks,4,9\n"


def xlsx_source(world: World, content: bytes) -> Arguments:
    world.edit("survey.yaml", "format: delimited", "format: xlsx")
    return world.source("export.xlsx", content)


def workbook(sheet: bytes) -> bytes:
    """A ZIP file that calls itself a workbook and has one sheet."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return target.getvalue()


def twice(world: World) -> Arguments:
    return world.column(",Q2,", ",Q1,")


def undecodable(world: World) -> Arguments:
    """UTF-16 by its byte-order mark, and cut within a character."""
    return world.source("export.csv", (HEADER + ROW).encode("utf-16") + b"\xd8")


def latin(world: World) -> Arguments:
    return world.source("export.csv", (HEADER + ROW.replace("Parks", "Caf\xe9")).encode("latin-1"))


def several_sources(world: World) -> None:
    world.edit("survey.yaml", "\nmissing:", "\n  - {id: mail, format: delimited}\nmissing:")


def another_key(world: World) -> None:
    (world.wave_keys / "zone.key").write_text(secrets.token_hex(32) + "\n")


def short_key(world: World) -> None:
    (world.wave_keys / "zone.key").write_text("not a key\n")


def stranger(world: World) -> None:
    world.need_approval()
    world.officer("stranger.pem")


def expired(world: World) -> None:
    """A ledger founded, and a plan approved, by a clock of thirty days ago."""
    world.need_approval()
    world.approve(days_ago=30)
    assert hearsafe(*INGEST, cwd=world.folder).returncode == 0


def used_up(world: World) -> None:
    world.need_approval(charges=1)
    world.approve()
    declarations = world.declarations()
    charge = _charge_for(declarations, planned(declarations), secrets.token_hex(16), 1)
    Ledger.open(world.opened()).charge(charge, declarations.policy)


def changed_plan(world: World) -> None:
    world.need_approval()
    world.approve()
    world.edit("survey.yaml", "expected: {responses: 8000,", "expected: {responses: 9000,")


def changed_policy(world: World) -> None:
    world.need_approval()
    world.approve()
    world.edit("policy.yaml", "lifetime: {epsilon: 20}", "lifetime: {epsilon: 200}")


def freeze(world: World) -> None:
    Ledger.open(world.opened()).record(EventKind.FROZEN, {"reason": "drill"})


def tampered(world: World) -> None:
    drop = [f"DROP TRIGGER ledger_no_{name}" for name in ("update", "delete", "replace")]
    world.sql(
        *drop,
        """UPDATE ledger_events SET body = replace(body, '"charge_nano_rho":', '"charge_nano_rho":1')
        WHERE kind = 'CHARGED'""",
    )


def removed_row(world: World) -> None:
    world.sql("DROP TRIGGER ledger_no_delete", "DELETE FROM ledger_events WHERE kind = 'CHARGED'")


def older_copy(world: World) -> None:
    """The file as it was before the charge."""
    world.sql(
        "DROP TRIGGER ledger_no_delete",
        "DELETE FROM ledger_events WHERE seq >= (SELECT seq FROM ledger_events WHERE kind = 'CHARGED')",
    )


def foreign_ledger_key(world: World) -> None:
    world.ledger_key.unlink()
    world.officer("other.pem")
    shutil.move(world.folder / "other.pem", world.ledger_key)


def key_of_nobody(world: World) -> Arguments:
    return ("verify", world.release, "--key", "0" * 64)


def no_fingerprint(world: World) -> Arguments:
    return ("verify", world.release, "--key", "the blue one")


def without_survey(world: World) -> None:
    (world.folder / "survey.yaml").unlink()


def small_groups(world: World) -> None:
    world.edit("survey.yaml", "invited: 20000}", "invited: 20000, frame: 1000}")
    world.edit("policy.yaml", "prior:", f"{REFUSE}\nprior:")


def without_policy(world: World) -> None:
    (world.folder / "policy.yaml").unlink()


def contacts(content: str) -> Callable[[World], Arguments]:
    """`ingest` with another contact list."""
    return after(lambda world: (world.folder / "contacts.csv").write_text(content), *INGEST)


def coded(codec: str) -> Callable[[World], Arguments]:
    """`ingest` with another declared encoding."""
    return after(lambda world: world.edit("survey.yaml", "delimited,", f"delimited, encoding: {codec},"), *INGEST)


def export(content: str | bytes) -> Callable[[World], Arguments]:
    """`ingest` of another export."""
    return lambda world: world.source("export.csv", content)


def xlsx(content: bytes) -> Callable[[World], Arguments]:
    """`ingest` of a workbook."""
    return lambda world: xlsx_source(world, content)


def trend_to_nowhere(world: World) -> None:
    world.edit("survey.yaml", "indices:", 'trends: {quality: {"2024": q1}}\nindices:')


def other_options(world: World) -> None:
    world.edit("survey.yaml", '"4": Poor}', '"4": Bad, "6": Poor}')


def drafted(content: str) -> Callable[[World], Arguments]:
    """`init` from another export."""
    draft = command("init", "new", "--from", "export.csv")
    return lambda world: [world.source("export.csv", content), draft(world)][1]


def codebook(content: str) -> Callable[[World], Arguments]:
    """`init` with a codebook."""
    draft = command("init", "new", "--from", "export.csv", "--codebook", "book.csv")
    return lambda world: [world.source("book.csv", content), draft(world)][1]


def lost(name: str) -> Callable[[World], None]:
    """Lose a key of the wave."""
    return lambda world: (world.wave_keys / name).unlink()


def damaged_zone(world: World) -> None:
    flip(world.responses, world.responses.stat().st_size // 2)


def damaged_witness(world: World) -> None:
    world.witness.write_text("{}\n" + world.witness.read_text())


def issuing(world: World) -> None:
    """A survey whose resident key is an issued code."""
    world.edit("survey.yaml", "normalise: email", "normalise: code")
    world.edit("survey.yaml", "match: Email}", "match: Email, codes: true}")


def closed(world: World) -> None:
    assert hearsafe("close", ".", cwd=world.folder).returncode == 0


def gone(world: World) -> None:
    assert hearsafe("expire", ".", "--now", cwd=world.folder).returncode == 0


def frozen_by_officers(world: World) -> None:
    world.need_approval()
    world.approve()
    freeze(world)


def own_work(world: World) -> None:
    """A policy by one of its two officers, whose key is officer.pem."""
    author, other = world.officer(), world.officer("other.pem")
    terms = f"approvals: {{needed: 1, officers: ['{author}', '{other}'], author: '{author}', author_excluded: true}}\n"
    (world.folder / "policy.yaml").write_text(POLICY + terms)


def approved_for_another_program(world: World) -> None:
    world.need_approval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(approvals, "code_digest", lambda: "0" * 64)
        world.approve()


CASES: dict[str, Case] = {
    "an unknown option": Case("declared", command("release", ".", "--force")),
    "an unknown verb": Case("declared", command("publish", ".")),
    "a missing argument": Case("declared", command("release")),
    "no source file": Case("declared", command("ingest", ".")),
    "an undeclared source id": Case("declared", command("ingest", ".", "--source", "post=export.csv")),
    "several sources and no id": Case("declared", after(several_sources, "ingest", ".", "--source", "export.csv")),
    "a key source of another kind": Case("declared", command(*INGEST, "--key-source", "cloud")),
    "memory without a unit": Case("declared", command(*INGEST, "--memory", "2000")),
    "too little memory": Case("declared", command(*INGEST, "--memory", "100MB")),
    "a workspace that is a file": Case("declared", command(*INGEST, "--workspace", "policy.yaml")),
    "exact numbers for a script": Case("declared", command("ingest", ".", "--show", "--json")),
    "a `--key` that is no fingerprint": Case("released", no_fingerprint),
    "a registration of nothing": Case("declared", command("register", ".", "--why", "minutes")),
    "a registration without a reason": Case("declared", command("register", ".", "policy.yaml")),
    "a ledger that is elsewhere": Case("ingested", command("--ledger", "postgresql://city@/ledger", "budget")),
    "a password in the ledger's address": Case("declared", command("--ledger", "postgresql://a:b@/c", *INGEST)),
    "a mailing file inside the workspace": Case(
        "declared", after(issuing, *INVITE, "--mailing", "hearsafe-workspace/mailing.csv")
    ),
    "drafts where declarations are": Case("declared", command("init", ".")),
    "an export format that does not exist": Case("declared", command("init", "new", "--format", "telepathy")),
    "two exports of one id": Case("declared", command("init", "new", "--from", "export.csv", "--from", "export.csv")),
    "an export that is there already": Case("released", lambda world: ("export", world.release, "--to", "export.csv")),
    "a catalogue of nothing": Case("declared", command("catalog")),
    "a catalogue in place of another file": Case("released", command("catalog", "--out", "export.csv")),
    "a catalogue that an analyst has open": Case("released", after(opened_catalogue, "catalog")),
    "two demos in one folder": Case("declared", after(running_demo, "demo")),
    "no such directory": Case("declared", command("release", "nowhere")),
    "no `survey.yaml`": Case("declared", after(without_survey, *RELEASE)),
    "no `policy.yaml`": Case("declared", after(without_policy, *RELEASE)),
    "broken YAML": Case("declared", survey_with("categories: {N: North,", "categories: {N: North")),
    "a key written twice": Case("declared", survey_with("title: Testville survey", "title: A\ntitle: B")),
    "an unknown key": Case("declared", survey_with("normalise: email", "normalize: email")),
    "an unknown key like no other": Case("declared", survey_with("type: nps}", "type: nps, xyz: 1}")),
    "a needed key left out": Case("declared", policy_with("delta: 1.0e-6\n", "")),
    "a value of the wrong type": Case("declared", survey_with("at_most: 3", "at_most: three")),
    "a value that is not allowed": Case("declared", policy_with("delta: 1.0e-6", "delta: 2")),
    "several problems at once": Case("declared", survey_with("bounds: [0, 90]", "bound: [0, 90]")),
    "a belief from a release that is not there": Case(
        "declared", policy_with("{interaction: 3}", "{from_release: abc}")
    ),
    "two populations": Case("declared", policy_with("population: testville-adults", "population: other-adults")),
    "a crosstab with an unknown question": Case("declared", policy_with("[[quality, district]]", "[[quality, ward]]")),
    "a spend beyond the cap of a release": Case(
        "declared", policy_with("release: {epsilon: 4}", "release: {epsilon: 1}")
    ),
    "households that the policy does not protect": Case(
        "declared", survey_with("  normalise: email", "  normalise: email\n  household: {key: Address, at_most: 4}")
    ),
    "a group that is small in public": Case("declared", after(small_groups, *RELEASE)),
    "groups that cannot be checked": Case("declared", policy_with("prior:", f"{REFUSE}\nprior:")),
    "a missing dictionary of themes": Case("declared", survey_with("type: nps}", f"type: nps}}{THEMES}")),
    "a benchmark in per cent": Case("declared", survey_with("indices:", f"{BENCHMARK}\nindices:")),
    "a trend since a wave without a release": Case("ingested", after(trend_to_nowhere, *RELEASE)),
    "an invitation of a survey without codes": Case("declared", command(*INVITE)),
    "an end without a date": Case("ingested", command("close", ".", "--if-due")),
    "an encoding that does not exist": Case("declared", coded("utf-9")),
    "a time pattern that is none": Case("declared", survey_with("%Y-%m-%d %H:%M:%S", "%Q")),
    "a separator of two characters": Case(
        "declared", survey_with("format: delimited", "format: delimited, separator: '::'")
    ),
    "a missing source file": Case("declared", command("ingest", ".", "--source", "none.csv")),
    "a missing contact list": Case("declared", command(*INGEST[:4], "--contacts", "none.csv")),
    "no contact list given": Case("declared", command(*INGEST[:4])),
    "a contact list without the column": Case("declared", contacts("Id,E-Mail\n1,canary1@example.org\n")),
    "a contact list without a header": Case("declared", contacts("1,Emil,canary1@example.org\n")),
    "a needed column missing": Case("declared", lambda world: world.column(",Q2,", ",Q_2,")),
    "the key column missing": Case("declared", lambda world: world.column(",Email,", ",Mailbox,")),
    "no header row": Case("declared", export(ROW * 3)),
    "a needed column twice": Case("declared", twice),
    "an undecodable file": Case("declared", undecodable),
    "another encoding than declared": Case("declared", lambda world: [coded("utf-8")(world), latin(world)][1]),
    "an empty file": Case("declared", export("")),
    "a blank file": Case("declared", export("\n\n  \n")),
    "a quotation mark never closed in a large file": Case(
        "declared", export(HEADER + ROW.replace("Parks", '"Parks') + ROW * 200_000)
    ),
    "an XLSX source that is text": Case("declared", xlsx((HEADER + ROW).encode())),
    "a damaged workbook": Case("declared", xlsx(b"PK\x03\x04" + bytes(200))),
    "a workbook that is a ZIP bomb": Case("declared", xlsx(workbook(bytes(40 << 20)))),
    "a workbook where CSV is declared": Case("declared", export(workbook(b"<worksheet/>"))),
    "a draft from a file without a header": Case("declared", drafted(ROW * 3)),
    "a codebook without names": Case("declared", codebook("Q1,Q2\n1,2\n")),
    "a codebook with a type that is none": Case("declared", codebook("variable,type\nQ1,slider\n")),
    "an ingest after questions changed": Case("ingested", after(other_options, *INGEST)),
    "codes that were never issued": Case("declared", after(issuing, *INGEST)),
    "an answer to a closed wave": Case("ingested", after(closed, *INGEST, "--replace")),
    "a release with nothing ingested": Case("declared", command(*RELEASE)),
    "`--show` with nothing ingested": Case("declared", command("ingest", ".", "--show")),
    "another zone key": Case("ingested", after(another_key, *RELEASE)),
    "another zone key at `--show`": Case("ingested", after(another_key, "ingest", ".", "--show")),
    "a missing zone key": Case("ingested", after(lost("zone.key"), *RELEASE)),
    "a missing key file": Case("ingested", command(*RELEASE, "--key-source", "file:lost.key")),
    "a key variable that is not set": Case("ingested", command(*RELEASE, "--key-source", "env:NO_SUCH_KEY")),
    "a key that is no key": Case("ingested", after(short_key, *RELEASE)),
    "a missing pseudonym key": Case("ingested", after(lost("hmac.key"), *INGEST)),
    "a flipped bit in the zone": Case("ingested", after(damaged_zone, *RELEASE)),
    "a lost zone file": Case("ingested", after(lambda world: world.responses.unlink(), *RELEASE)),
    "a release after questions changed": Case("ingested", after(other_options, *RELEASE)),
    "lost sealed measurements": Case("released", after(lambda world: shutil.rmtree(world.sealed), *RELEASE)),
    "a missing ledger key": Case("released", after(lambda world: world.ledger_key.unlink(), *RELEASE)),
    "another ledger key": Case("released", after(foreign_ledger_key, *RELEASE)),
    "a missing officer key": Case("ingested", after(World.need_approval, *APPROVE, "lost.pem")),
    "an officer key that is no key": Case("ingested", after(World.need_approval, *APPROVE, "policy.yaml")),
    "the cap of the wave": Case("released", policy_with("wave: {epsilon: 6}", "wave: {epsilon: 2.5}"), "cap_exceeded"),
    "the cap of the year": Case("released", policy_with("year: {epsilon: 8}", "year: {epsilon: 2.5}"), "cap_exceeded"),
    "the cap of a lifetime": Case(
        "released", policy_with("lifetime: {epsilon: 20}", "lifetime: {epsilon: 2.5}"), "cap_exceeded"
    ),
    "no approval": Case("ingested", after(World.need_approval, *RELEASE), "approval_missing"),
    "an approval of another plan": Case("ingested", after(changed_plan, *RELEASE), "approval_missing"),
    "an approval by a stranger": Case("ingested", after(stranger, *APPROVE, "stranger.pem")),
    "an expired approval": Case("declared", after(expired, *RELEASE), "approval_expired"),
    "an approval that is used up": Case("ingested", after(used_up, *RELEASE), "approval_used_up"),
    "a policy that was not adopted": Case("ingested", after(changed_policy, *RELEASE), "policy_not_approved"),
    "a freeze": Case("ingested", after(freeze, *RELEASE), "frozen"),
    "a freeze that nobody may lift alone": Case("ingested", after(frozen_by_officers, "thaw")),
    "an approval of one's own policy": Case("ingested", after(own_work, *APPROVE, "officer.pem")),
    "an approval of another version": Case(
        "ingested", after(approved_for_another_program, *RELEASE), "approval_code_changed"
    ),
    "a zone destroyed before its date": Case("ingested", command("expire", ".")),
    "a release of an expired wave": Case("ingested", after(gone, *RELEASE)),
    "an edited ledger event": Case("released", after(tampered, *RELEASE)),
    "a removed ledger event": Case("released", after(removed_row, *RELEASE)),
    "an older copy of the ledger": Case("released", after(older_copy, *RELEASE)),
    "a deleted ledger": Case("released", after(lambda world: world.ledger.unlink(), *RELEASE)),
    "a deleted ledger folder": Case("released", after(lambda world: shutil.rmtree(world.ledger.parent), "budget")),
    "a ledger file that is none": Case(
        "released", after(lambda world: world.ledger.write_bytes(b"?" * 4096), *RELEASE)
    ),
    "a missing witness": Case("released", after(lambda world: world.witness.unlink(), *RELEASE)),
    "a damaged witness": Case("released", after(damaged_witness, *RELEASE)),
    "an edited release file": Case("released", edited_release),
    "a missing release file": Case("released", removed_file),
    "an additional file in a release": Case("released", additional_file),
    "a foreign file among the releases": Case("released", foreign_file),
    "a release signed by another key": Case("released", key_of_nobody),
    "no such release": Case("released", command("verify", "nowhere")),
}
