"""Results in words and as JSON: losses, releases, verifications, reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UsageFault
from schemas.plan import NANO

if TYPE_CHECKING:
    from pipelines.crossing import ReleaseResult
    from pipelines.outlet.verify import Verification
    from schemas.card import Card


def epsilon_text(epsilon: float | None) -> str:
    """ε for people; None where the conversion has no meaning."""
    return "no meaningful ε" if epsilon is None else f"ε {epsilon:.3g}"


def epsilon_at(nano_rho: int, delta: float, nano_pure: int | None = None) -> float | None:
    """The ε that a loss is worth: ρ converted at δ, or its pure ε where that is smaller."""
    from privacy.accountant import epsilon_of

    converted = epsilon_of(nano_rho / NANO, delta)
    pure = None if nano_pure is None else nano_pure / NANO
    known = [epsilon for epsilon in (converted, pure) if epsilon is not None]
    return min(known, default=None)


def loss_text(nano_rho: int, delta: float, nano_pure: int | None = None) -> str:
    """A loss in both currencies: ε for people, ρ for the ledger."""
    return f"{epsilon_text(epsilon_at(nano_rho, delta, nano_pure))} (ρ {nano_rho / NANO:.4g})"


def loss_as_dict(nano_rho: int, delta: float, nano_pure: int | None = None) -> dict[str, float | int | None]:
    """The same for a script."""
    return {"nano_rho": nano_rho, "rho": nano_rho / NANO, "epsilon": epsilon_at(nano_rho, delta, nano_pure)}


def release_line(result: "ReleaseResult", delta: float) -> str:
    """What a release cost, if anything."""
    if not result.charged:
        return "nothing charged: this plan on this snapshot was paid for before"
    return f"charged {loss_text(result.charge_nano_rho, delta, result.charge_nano_pure_epsilon)} at δ {delta:g}"


def release_as_dict(result: "ReleaseResult", delta: float) -> dict[str, Any]:
    """The same for a script."""
    return {
        "release_id": result.release_id,
        "folder": str(result.folder),
        "already_published": result.already_published,
        "charged": result.charged,
        "plan_loss": loss_as_dict(result.charge_nano_rho, delta, result.charge_nano_pure_epsilon),
    }


def verification_line(found: "Verification") -> str:
    """What was proven, and whose key it rests on."""
    whose = (
        "the key you named"
        if found.confirmed
        else "unconfirmed: compare it with what the owner publishes, or give --key"
    )
    release = f"release {found.release_id} of {found.survey}, wave {found.wave}"
    counted = found.card.expert.model.counted_on
    apart = "" if counted == "zone worker" else f"; counted on a {counted}: isolation of the responses is not claimed"
    return f"verified: {release}, signed by {found.fingerprint} ({whose}){apart}"


def verification_as_dict(found: "Verification") -> dict[str, Any]:
    """The same for a script."""
    return {
        "verified": True,
        "release_id": found.release_id,
        "survey": found.survey,
        "wave": found.wave,
        "fingerprint": found.fingerprint,
        "confirmed": found.confirmed,
        "ledger_head": found.head.model_dump(mode="json"),
        "charge_nano_rho": found.charge_nano_rho,
        "counted_on": found.card.expert.model.counted_on,
    }


def written_report(folder: Path, out: Path | None) -> Path:
    """The report of a verified release: its own file, or one made from the released tables at `out`.

    Raises: IntegrityFault: the release does not hold together. UsageFault: `out` cannot be written.
    """
    from pipelines.outlet.report import report_from_folder
    from pipelines.outlet.verify import verify

    verify(folder, None)
    return folder / "report.html" if out is None else written_file(folder, out, report_from_folder(folder), "--out")


def written_file(folder: Path, out: Path, content: str, option: str) -> Path:
    """A file made of a release, beside it. Raises: UsageFault: it would be inside, or cannot be written."""
    if out.absolute().parent.resolve() == folder.resolve():
        what = "the release folder is signed and takes no file"
        raise UsageFault("out", what, where=str(out), do=f"Name another {option}")
    try:
        out.write_text(content, encoding="utf-8")
    except OSError:
        written = False
    else:
        written = True
    if not written:
        raise UsageFault("out", "the file cannot be written here", where=str(out), do=f"Name another {option}")
    return out


def card_lines(card: "Card") -> list[str]:
    """The residents' face on a terminal."""
    face = card.resident
    return [
        f"{card.title}, {card.wave} (release {card.release_id})",
        face.how,
        face.odds,
        face.odds_this_year,
        f"Who sees answers: {face.who_sees_answers}",
        f"Who sees results: {face.who_sees_results}",
        f"Taking it back: {face.delete}",
        face.comments,
        "Not protected:",
        *(f"- {limit}" for limit in face.not_protected),
    ]
