"""Every kind of bad input that docs/errors.md lists, arranged for the real command, with what it must answer."""

import io
import secrets
import shutil
import zipfile
from pathlib import Path

from pipelines.ledger.store import Ledger
from pipelines.release import _charge_for
from schemas.ledger import EventKind
from tests.system.bad_input import (
    INGEST,
    RELEASE,
    Arguments,
    Case,
    World,
    after,
    command,
    flip,
    policy_with,
    survey_with,
)
from pipelines.planning import planned

HEADER = "When,Email,District,Age,Q1,Q2,Q3,Q4,Q5\n"
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
    """UTF-8 with accents first, and a byte that is none later on."""
    first, rest = ROW.replace("Parks", "Café"), ROW.replace("Parks", "@@")
    return world.source("export.csv", (HEADER + first + rest).encode().replace(b"@@", b"\xe9"))


def declared_utf8(world: World) -> Arguments:
    world.edit("survey.yaml", "format: delimited,", "format: delimited, encoding: utf-8,")
    return world.source("export.csv", (HEADER + ROW.replace("Parks", "Caf\xe9")).encode("latin-1"))


def several_sources(world: World) -> None:
    world.edit("survey.yaml", "\nmissing:", "\n  - {id: mail, format: delimited}\nmissing:")


def another_key(world: World) -> None:
    (world.wave_keys / "zone.key").write_text(secrets.token_hex(32) + "\n")


def short_key(world: World) -> None:
    (world.wave_keys / "zone.key").write_text("not a key\n")


def other_wave(world: World, wave: str) -> None:
    world.edit("survey.yaml", 'wave: {id: "2026", year: 2026}', wave)


def stranger(world: World) -> None:
    world.need_approval()
    world.officer("stranger.pem")


def expired(world: World) -> None:
    world.forget_ledger()
    world.need_approval()
    world.approve(days_ago=30)


def used_up(world: World) -> None:
    world.need_approval(charges=1)
    world.approve()
    declarations = world.declarations()
    charge = _charge_for(declarations, planned(declarations), secrets.token_hex(16), 1)
    Ledger.open(world.opened()).charge(charge, declarations.policy)


def changed_plan(world: World) -> None:
    world.need_approval()
    world.approve()
    world.edit("survey.yaml", "text: Quality of life", "text: How do you like it here")


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


def edited_release(world: World) -> Arguments:
    flip(world.release / "summary.parquet", 200)
    return ("verify", world.release)


def removed_file(world: World) -> Arguments:
    (world.release / "estimates.parquet").unlink()
    return ("verify", world.release)


def additional_file(world: World) -> Arguments:
    (world.release / "notes.txt").write_text("mine")
    return ("verify", world.release)


def key_of_nobody(world: World) -> Arguments:
    return ("verify", world.release, "--key", "0" * 64)


def no_fingerprint(world: World) -> Arguments:
    return ("verify", world.release, "--key", "the blue one")


def unlink(path: str):
    def spoil(world: World) -> None:
        (world.folder / path).unlink()

    return spoil


X = "?"
SECTIONS: dict[str, list[Case]] = {
    "The command itself": [
        Case("an unknown option", X, "usage", 2, "", "declared", command("release", ".", "--force")),
        Case("an unknown verb", X, "usage", 2, "", "declared", command("publish", ".")),
        Case("no DIR", X, "usage", 2, "", "declared", command("release")),
        Case("no source file", X, "source_needed", 2, "", "declared", command("ingest", ".")),
        Case(
            "an unknown source id",
            X,
            "source_unknown",
            2,
            "",
            "declared",
            command("ingest", ".", "--source", "post=export.csv"),
        ),
        Case(
            "several sources, and no id",
            X,
            "source_ambiguous",
            2,
            "",
            "declared",
            after(several_sources, "ingest", ".", "--source", "export.csv"),
        ),
        Case(
            "a key source of unknown kind",
            X,
            "key_source",
            2,
            "",
            "declared",
            command(*INGEST, "--key-source", "cloud"),
        ),
        Case(
            "a workspace that cannot be",
            X,
            "workspace",
            2,
            "",
            "declared",
            command(*INGEST, "--workspace", "policy.yaml"),
        ),
        Case("--key not a fingerprint", X, "key_form", 2, "", "released", no_fingerprint),
    ],
    "survey.yaml and policy.yaml": [
        Case("no such directory", X, "directory_missing", 3, "", "declared", command("release", "nowhere")),
        Case("no survey.yaml", X, "file_missing", 3, "", "declared", after(unlink("survey.yaml"), *RELEASE)),
        Case("no policy.yaml", X, "file_missing", 3, "", "declared", after(unlink("policy.yaml"), *RELEASE)),
        Case(
            "not YAML",
            X,
            "yaml_syntax",
            3,
            "",
            "declared",
            survey_with("categories: {N: North,", "categories: {N: North"),
        ),
        Case(
            "indent",
            X,
            "yaml_syntax",
            3,
            "",
            "declared",
            survey_with("population: testville", " population: testville"),
        ),
        Case(
            "a key twice",
            X,
            "duplicate_key",
            3,
            "",
            "declared",
            survey_with("title: Testville survey", "title: Testville survey\ntitle: Other"),
        ),
        Case(
            "an unknown key", X, "key_unknown", 3, "", "declared", survey_with("type: nps}", "type: nps, optoins: {}}")
        ),
        Case(
            "an unknown key", X, "key_unknown", 3, "", "declared", survey_with("normalise: email", "normalize: email")
        ),
        Case("a needed key missing", X, "key_missing", 3, "", "declared", policy_with("delta: 1.0e-6\n", "")),
        Case(
            "a value of the wrong type", X, "type_wrong", 3, "", "declared", survey_with("at_most: 3", "at_most: three")
        ),
        Case(
            "a value that is not allowed", X, "value_wrong", 3, "", "declared", policy_with("delta: 1.0e-6", "delta: 2")
        ),
        Case(
            "not built yet",
            X,
            "not_built_yet",
            3,
            "",
            "declared",
            survey_with(
                "type: nps}", "type: nps}\n  - {id: wishes, column: Comment, type: themes, dictionary: themes.yaml}"
            ),
        ),
        Case(
            "population",
            X,
            "population_differs",
            3,
            "",
            "declared",
            policy_with("population: testville-adults", "population: other-adults"),
        ),
        Case("name", X, "name_unknown", 3, "", "declared", policy_with("[[quality, district]]", "[[quality, ward]]")),
        Case(
            "a spend beyond a cap",
            X,
            "spend_beyond_cap",
            3,
            "",
            "declared",
            policy_with("release: {epsilon: 4}", "release: {epsilon: 1}"),
        ),
    ],
    "Sources and contact lists": [
        Case(
            "missing source file",
            X,
            "source_missing",
            4,
            "",
            "declared",
            command("ingest", ".", "--source", "none.csv"),
        ),
        Case(
            "missing contact file",
            X,
            "source_missing",
            4,
            "",
            "declared",
            command("ingest", ".", "--source", "export.csv", "--contacts", "none.csv"),
        ),
        Case(
            "contacts missing",
            X,
            "contacts_missing",
            4,
            "",
            "declared",
            command("ingest", ".", "--source", "export.csv"),
        ),
        Case(
            "contacts column",
            X,
            "contacts_column_missing",
            4,
            "",
            "declared",
            after(lambda w: (w.folder / "contacts.csv").write_text("Id,E-Mail\n1,canary1@example.org\n"), *INGEST),
        ),
        Case(
            "contacts without header",
            X,
            "contacts_column_missing",
            4,
            "",
            "declared",
            after(lambda w: (w.folder / "contacts.csv").write_text("1,Emil,canary1@example.org\n"), *INGEST),
        ),
        Case(
            "a needed column missing", X, "column_missing", 4, "", "declared", lambda w: w.column(",Email,", ",E-mail,")
        ),
        Case("a question's", X, "column_missing", 4, "", "declared", lambda w: w.column(",Q4,", ",Zuzug,")),
        Case("no header row", X, "column_missing", 4, "", "declared", lambda w: w.source("export.csv", ROW)),
        Case("a needed column twice", X, "column_duplicate", 4, "", "declared", twice),
        Case("undecodable", X, "encoding_unreadable", 4, "", "declared", undecodable),
        Case("another encoding than declared", X, "encoding_unreadable", 4, "", "declared", declared_utf8),
        Case(
            "unknown encoding",
            X,
            "encoding_unknown",
            4,
            "",
            "declared",
            after(
                lambda w: w.edit("survey.yaml", "format: delimited,", "format: delimited, encoding: utf-9,"), *INGEST
            ),
        ),
        Case("empty", X, "source_empty", 4, "", "declared", lambda w: w.source("export.csv", "")),
        Case("blank", X, "source_empty", 4, "", "declared", lambda w: w.source("export.csv", "\n\n  \n")),
        Case(
            "not a workbook",
            X,
            "format_unreadable",
            4,
            "",
            "declared",
            lambda w: xlsx_source(w, (HEADER + ROW).encode()),
        ),
        Case(
            "damaged workbook",
            X,
            "format_unreadable",
            4,
            "",
            "declared",
            lambda w: xlsx_source(w, b"PK\x03\x04" + bytes(200)),
        ),
        Case(
            "empty workbook",
            X,
            "format_unreadable",
            4,
            "",
            "declared",
            lambda w: xlsx_source(w, workbook(b"<worksheet/>")),
        ),
        Case(
            "a ZIP bomb", X, "archive_too_large", 4, "", "declared", lambda w: xlsx_source(w, workbook(bytes(40 << 20)))
        ),
        Case(
            "workbook as csv",
            X,
            "format_unreadable",
            4,
            "",
            "declared",
            lambda w: w.source("export.csv", workbook(b"<worksheet/>")),
        ),
        Case(
            "quote long",
            X,
            "record_too_large",
            4,
            "",
            "declared",
            lambda w: w.source("export.csv", HEADER + ROW.replace("Parks", '"Parks') + ROW * 90000),
        ),
        Case(
            "declaration changed",
            X,
            "declaration_changed",
            4,
            "",
            "ingested",
            after(lambda w: w.edit("survey.yaml", '"4": Poor}', '"4": Bad, "6": Poor}'), *INGEST),
        ),
    ],
    "Keys and the zone": [
        Case("release with nothing ingested", X, "zone_empty", 5, "", "declared", command(*RELEASE)),
        Case("show nothing ingested", X, "zone_empty", 5, "", "declared", command("ingest", ".", "--show")),
        Case("wrong zone key", X, "key_wrong", 5, "", "ingested", after(another_key, *RELEASE)),
        Case("wrong zone key ingest", X, "key_wrong", 5, "", "ingested", after(another_key, *INGEST)),
        Case(
            "no zone key file",
            X,
            "key_missing",
            5,
            "",
            "ingested",
            after(lambda w: (w.wave_keys / "zone.key").unlink(), *RELEASE),
        ),
        Case("no key file at", X, "key_missing", 5, "", "ingested", command(*RELEASE, "--key-source", "file:lost.key")),
        Case("no variable", X, "key_missing", 5, "", "ingested", command(*RELEASE, "--key-source", "env:NO_SUCH_KEY")),
        Case("not a key", X, "key_malformed", 5, "", "ingested", after(short_key, *RELEASE)),
        Case(
            "hmac missing",
            X,
            "hmac_key_missing",
            5,
            "",
            "ingested",
            after(lambda w: (w.wave_keys / "hmac.key").unlink(), *RELEASE),
        ),
        Case(
            "hmac missing",
            X,
            "hmac_key_missing",
            5,
            "",
            "ingested",
            after(lambda w: (w.wave_keys / "hmac.key").unlink(), *INGEST),
        ),
        Case(
            "flipped",
            X,
            "zone_damaged_or_key",
            5,
            "",
            "ingested",
            after(lambda w: flip(w.responses, w.responses.stat().st_size // 2), *RELEASE),
        ),
        Case("zone file gone", X, "zone_damaged", 5, "", "ingested", after(lambda w: w.responses.unlink(), *RELEASE)),
        Case(
            "declaration changed",
            X,
            "declaration_changed",
            5,
            "",
            "ingested",
            after(lambda w: w.edit("survey.yaml", '"4": Poor}', '"4": Bad, "6": Poor}'), *RELEASE),
        ),
        Case(
            "ledger key missing",
            X,
            "ledger_key_missing",
            5,
            "",
            "released",
            after(lambda w: w.ledger_key.unlink(), *RELEASE),
        ),
        Case("ledger key foreign", X, "ledger_key_wrong", 5, "", "released", after(foreign_ledger_key, *RELEASE)),
        Case(
            "officer key missing",
            X,
            "officer_key_missing",
            5,
            "",
            "ingested",
            after(World.need_approval, "approve", ".", "--officer-key", "lost.pem"),
        ),
        Case(
            "officer key bad",
            X,
            "officer_key_unreadable",
            5,
            "",
            "ingested",
            after(World.need_approval, "approve", ".", "--officer-key", "policy.yaml"),
        ),
    ],
    "Caps, approvals, freeze": [
        Case(
            "wave cap",
            X,
            "cap_exceeded",
            6,
            "",
            "released",
            policy_with("wave: {epsilon: 6}", "wave: {epsilon: 2.5}"),
            True,
        ),
        Case(
            "year cap",
            X,
            "cap_exceeded",
            6,
            "",
            "released",
            policy_with("year: {epsilon: 8}", "year: {epsilon: 2.5}"),
            True,
        ),
        Case(
            "lifetime cap",
            X,
            "cap_exceeded",
            6,
            "",
            "released",
            policy_with("lifetime: {epsilon: 20}", "lifetime: {epsilon: 2.5}"),
            True,
        ),
        Case("no approval", X, "approval_missing", 6, "", "ingested", after(World.need_approval, *RELEASE), True),
        Case(
            "stranger",
            X,
            "not_an_officer",
            6,
            "",
            "ingested",
            after(stranger, "approve", ".", "--officer-key", "stranger.pem"),
        ),
        Case("expired", X, "approval_expired", 6, "", "ingested", after(expired, *RELEASE), True),
        Case("used", X, "approval_used_up", 6, "", "ingested", after(used_up, *RELEASE), True),
        Case("changed plan", X, "approval_missing", 6, "", "ingested", after(changed_plan, *RELEASE), True),
        Case("changed policy", X, "policy_not_approved", 6, "", "ingested", after(changed_policy, *RELEASE), True),
        Case("frozen", X, "frozen", 6, "", "ingested", after(freeze, *RELEASE), True),
    ],
    "Ledger and releases": [
        Case("tampered", X, "ledger_tampered", 7, "", "released", after(tampered, *RELEASE)),
        Case("row removed", X, "ledger_tampered", 7, "", "released", after(removed_row, *RELEASE)),
        Case("older", X, "ledger_behind", 7, "", "released", after(older_copy, *RELEASE)),
        Case("deleted", X, "ledger_missing", 7, "", "released", after(lambda w: w.ledger.unlink(), *RELEASE)),
        Case("deleted, budget", X, "ledger_missing", 7, "", "released", after(lambda w: w.ledger.unlink(), "budget")),
        Case(
            "folder deleted, budget",
            X,
            "ledger_missing",
            7,
            "",
            "released",
            after(lambda w: shutil.rmtree(w.ledger.parent), "budget"),
        ),
        Case(
            "not a db",
            X,
            "ledger_damaged",
            7,
            "",
            "released",
            after(lambda w: w.ledger.write_bytes(b"not a database" * 100), *RELEASE),
        ),
        Case("witness gone", X, "witness_missing", 7, "", "released", after(lambda w: w.witness.unlink(), *RELEASE)),
        Case(
            "witness damaged", X, "witness_damaged", 7, "", "released", after(lambda w: flip(w.witness, 20), *RELEASE)
        ),
        Case("edited release", X, "file_changed", 7, "", "released", edited_release),
        Case("file missing", X, "file_missing", 7, "", "released", removed_file),
        Case("file additional", X, "file_additional", 7, "", "released", additional_file),
        Case("wrong key", X, "key_differs", 7, "", "released", key_of_nobody),
        Case("no such release", X, "release_missing", 7, "", "released", command("verify", "nowhere")),
        Case(
            "sealed gone",
            X,
            "sealed_missing",
            5,
            "",
            "released",
            after(lambda w: shutil.rmtree(w.responses.parent / "sealed"), *RELEASE),
        ),
    ],
}
