"""The automation that pauses a schedule when a cap is nearly used, so that a person looks before the next release.

`python -m flows.automations` makes it on the server that PREFECT_API_URL names; `hearsafe serve` makes it by itself.
"""

from datetime import timedelta
from typing import Any

from flows.artifacts import NEARLY_USED_EVENT

NAME = "hearsafe: a cap is nearly used"


def pause_when_nearly_used() -> Any:
    """Pauses the deployment whose run said that a cap is nearly used. It is a signal: the ledger is what refuses."""
    from prefect.events.actions import PauseDeployment
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    return AutomationCore(
        name=NAME,
        description="The year's or lifetime's cap is at least 80 % spent. Ask the privacy officer before going on.",
        trigger=EventTrigger(
            expect={NEARLY_USED_EVENT}, posture=Posture.Reactive, threshold=1, within=timedelta(seconds=0)
        ),
        actions=[PauseDeployment(source="inferred", deployment_id=None)],
    )


def ensure_automations() -> None:
    """Make the automation where the server does not have it yet."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        automation = pause_when_nearly_used()
        if not client.read_automations_by_name(NAME):
            client.create_automation(automation)


if __name__ == "__main__":
    ensure_automations()
