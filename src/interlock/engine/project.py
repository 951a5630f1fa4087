"""A project: four drawers in one folder, and the workflows they make."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph

from interlock.engine.compiler import compile_spec
from interlock.engine.driver import Driver
from interlock.engine.notifying import channels
from interlock.engine.observed import tell
from interlock.errors import ProjectError, StoreUnavailable
from interlock.graphs.loader import read_spec
from interlock.graphs.spec import Spec, cards_of
from interlock.lam.protocol import ActionModel
from interlock.nodes.drawer import CardDrawer, card_findings, read_cards
from interlock.nodes.function import Function
from interlock.nodes.functions import read_functions
from interlock.nodes.models import chat_model
from interlock.nodes.services import Services
from interlock.nodes.wait import fits
from interlock.policies.drawer import PolicyDrawer, policy_findings, read_policies
from interlock.settings import Settings, load_settings
from interlock.source import SourceError, hint_for
from interlock.store.answered import Answers
from interlock.store.approvals import Approvals
from interlock.store.audit import Audit
from interlock.store.audit_key import audit_key
from interlock.store.chain import Link
from interlock.store.checkpoints import checkpointer, shared_checkpointer
from interlock.store.consultations import Consultations
from interlock.store.credentials import Credentials
from interlock.store.database import Database, Transaction
from interlock.store.effects import Ledger
from interlock.store.invitations import Invitations
from interlock.store.jobs import Jobs
from interlock.store.notices import Notices
from interlock.store.passwords import Passwords
from interlock.store.pauses import Pauses
from interlock.store.queues import Queues
from interlock.store.runs import Runs
from interlock.store.sealing import ring_of
from interlock.store.telling import Telling
from interlock.store.users import Users
from interlock.store.witness import Witness
from interlock.tools.action import Action
from interlock.tools.drawer import read_actions

DRAWERS = ("graphs", "nodes", "tools", "policies")


def find_project(start: Path) -> Path:
    """The nearest folder at or above `start` that has drawers.

    Raises:
        ProjectError: there is none.
    """
    start = start.resolve()
    for folder in [start, *start.parents]:
        if (folder / "graphs").is_dir() and any((folder / drawer).is_dir() for drawer in DRAWERS[1:]):
            return folder
    raise ProjectError(
        f"no project at or above {start}: there is no graphs/ beside nodes/, tools/ or policies/. "
        "Make one: interlock init DIR."
    )


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


@dataclass
class Project:
    """The drawers of `root`, and the stores under its home; a store is opened when first used."""

    root: Path
    settings: Settings
    clock: Callable[[], datetime] = now
    sleep: Callable[[float], None] = time.sleep
    action_model: Callable[[], ActionModel] | None = None
    """In place of the model that the settings name, for tests."""
    make_chat_model: Callable[[str], Any] | None = None
    _lock: Any = field(default_factory=threading.RLock, repr=False)

    @classmethod
    def at(cls, start: Path | None = None, **overrides: Any) -> Project:
        """The project at or above `start` (the current folder), with settings from the environment."""
        root = find_project(start or Path.cwd())
        return cls(root=root, settings=anchored(load_settings(), root), **overrides)

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        return read_actions(self.root / "tools")

    @cached_property
    def cards(self) -> CardDrawer:
        return read_cards(self.root / "nodes")

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        """The pure functions that can be used; what is wrong with the others is told where cards are read."""
        return read_functions(self.root / "nodes")

    @cached_property
    def policies(self) -> PolicyDrawer:
        """The policies, with every `never` of them proven.

        Raises:
            SourceError: a policy has faults; each with its position.
        """
        policies = read_policies(self.root / "policies")
        faults = [item for item in policy_findings(policies, self.actions) if item.fatal]
        if faults:
            raise SourceError(faults, policies.documents.values())
        return policies

    @cached_property
    def home(self) -> Path:
        """The folder of this project's state, made on first use.

        Raises:
            StoreUnavailable: it cannot be made or written.
        """
        home = self.settings.home
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"the home {home} cannot be made: {error.strerror}. Nothing was started; set INTERLOCK_HOME to a "
                "writable folder."
            ) from None
        return home

    @cached_property
    def database(self) -> Database:
        """Where rows live.

        Raises:
            StoreUnavailable: it cannot be used.
        """
        _ = self.home
        return Database(self.settings.database, busy_timeout=self.settings.busy_timeout)

    @cached_property
    def notices(self) -> Notices:
        """What people outside are told.

        Raises:
            SettingsError: a place to be told cannot be used.
        """
        return Notices(self.database, self.clock, channels(self.settings), self.settings.notify_events)

    @cached_property
    def jobs(self) -> Jobs:
        """What workers are told to do."""
        return Jobs(self.database)

    @cached_property
    def answers(self) -> Answers:
        """The keys under which programs repeat writes."""
        return Answers(self.database, self.clock)

    @property
    def queues(self) -> Queues:
        """How runs are handed to workers."""
        return Queues(self.database, self.services.audit)

    @cached_property
    def _telling(self) -> Telling:
        return Telling(tell)

    def _heard(self, session: Transaction, entry: Link) -> None:
        """What else is written in the transaction of an audit entry."""
        self._telling.heard(session, entry)
        self.answers.heard(session, entry)
        self.notices.heard(session, entry)
        self.jobs.heard(session, entry)

    @cached_property
    def services(self) -> Services:
        """Everything that running steps may use.

        Raises:
            StoreUnavailable: the database cannot be used.
            ProjectError: a drawer cannot be read.
        """
        with self._lock:
            database = self.database
            head_file = self.settings.audit_head_file
            witness = Witness(head_file) if head_file is not None else None
            audit = Audit(audit_key(self.home), self.clock, self._heard, witness)
            ledger = Ledger(database, audit, self.clock)
            credentials = Credentials(database, audit, self.clock, self.home)
            users = Users(database, audit, self.clock)
            passwords = Passwords(database, audit, self.clock, credentials.hasher)
            return Services(
                settings=self.settings,
                clock=self.clock,
                sleep=self.sleep,
                actions=self.actions,
                functions=lambda: self.functions,
                policies=self.policies,
                runs=Runs(database, audit, self.clock),
                ledger=ledger,
                approvals=Approvals(database, audit, ledger, self.clock, self.policies.people.people),
                pauses=Pauses(database, audit, self.clock, fits),
                consultations=Consultations(database, ring_of(self.settings), self.clock),
                database=database,
                audit=audit,
                credentials=credentials,
                users=users,
                passwords=passwords,
                invitations=Invitations(database, audit, self.clock, users, passwords),
                chat_model=self.make_chat_model or (lambda provider: chat_model(provider, self.settings)),
                action_model=self.action_model or self._named_model,
                drive_children=self.driver.drive_children,
            )

    @cached_property
    def driver(self) -> Driver:
        """What drives this project's runs."""
        return Driver(self)

    @cached_property
    def checkpoints(self) -> BaseCheckpointSaver[str]:
        """The saver of this project's runs.

        Raises:
            StoreUnavailable: its tables cannot be used.
            SettingsError: the key that seals them cannot be read.
        """
        ring = ring_of(self.settings)
        if self.database.shared:
            return shared_checkpointer(self.database, ring=ring)
        apart = self.home / "checkpoints.db"
        path = self.database.file or apart
        earlier = apart if path != apart else None
        return checkpointer(path, busy_timeout=self.settings.busy_timeout, ring=ring, earlier=earlier)

    def workflow(self, path: Path) -> Workflow:
        """The workflow of a graph file.

        Raises:
            SourceError: the file, or a card, tool or policy it needs, has faults; each with its position.
        """
        spec = read_spec(path, self.cards.cards, self.actions, self.policies)
        used = {str(self.cards.documents[name].file) for name in cards_of(spec) if name in self.cards.documents}
        faults = [item for item in card_findings(self.cards, self.actions) if item.fatal and item.file in used]
        if faults:
            raise SourceError(faults, self.cards.documents.values())
        return Workflow(spec, self)

    def pinned(self, spec_digest: str) -> Workflow:
        """The workflow that a run was started with, whatever became of its file."""
        return Workflow(Spec.model_validate_json(self.services.runs.spec_body(spec_digest)), self, spec_digest)

    def graph_file(self, name: str) -> Path:
        """`name` as a path: a file as given, or the graph of that name in the drawer.

        Raises:
            ProjectError: there is no such file.
        """
        for path in (Path(name), self.root / "graphs" / f"{name}.yaml"):
            if path.is_file():
                return path
        known = sorted(path.stem for path in (self.root / "graphs").glob("*.yaml"))
        hint = hint_for(Path(name).stem, known) or f"there are: {', '.join(known) or 'none'}"
        raise ProjectError(f"there is no graph {name}; {hint.rstrip('?')}.")

    def _named_model(self) -> ActionModel:
        from interlock.lam.load import open_action_model

        return open_action_model(self.settings.action_model, key=self.settings.action_model_key)


@dataclass(frozen=True)
class Workflow:
    """One checked workflow of a project."""

    spec: Spec
    project: Project
    pinned_as: str | None = None
    """The digest that its runs are pinned to, where it was read from a run."""

    def compile(self, checkpointer: BaseCheckpointSaver[str] | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
        """The workflow as a LangGraph graph.

        Whoever holds it can move its position at will, and still cause no effect that is not authorised.
        Without a checkpointer it cannot wait for people; pass one, or let a server bring its own.
        """
        return compile_spec(self.spec, lambda: self.project.services, checkpointer, digest=self.pinned_as)


def anchored(settings: Settings, root: Path) -> Settings:
    """Settings whose relative folders stand in the project."""
    folders = {"home": root / settings.home}  # an absolute one stays where it is
    if settings.secrets is not None:
        folders["secrets"] = root / settings.secrets
    return settings.model_copy(update=folders)
