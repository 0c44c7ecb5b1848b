"""What goes on beside the answers and may never hold them up: the shadow model, and the record of traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serving.aside.traffic import TrafficRecord
from serving.config import ServingConfig

if TYPE_CHECKING:
    from serving.aside.shadow import Shadow


def asides(config: ServingConfig) -> list[Shadow | TrafficRecord]:
    """What the configuration asks for, not started yet."""
    found: list[Shadow | TrafficRecord] = [TrafficRecord(config.traffic)] if config.traffic.record else []
    if config.shadow.model is not None:
        # Here, since only a service with a shadow needs the packages of the extra `feedback`.
        from serving.aside.shadow import Shadow
        from serving.aside.store import ShadowStore
        from serving.database import feedback_url

        found.append(Shadow(config.shadow, ShadowStore(feedback_url(), config.shadow.kept)))
    return found
