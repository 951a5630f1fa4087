"""The witness: heads of the audit chain, written to a file outside the home after each commit that made it longer.

Whoever can change the database and its key can cut the chain or write it anew; what they cannot reach
still says how long it was.  One line a commit, `COUNT:MAC`; only the last is needed, earlier ones may go.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import event
from sqlmodel import Session

from interlock.errors import SettingsError
from interlock.store.chain import Head

logger = logging.getLogger(__name__)


class Witness:
    """A file of heads; it is only ever appended to, so it may lie where nothing else is allowed."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, or make it.

        Raises:
            SettingsError: it cannot be appended to.
        """
        self.path = path
        try:
            self._append("")
        except OSError as error:
            raise SettingsError(
                f"INTERLOCK_AUDIT_HEAD_FILE: {path} cannot be written: {error.strerror}. Name a file that can be "
                "appended to, in a folder that is there."
            ) from None

    def tell(self, session: Session, head: Head) -> None:
        """Write `head` once the transaction of `session` is committed; of several heads the last one."""
        if "audit_head" not in session.info:
            event.listen(session, "after_commit", self._committed, once=True)
        session.info["audit_head"] = head

    def heads(self) -> Sequence[Head]:
        """The heads in the file, in order.

        Raises:
            SettingsError: the file cannot be read, or a line of it is no head.
        """
        try:
            text = self.path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"INTERLOCK_AUDIT_HEAD_FILE: {self.path} cannot be read: {error}.") from None
        found = []
        for number, line in enumerate(text.splitlines(), 1):
            head = read_head(line)
            if head is None:
                raise SettingsError(f"{self.path}, line {number}: {line!r} is no head of the form COUNT:MAC.")
            found.append(head)
        return found

    def _committed(self, session: Session) -> None:
        head: Head = session.info.pop("audit_head")
        try:
            self._append(f"{head.entries}:{head.mac}\n")
        except OSError as error:  # what was committed stands; the next head covers it
            logger.error("the audit's head was not written to %s: %s", self.path, error.strerror)

    def _append(self, text: str) -> None:
        """Append in one write, so that lines of several processes do not mix."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, text.encode("ascii"))
        finally:
            os.close(descriptor)


def read_head(text: str) -> Head | None:
    """A head of the form `COUNT:MAC`; None where it is none."""
    count, _, mac = text.strip().partition(":")
    if not (count.isascii() and count.isdigit() and len(mac) == 64 and set(mac) <= set("0123456789abcdef")):
        return None
    return Head(int(count), mac)
