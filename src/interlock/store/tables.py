"""Every durable table.  Rows are the truth about runs and people; checkpoints only know the position."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    MetaData,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel


class Moment(TypeDecorator[datetime]):
    """A UTC instant; naive values are refused so that no clock is ever guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Row(SQLModel):
    """Base of the tables: their own metadata, so a user's SQLModel tables never mix in."""

    metadata = MetaData()


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


def _moment() -> Any:
    return Field(sa_column=Column(Moment, nullable=False))


def _optional_moment() -> Any:
    return Field(default=None, sa_column=Column(Moment, nullable=True))


class Meta(Row, table=True):
    """What this database is, by name."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str


class PinnedSpec(Row, table=True):
    """A spec, stored under its digest for as long as a run may need it."""

    __tablename__ = "specs"

    digest: str = Field(primary_key=True)
    graph: str
    version: int
    body: str
    """JSON of the spec, in authored order; its digest is that of the canonical form."""
    stored_at: datetime = _moment()


class Run(Row, table=True):
    """One run.  `status` is created, running, waiting, done, failed or cancelled."""

    __tablename__ = "runs"
    __table_args__ = (
        # each answers one way of looking through a long list, newest first, from one place on
        Index("ix_runs_newest", "parent_id", "created_at", "id"),
        Index("ix_runs_by_status", "parent_id", "status", "created_at", "id"),
        Index("ix_runs_by_graph", "graph", "parent_id", "created_at", "id"),
        Index("ix_runs_by_requester", "requester", "parent_id", "created_at", "id"),
        Index("ix_runs_by_spec", "spec_digest", "status", "parent_id", "created_at", "id"),
        Index("ix_runs_scheduled", "schedule", "scheduled_for", unique=True),  # none of those without a schedule
    )

    id: str = Field(primary_key=True)
    graph: str = Field(index=True)
    spec_digest: str = Field(foreign_key="specs.digest")
    status: str = Field(index=True)
    outcome: str | None = None
    error: str | None = None
    input: dict[str, Any] = _json()
    output: dict[str, Any] = _json()
    limits: dict[str, Any] = _json()
    """The most it may use, child runs included, by counter: steps, model_calls, tokens, micro_usd; time: seconds."""
    requester: str
    parent_id: str | None = Field(default=None, foreign_key="runs.id", index=True)
    """The run whose step this child run is part of."""
    parent_step: str | None = None
    parent_visit: int | None = None
    ordinal: int = 0
    """The place among the children of that visit: of the branch, or of the item."""
    traced: bool = False
    """Whether all that it wrote stands in `written`; runs of releases before that table have gaps."""
    steps: int = 0
    model_calls: int = 0
    tokens: int = 0
    cost_micro_usd: int = 0
    due_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True, index=True))
    """When its time is over; None: it may take as long as it likes."""
    cancelled_by: str | None = None
    """Who wants it cancelled: it ends before its next node.  Of a run that another one started, that one's counts."""
    schedule: str | None = None
    """The schedule that started it."""
    scheduled_for: datetime | None = _optional_moment()
    """The moment at which that was due; one schedule starts one run for a moment."""
    created_at: datetime = _moment()
    updated_at: datetime = _moment()


class Visit(Row, table=True):
    """One entry of a run into a step.  It is open until it has an outcome."""

    __tablename__ = "visits"

    run_id: str = Field(primary_key=True, foreign_key="runs.id")
    step: str = Field(primary_key=True)
    visit: int = Field(primary_key=True)
    entered_by: int
    """Index of the spec's edge that led here."""
    position: int
    """1 for the run's first visit, 2 for the next, over all steps."""
    attempts: int = 0
    model_calls: int = 0
    tokens: int = 0
    cost_micro_usd: int = 0
    outcome: str | None = None
    error_kind: str | None = None
    """Why it failed: unavailable, timeout, invalid, refused or limit."""
    left_by: int | None = None
    """Index of the edge taken out; -1 when the run ends because no edge takes the outcome."""
    note: str | None = None
    entered_at: datetime = _moment()
    left_at: datetime | None = _optional_moment()


class Written(Row, table=True):
    """What one visit wrote under one key, and where that came from."""

    __tablename__ = "written"

    run_id: str = Field(primary_key=True, foreign_key="runs.id")
    position: int = Field(primary_key=True)
    """Of the visit; 0 for what a child run was given."""
    key: str = Field(primary_key=True)
    digest: str
    """Of the value, as `fingerprint` makes it."""
    marks: list[Any] = _json()
    """Path, label and origin of each part that has its own, the whole first."""


class Pause(Row, table=True):
    """What a visit of a wait step waits for: a moment, or an event that must come before it.

    `state`: waiting, done or expired.
    """

    __tablename__ = "pauses"

    id: str = Field(primary_key=True)
    """`run/step/visit`, so that a replay finds its row."""
    run_id: str = Field(foreign_key="runs.id", index=True)
    step: str
    visit: int
    event: str | None = Field(default=None, index=True)
    """The event's name; None for a timer."""
    payload_schema: dict[str, Any] = _json()
    due_at: datetime = _moment()
    state: str = Field(index=True)
    payload: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    sender: str | None = None
    created_at: datetime = _moment()
    settled_at: datetime | None = _optional_moment()


class EarlyEvent(Row, table=True):
    """An event that came before anything waited for it; the first wait of its name takes it."""

    __tablename__ = "early_events"

    id: int | None = Field(default=None, primary_key=True)
    run_id: str = Field(foreign_key="runs.id", index=True)
    """The run it was sent to; its child runs may take it too."""
    event: str
    payload: dict[str, Any] = _json()
    sender: str
    taken_by: str | None = None
    """Id of the pause that took it."""
    sent_at: datetime = _moment()


class Upgrade(Row, table=True):
    """One move of a run to another spec.  Its checkpoint is written after the row, by whoever finds it unsettled."""

    __tablename__ = "upgrades"

    run_id: str = Field(primary_key=True, foreign_key="runs.id")
    ordinal: int = Field(primary_key=True)
    old: str
    new: str
    mapping: dict[str, Any] = _json()
    actor: str
    source: str
    """The node after which the new checkpoint stands; empty where the run had not begun."""
    state: dict[str, Any] = _json()
    """The state in that checkpoint."""
    settled: bool = False
    at: datetime = _moment()


class Fork(Row, table=True):
    """Where a run came from that began at a position of another run.

    Its checkpoint is written after the row, by whoever drives it first.
    """

    __tablename__ = "forks"

    run_id: str = Field(primary_key=True, foreign_key="runs.id")
    origin: str
    """The run that it was forked from."""
    family: str = Field(index=True)
    """The run that it, and every other fork of that one, comes from in the end."""
    position: int
    """Its visits up to this one were made by the run it came from; 0 where it begins from its input."""
    named: str
    """The position as whoever forked it named it: of a visit, or of a park."""
    edited: dict[str, Any] = _json()
    """The digest of each value that was edited, by key."""
    used: dict[str, Any] = _json()
    """What had been used at that position, by counter."""
    actor: str
    source: str
    """The node after which its first checkpoint stands; empty where it begins from its input."""
    state: str
    """JSON of the state in that checkpoint, until it is known to be written; base64 of it when sealed."""
    sealed: bool = False
    settled: bool = False
    at: datetime = _moment()


class Effect(Row, table=True):
    """One proposed action: the ledger's row.  `store.effects` says which states follow which."""

    __tablename__ = "effects"
    __table_args__ = (Index("ix_effects_place", "run_id", "step", "visit", "slot", unique=True),)

    id: str = Field(primary_key=True)
    """`run/step/visit/slot`, never random, so that a replay finds its row."""
    run_id: str = Field(foreign_key="runs.id", index=True)
    step: str
    visit: int
    slot: int
    """0 for the first proposal of a visit; each edit or re-gating adds one."""
    state: str = Field(index=True)
    revision: int = 0
    action: str
    arguments: dict[str, Any] = _json()
    missing: list[str] = _json()
    labels: dict[str, str] = _json()
    origins: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Where each argument came from, as `policies.origins` writes it; with `parts` where these differ."""
    evidence: dict[str, Any] = _json()
    model: dict[str, Any] = _json()
    """Backend, model id, confidence and certainty of the proposal; empty when no model chose."""
    proposed_by: list[str] = _json()
    """The requester, then everybody who edited."""
    undoes: str | None = Field(default=None, foreign_key="effects.id")
    """The effect that this one compensates; the two move together."""
    digest: str | None = None
    verdict: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    inputs: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    """What the policies were given at the gate; None where no gate decided yet."""
    approval_id: str | None = None
    attempt: int = 0
    retryable: bool = False
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    error: str | None = None
    intent_at: datetime | None = _optional_moment()
    created_at: datetime = _moment()
    updated_at: datetime = _moment()


class Consultation(Row, table=True):
    """One question to an action model and its answer; `store.consultations` says when it is written."""

    __tablename__ = "consultations"

    run_id: str = Field(primary_key=True, foreign_key="runs.id")
    step: str = Field(primary_key=True)
    visit: int = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    """Of the proposal that follows from it."""
    body: str
    """JSON of the observation, the tools that were offered, the risk and the decision; base64 of it when sealed."""
    sealed: bool = False
    at: datetime = _moment()


class Reservation(Row, table=True):
    """What an effect takes of budgets: a row for the effect, and one for each of its arguments.

    Written with the intent, kept while the effect may stand, and gone once it certainly does not.  It says
    nothing of policies, so a policy that is new or changed counts what happened before it as well.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        # with all that a sum needs, so that it reads no other page
        Index(
            "ix_reservations_family",
            "argument",
            "family",
            "hold",
            "at",
            "action",
            "effect_id",
            "is_number",
            "limb_0",
            "limb_1",
            "limb_2",
            "limb_3",
        ),
        Index("ix_reservations_key", "argument", "key", "hold", "at"),
    )

    effect_id: str = Field(primary_key=True, foreign_key="effects.id")
    argument: str = Field(primary_key=True)
    """Empty for the effect itself."""
    run_id: str = Field(foreign_key="runs.id", index=True)
    family: str
    """The part of the action's name before its dot."""
    action: str
    key: str | None = None
    """The digest of the argument's value; equal values share it."""
    hold: str
    """`open` while nobody knows whether the effect stands, then `stands`."""
    at: datetime = _moment()
    """When its newest attempt began."""
    is_number: bool = False
    limb_0: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """The number in four parts of nine digits, so that the database adds up exactly: the highest part first."""
    limb_1: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    limb_2: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    limb_3: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class Approval(Row, table=True):
    """One question to people.

    `kind`: action (may this happen?), question (what is missing?), doubt (did it happen?) or form.
    `state`: waiting, approved, rejected, expired, superseded, answered or consumed.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        UniqueConstraint("run_id", "step", "visit", "ordinal"),
        Index("ix_approvals_oldest", "state", "created_at", "id"),
        Index("ix_approvals_due", "state", "decide_before", "id"),
        # with all that requests are counted by, so that counting reads no request
        Index("ix_approvals_counted", "state", "risk", "graph", "action", "kind"),
        Index("ix_approvals_kind", "state", "kind", "created_at", "id", "run_id"),
    )

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="runs.id", index=True)
    graph: str = ""
    """Of the run.  This and the next three are what a queue is looked through by; `request` has the rest."""
    title: str = ""
    action: str | None = None
    risk: str | None = None
    step: str
    """The step whose interrupt waits for the answer."""
    visit: int
    ordinal: int
    """1 for the first request of this visit, 2 for the next."""
    kind: str
    state: str = Field(index=True)
    revision: int = 0
    effect_id: str | None = Field(default=None, foreign_key="effects.id", index=True)
    digest: str | None = None
    request: dict[str, Any] = _json()
    requirement: dict[str, Any] = _json()
    excluded: list[str] = _json()
    """People who may not decide: the requester and everybody who edited."""
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    decide_before: datetime = _moment()
    execute_before: datetime | None = _optional_moment()
    created_at: datetime = _moment()
    updated_at: datetime = _moment()


class Vote(Row, table=True):
    """One person's word on one revision of one request: their own, or that of whoever delegated to them."""

    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("approval_id", "person"),
        Index("ix_votes_represented", "approval_id", text("coalesce(on_behalf_of, person)"), unique=True),
    )

    approval_id: str = Field(primary_key=True, foreign_key="approvals.id")
    person: str = Field(primary_key=True)
    on_behalf_of: str | None = None
    """Whose vote it is; None: their own."""
    verdict: str
    comment: str = ""
    revision: int
    at: datetime = _moment()

    @property
    def represents(self) -> str:
        """The person whose one vote this is."""
        return self.on_behalf_of or self.person


class Delegation(Row, table=True):
    """One person's right to vote, given to another for a time."""

    __tablename__ = "delegations"

    id: str = Field(primary_key=True)
    delegator: str = Field(index=True)
    delegate: str = Field(index=True)
    role: str | None = None
    """The one role it is for; None: every role the delegator holds."""
    begins_at: datetime = _moment()
    ends_at: datetime = _moment()
    created_at: datetime = _moment()
    revoked_at: datetime | None = _optional_moment()
    revoked_by: str | None = None


class Claim(Row, table=True):
    """Who is at work on a request, and until when nobody else decides it."""

    __tablename__ = "claims"

    approval_id: str = Field(primary_key=True, foreign_key="approvals.id")
    person: str
    claimed_at: datetime = _moment()
    until: datetime = _moment()


class Escalated(Row, table=True):
    """When further people may decide a request too, and when that came about."""

    __tablename__ = "escalations"
    __table_args__ = (Index("ix_escalations_due", "at", "due_at"),)

    approval_id: str = Field(primary_key=True, foreign_key="approvals.id")
    due_at: datetime = _moment()
    at: datetime | None = _optional_moment()
    """None: not yet."""


class Credential(Row, table=True):
    """One token of a person, as its hash.  A row is never deleted: a home that ever had one asks for tokens."""

    __tablename__ = "credentials"

    id: str = Field(primary_key=True)
    """The part of the token that finds the row; no secret."""
    person: str = Field(index=True)
    hash: str
    """Argon2id of the whole token, with its parameters (PHC string format)."""
    note: str = ""
    issued_by: str
    created_at: datetime = _moment()
    expires_at: datetime = _moment()
    revoked_at: datetime | None = _optional_moment()
    last_used_at: datetime | None = _optional_moment()
    """To the minute: a use within the minute after another is not written down."""


class User(Row, table=True):
    """Somebody who has access to the page and the API.  A row is never deleted: its name is never somebody else's."""

    __tablename__ = "users"

    name: str = Field(primary_key=True)
    roles: list[str] = _json()
    """Of author, operator, reviewer and admin; the approver groups of policies stand elsewhere, in people.yaml."""
    password: str | None = None
    """Argon2id of the password (PHC string format); None for who has none."""
    account: str | None = Field(default=None, index=True)
    """Issuer and subject of the account that signs them in elsewhere, from its first use on."""
    added_by: str
    created_at: datetime = _moment()
    disabled_at: datetime | None = _optional_moment()


class Invitation(Row, table=True):
    """A link that lets one person set a password, once."""

    __tablename__ = "invitations"

    id: str = Field(primary_key=True)
    """SHA-256 of the random value in the link."""
    person: str = Field(foreign_key="users.name", index=True)
    issued_by: str
    created_at: datetime = _moment()
    expires_at: datetime = _moment()
    used_at: datetime | None = _optional_moment()


class WebSession(Row, table=True):
    """One sign-in of a person at the page; one made with a token counts for as long as the token does."""

    __tablename__ = "sessions"

    id: str = Field(primary_key=True)
    """SHA-256 of the random value in the cookie."""
    person: str = Field(foreign_key="users.name", index=True)
    way: str
    """How they signed in: token, password, invitation or account."""
    credential_id: str | None = Field(default=None, foreign_key="credentials.id")
    """The token, where it was one."""
    created_at: datetime = _moment()
    expires_at: datetime = _moment()


class Misuse(Row, table=True):
    """Tokens and passwords that were refused, counted between two audit entries about them."""

    __tablename__ = "misuses"

    about: str = Field(primary_key=True)
    """Id of the credential, or `unknown` for all that name none; of a password, whose it was not."""
    unnoted: int = 0
    noted_at: datetime = _moment()


class Answered(Row, table=True):
    """A key under which a program sends a write, and the answer; `store.answered` says when what is written."""

    __tablename__ = "answered"

    id: str = Field(primary_key=True)
    """SHA-256 of the person, the route and the key."""
    digest: str
    """Of what was sent."""
    attempt: int = 0
    subject: str | None = None
    """What the first change was about; None while nothing was changed."""
    status: int | None = None
    """Of the answer; None while there is none."""
    body: str | None = None
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))
    begun_at: datetime = _moment()


class Entry(Row, table=True):
    """One link of the audit chain."""

    __tablename__ = "audit"
    # by the beginning of the subject too, whatever the order of letters that a server was set up with
    __table_args__ = (Index("ix_audit_subject", "subject", "seq", postgresql_ops={"subject": "varchar_pattern_ops"}),)

    seq: int = Field(primary_key=True)
    at: datetime = _moment()
    actor: str
    event: str
    subject: str
    data: dict[str, Any] = _json()
    previous: str
    mac: str


class Notice(Row, table=True):
    """One message to be delivered to one place outside; written in the transaction of what it tells of.

    `state`: due, sent or given_up.
    """

    __tablename__ = "notices"

    id: str = Field(primary_key=True)
    """The same for every attempt, so that whoever receives it twice can tell."""
    channel: str
    """webhook, or mail."""
    target: str
    """The URL or address."""
    event: str
    payload: dict[str, Any] = _json()
    state: str = Field(index=True)
    attempts: int = 0
    error: str | None = None
    due_at: datetime = _moment()
    """When it is tried next; while somebody delivers it, when others may take it over."""
    created_at: datetime = _moment()
    sent_at: datetime | None = _optional_moment()


class Schedule(Row, table=True):
    """When runs of a graph are started by themselves."""

    __tablename__ = "schedules"

    name: str = Field(primary_key=True)
    graph: str
    """Name of a graph of the project; what its file says when a run is started is what the run goes by."""
    cron: str
    timezone: str
    """Whose wall clock the expression means."""
    input: dict[str, Any] = _json()
    missed: str
    """What becomes of moments at which nobody was there: skip, or once (one run for all of them)."""
    overlap: str
    """Whether a run is started while the one before has not ended: allow or skip."""
    requester: str
    """Who asks for its runs."""
    paused_by: str | None = None
    next_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))
    error: str | None = None
    """Why no run was started the last time."""
    created_at: datetime = _moment()


class QueueSettings(Row, table=True):
    """How the runs of a graph are handed to workers, where somebody has set it."""

    __tablename__ = "queue_settings"

    graph: str = Field(primary_key=True)
    at_once: int | None = None
    """Runs that are advanced at a time, over all workers."""
    rate: int | None = None
    """Runs that are begun in any `period` seconds, over all workers."""
    period: float | None = None
    priority: int = 0
    """Whose run gets a worker's next free place: the highest first."""


class Worker(Row, table=True):
    """A process that advances runs.

    `state`: serving, draining (it takes no more jobs), gone (it ended), or dead (its jobs were given to others).
    """

    __tablename__ = "workers"

    id: str = Field(primary_key=True)
    host: str
    pid: int
    state: str = Field(index=True)
    at_once: int
    """How many runs it advances at a time."""
    started_at: datetime = _moment()
    beat_at: datetime = _moment()
    """When it was last heard of, by the clock of the database."""
