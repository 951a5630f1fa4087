"""What an action gets with a call, a look-up of facts or a probe."""

from __future__ import annotations

import hashlib

from interlock.nodes.services import Services
from interlock.store.tables import Effect
from interlock.tools.action import ActionContext


def context_of(effect: Effect, services: Services) -> ActionContext:
    """What the action gets.  The key is the effect's, the same for every attempt."""
    key = "interlock-" + hashlib.sha256(effect.id.encode()).hexdigest()[:40]
    return ActionContext(key=key, run=effect.run_id, settings=services.settings, now=services.clock())
