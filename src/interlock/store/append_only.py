"""Triggers that keep the audit append-only in the database itself, for every program that writes to it.

They stop mistakes and ordinary tools.  Whoever owns the database can drop them first; then the chain
of the entries shows what was done.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_REFUSED = "the audit is append-only"

_SQLITE = (
    f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    f"""CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    # INSERT OR REPLACE would delete a row without the trigger above
    f"""CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
)

_POSTGRESQL = (
    f"""CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()""",
)

TRIGGERS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
"""What makes the audit append-only, by dialect."""


def make_append_only(connection: Connection) -> None:
    """Create the triggers on the table of the audit, which has none yet."""
    for statement in TRIGGERS[connection.dialect.name]:
        connection.execute(text(statement))
