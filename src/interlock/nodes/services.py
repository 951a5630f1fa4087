"""What steps may use when they run: everything comes in here, so a step has no other way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from interlock.errors import ProjectError, StoreUnavailable
from interlock.graphs.spec import Spec
from interlock.lam.protocol import ActionModel
from interlock.nodes.function import Function
from interlock.policies.drawer import PolicyDrawer
from interlock.settings import Settings
from interlock.store.approvals import Approvals
from interlock.store.audit import Audit
from interlock.store.consultations import Consultations
from interlock.store.credentials import Credentials
from interlock.store.database import Database
from interlock.store.effects import Ledger
from interlock.store.invitations import Invitations
from interlock.store.passwords import Passwords
from interlock.store.pauses import Pauses
from interlock.store.runs import Runs
from interlock.store.users import Users
from interlock.tools.action import Action


@dataclass(frozen=True)
class Services:
    """The stores, drawers, models and clock of one project."""

    settings: Settings
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    actions: Mapping[str, Action]
    functions: Callable[[], Mapping[str, Function]]
    """The pure functions of `nodes/` as they are now."""
    policies: PolicyDrawer
    runs: Runs
    ledger: Ledger
    approvals: Approvals
    pauses: Pauses
    consultations: Consultations
    """What action models were shown, and what they decided."""
    database: Database
    audit: Audit
    credentials: Credentials
    users: Users
    """Who has access to the page and the API."""
    passwords: Passwords
    invitations: Invitations
    chat_model: Callable[[str], BaseChatModel]
    """The chat model of a provider string."""
    action_model: Callable[[], ActionModel]
    drive_children: Callable[[Sequence[str], int], None]
    """Drive child runs, so many at once, until each has ended or waits."""

    def wanted(self, run_id: str) -> None:
        """Check, while something is waited for, that the run may still go on; what cannot be told is wanted.

        Raises:
            Refused, RunCancelled, LimitExceeded: it has ended, was cancelled, or its time is over.
        """
        with suppress(StoreUnavailable):
            self.runs.going(run_id)

    def action(self, name: str) -> Action:
        """The action.

        Raises:
            ProjectError: the drawer `tools/` no longer declares it.
        """
        try:
            return self.actions[name]
        except KeyError:
            raise ProjectError(f"tools/ declares no action {name}; put it back, then resume the run.") from None


@dataclass(frozen=True)
class Place:
    """One visit of one run to one step, under one spec."""

    run: str
    spec: Spec
    spec_digest: str
    step: str
    visit: int

    def value(self, path: str, values: Mapping[str, Any]) -> Any:
        """What `$.key.field` means in `values`; None where nothing stands there."""
        found: Any = values
        for part in path[2:].split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found
