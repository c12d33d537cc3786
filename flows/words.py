"""Results in words and as JSON: losses, releases, verifications, reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UsageFault
from schemas.plan import NANO

if TYPE_CHECKING:
    from pipelines.outlet.verify import Verification
    from pipelines.release import ReleaseResult


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
    return f"verified: {release}, signed by {found.fingerprint} ({whose})"


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
    }


def written_report(folder: Path, out: Path | None) -> Path:
    """The report of a verified release: its own file, or one made from the released tables at `out`.

    Raises: IntegrityFault: the release does not hold together. UsageFault: `out` cannot be written.
    """
    from pipelines.outlet.report import report_from_folder
    from pipelines.outlet.verify import verify

    verify(folder, None)
    if out is None:
        return folder / "report.html"
    if out.absolute().parent.resolve() == folder.resolve():
        raise _no_report_here("the release folder is signed and takes no file", out)
    try:
        out.write_text(report_from_folder(folder), encoding="utf-8")
        written = True
    except OSError:
        written = False
    if not written:
        raise _no_report_here("the report cannot be written here", out)
    return out


def _no_report_here(what: str, out: Path) -> UsageFault:
    return UsageFault("out", what, where=str(out), do="Name another --out")
