"""What the policy lets one plan spend, in the ledger's integers, and whether its caps could ever allow that."""

from dataclasses import dataclass

from privacy.ledger_limits import cap_nano
from schemas.errors import DeclarationFault
from schemas.policy import Cap, Policy

SCOPES = ("release", "wave", "year", "lifetime")


@dataclass(frozen=True)
class Spending:
    """`nano_rho`: what Gaussian noise may spend. `nano_epsilon`: what Laplace noise may, as pure ε; None where the
    policy spends ρ. `nano_rho_cap`: the smallest cap, which the ρ of Laplace noise must also keep.
    """

    nano_rho: int
    nano_epsilon: int | None
    nano_rho_cap: int
    pure_scope: str | None
    """A scope whose cap is on pure ε: Gaussian noise has none and is refused."""


def spending_of(policy: Policy) -> Spending:
    """Raises: DeclarationFault: `spend` is beyond a cap, or asks for Gaussian noise where a cap is on pure ε."""
    caps = {scope: cap for scope in SCOPES if isinstance(cap := getattr(policy.caps, scope), Cap)}
    allowed = {scope: cap_nano(cap, policy.delta).nano_rho for scope, cap in caps.items()}
    pure_scope = next((scope for scope, cap in caps.items() if cap.pure_epsilon is not None), None)
    spend = policy.spend
    currency = "rho" if spend.epsilon is None else "epsilon"
    worth = cap_nano(Cap(epsilon=spend.epsilon, rho=spend.rho, pure_epsilon=spend.epsilon), policy.delta)
    if spend.noise == "gaussian" and pure_scope is not None:
        raise DeclarationFault(
            "gaussian_refused",
            "Gaussian noise has no pure epsilon, which this cap bounds",
            where=f"policy.yaml: spend.noise, caps.{pure_scope}.pure_epsilon",
            do="Write noise: laplace, or remove pure_epsilon from the caps",
        )
    for scope, cap in caps.items():
        beyond_pure = cap.pure_epsilon is not None and spend.epsilon is not None and spend.epsilon > cap.pure_epsilon
        if beyond_pure or (spend.noise != "laplace" and worth.nano_rho > allowed[scope]):
            field = "pure_epsilon" if beyond_pure else "rho" if cap.epsilon is None else "epsilon"
            raise DeclarationFault(
                "spend_beyond_cap",
                f"spends more than the cap of one {scope} allows",
                where=f"policy.yaml: spend.{currency}, caps.{scope}.{field}",
                do="Lower the spend, or raise the cap by an approved change of policy",
            )
    return Spending(worth.nano_rho, worth.nano_pure_epsilon, min(allowed.values()), pure_scope)
