"""What an approval is bound to: the exact action, in its exact place, under exact rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.digest import digest
from interlock.nodes.services import Place, Services
from interlock.policies.decide import policies_digest


def binding(action: str, arguments: Mapping[str, Any], place: Place, services: Services) -> str:
    """Digest over action, canonical arguments (RFC 8785), tool schema, policies, spec, run, step and visit.

    Raises:
        ProjectError: the action is no longer declared.
    """
    return digest(
        {
            "action": action,
            "arguments": dict(arguments),
            "schema": services.action(action).schema_digest(),
            "policies": policies_digest(services.policies.policies, action),
            "spec": place.spec_digest,
            "run": place.run,
            "step": place.step,
            "visit": place.visit,
        }
    )
