"""One writer per lake: a lock with a lease, which names its holder.

Delta's commits on an object store are safe for one writing driver only, and two runs in one lake
would restore each other's tables, so a run holds this lock from its first to its last commit.
"""

import json
import os
import socket
import threading
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeGuard
from uuid import uuid4

import psutil

from stackspark.errors import LakeError, LockedError, StacksparkError
from stackspark.runtime.storage.objects import StoredObject, object_folder

LOCK_NAME = "locks/writer.lock"
LEASE_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class LockHolder:
    """Who holds a lake; what the lock file says.

    `machine` tells process ids apart that only look alike: another boot or another container.
    """

    host: str
    machine: str
    pid: int
    process_started: float
    run_id: str
    token: str
    acquired_at: str
    lease_until: str

    @property
    def is_stale(self) -> bool:
        """Whether the lease is over, or the holder was a process of this machine that ended."""
        if datetime.fromisoformat(self.lease_until) < datetime.now(UTC):
            return True
        return self.machine == _machine() and _process_started(self.pid) != self.process_started


class LakeLock:
    """The right to write to one lake, as a context manager.

    A thread renews the lease while the lock is held; `renew` is called before each commit besides,
    so a writer that slept longer than its lease finds out before it writes.
    """

    def __init__(self, root: str, run_id: str, lease_seconds: float = LEASE_SECONDS) -> None:
        self._root = root
        self._lease = timedelta(seconds=lease_seconds)
        self._folder = object_folder(root)
        self._holder = _this_process(run_id, self._lease)
        self._mutex = threading.Lock()
        self._released = threading.Event()

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            LockedError: if another run holds it.
        """
        self._holder = _this_process(self._holder.run_id, self._lease)
        while not self._folder.create(LOCK_NAME, _encode(self._holder)):
            if self._take_over():
                break
        self._released.clear()
        threading.Thread(target=self._keep, name="lake-lock", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back, unless another run has taken it over.

        Raises:
            LockedError: in the place of an error of the block, if another run has: that one removed
                what this one worked with, and is the cause of whatever went wrong.
        """
        self._released.set()
        with self._mutex:
            found = self._folder.read(LOCK_NAME)
            if self._is_own(found):
                self._folder.delete(LOCK_NAME, found.tag)
            elif isinstance(error, Exception) and not isinstance(error, LockedError):
                raise LockedError(self._lost(found)) from error

    def renew(self) -> None:
        """Extend the lease from now; call it before each commit.

        Raises:
            LockedError: if the lock is no longer held; the caller must not write.
        """
        with self._mutex:
            found = self._folder.read(LOCK_NAME)
            until = (datetime.now(UTC) + self._lease).isoformat()
            renewed = _encode(replace(self._holder, lease_until=until))
            if self._is_own(found) and self._folder.replace(LOCK_NAME, renewed, found.tag):
                return
            # A store that wrote and whose answer was lost refuses the request's repetition.
            found = self._folder.read(LOCK_NAME)
            if not (self._is_own(found) and found.data == renewed):
                raise LockedError(self._lost(found))

    def _is_own(self, found: StoredObject | None) -> TypeGuard[StoredObject]:
        return found is not None and read_holder(found).token == self._holder.token

    def _take_over(self) -> bool:
        """Replace a lock that is stale, or find that it is our own; False if it is gone."""
        found = self._folder.read(LOCK_NAME)
        if found is None or self._is_own(found):
            return found is not None
        holder = read_holder(found)
        if not holder.is_stale:
            raise LockedError(_refused(self._root, holder))
        return self._folder.replace(LOCK_NAME, _encode(self._holder), found.tag)

    def _keep(self) -> None:
        while not self._released.wait(self._lease.total_seconds() / 3):
            try:
                self.renew()
            except LockedError:
                return  # the next `renew` before a commit says so where it can be heard
            except (StacksparkError, OSError):
                continue  # the lease has two more beats

    def _lost(self, found: StoredObject | None) -> str:
        taker = f"run {read_holder(found).run_id} has it" if found else "its file is gone"
        return (
            f"run {self._holder.run_id} lost the lock of lake {self._root}: {taker}; "
            "this run writes nothing more; start it again when the other has ended"
        )


def _refused(root: str, holder: LockHolder) -> str:
    return (
        f"lake {root} is held by run {holder.run_id} (process {holder.pid} on {holder.host}, "
        f"since {holder.acquired_at[:19]} UTC); wait for it or stop it; if it is dead, "
        f"the lock is free again at {holder.lease_until[:19]} UTC"
    )


def _this_process(run_id: str, lease: timedelta) -> LockHolder:
    now = datetime.now(UTC)
    return LockHolder(
        host=socket.gethostname(),
        machine=_machine(),
        pid=os.getpid(),
        process_started=_process_started(os.getpid()) or 0.0,
        run_id=run_id,
        token=uuid4().hex,
        acquired_at=now.isoformat(),
        lease_until=(now + lease).isoformat(),
    )


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.is_file():
        return socket.gethostname()
    return f"{boot.read_text(encoding='ascii').strip()} {Path('/proc/self/ns/pid').readlink()}"


def _process_started(pid: int) -> float | None:
    """When a process began; since the boot, where that is told, for clocks are set meanwhile."""
    if Path("/proc/self/stat").is_file():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The name before the last bracket may hold anything; proc(5) numbers what follows from 3.
        return float(stat.rpartition(")")[2].split()[22 - 3])
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _encode(holder: LockHolder) -> bytes:
    return json.dumps(asdict(holder), indent=2).encode()


def read_holder(found: StoredObject) -> LockHolder:
    """Who holds a lock, from its file.

    Raises:
        LakeError: if the file says something else.
    """
    try:
        return LockHolder(**json.loads(found.data))
    except (ValueError, TypeError) as error:
        raise LakeError(
            f"needed a run's lock in {LOCK_NAME} of the lake, found {found.data[:80]!r}; "
            "remove that file if no run is at work on the lake"
        ) from error
