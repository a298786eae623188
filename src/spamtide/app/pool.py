"""Worker processes that may die: each task is answered, and a message that kills a worker is found by bisection.

Hostile mail meets the parser in another process, with a limit on its address space and a watchdog. The watchdog only
kills; what a message yields never depends on time. Workers are started afresh (never forked), speak JSON lines over
pipes, and import nothing but the kernel and the Parquet writer.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import IO, Any, cast

from spamtide.errors import BrokenWorld


@dataclass(frozen=True, slots=True)
class Task:
    """A range of records of one segment; ``segment`` is what the worker needs to find it.

    ``provisional``: where its parts go instead of the pool's stage; they need not be durable.
    """

    segment: dict[str, Any]
    start: int
    stop: int
    provisional: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A worker's answer: the parts it wrote, how many messages, defects by kind."""

    task: Task
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Poison:
    """One message that no worker survives, with the reason: ``killed``, ``timed_out`` or the worker's own words."""

    task: Task
    reason: str


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    task: Task | None = None
    since: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)
    ready: bool = False

    @property
    def out(self) -> IO[bytes]:
        return cast(IO[bytes], self.process.stdout)


class WorkerPool:
    """``workers`` processes that digest tasks in any order; ``results`` yields a Done or a Poison for each.

    ``task_seconds`` is the watchdog's patience for one task; ``address_space_mib`` the limit set in each worker before
    it imports anything. Leaving the ``with`` block ends the processes, whatever they are doing.
    """

    def __init__(
        self,
        workers: int,
        *,
        stage: str,
        address_space_mib: int,
        task_seconds: float,
        command: list[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command or [sys.executable, "-m", "spamtide.app.worker"]
        self._command = [*self._command, stage, str(address_space_mib)]
        self._task_seconds = task_seconds
        self._clock = clock
        self._queue: deque[Task] = deque()
        self._selector = selectors.DefaultSelector()
        self._workers = [self._start() for _ in range(max(1, workers))]

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
            for pipe in (worker.process.stdin, worker.process.stdout):
                if pipe is not None:
                    # A task written to a worker that had died is still in the pipe's buffer.
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        self._selector.close()

    def submit(self, task: Task, *, first: bool = False) -> None:
        """Queue a task, before all others if asked; an idle worker starts on it at once."""
        if first:
            self._queue.appendleft(task)
        else:
            self._queue.append(task)
        self._feed()

    @property
    def pending(self) -> int:
        """Tasks queued or under way."""
        return len(self._queue) + sum(w.task is not None for w in self._workers)

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [w.process.pid for w in self._workers]

    def ready(self, wait: float = 0.0) -> Iterator[Done | Poison]:
        """What has been answered by now; for the first answer it waits so many seconds."""
        yield from self._collect(wait)

    def results(self) -> Iterator[Done | Poison]:
        """Wait until every task is answered, yielding the answers as they come."""
        while self.pending:
            yield from self._collect(1.0)

    def _start(self) -> _Worker:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )
        worker = _Worker(process)
        os.set_blocking(worker.out.fileno(), False)
        self._selector.register(worker.out, selectors.EVENT_READ, worker)
        return worker

    def _feed(self) -> None:
        for worker in self._workers:
            if worker.task is None and self._queue:
                task = self._queue.popleft()
                line = json.dumps(asdict(task)) + "\n"
                worker.task, worker.since = task, self._clock()
                try:
                    pipe = cast(IO[bytes], worker.process.stdin)
                    pipe.write(line.encode())
                    pipe.flush()
                except BrokenPipeError:
                    pass  # its death is seen as end of file on the other pipe

    def _collect(self, wait: float) -> Iterator[Done | Poison]:
        for key, _ in self._selector.select(wait):
            worker: _Worker = key.data
            data = worker.out.read()
            if data:
                worker.buffer += data
                while (end := worker.buffer.find(b"\n")) >= 0:
                    line = bytes(worker.buffer[:end])
                    del worker.buffer[: end + 1]
                    yield from self._answered(worker, json.loads(line))
            elif data == b"":
                yield from self._buried(worker, "killed")
        now = self._clock()
        for worker in list(self._workers):
            if worker.task is not None and now - worker.since > self._task_seconds:
                yield from self._buried(worker, "timed_out")
        self._feed()

    def _answered(self, worker: _Worker, answer: dict[str, Any]) -> Iterator[Done | Poison]:
        if "ready" in answer:
            worker.ready = True
            return
        task, worker.task = worker.task, None
        if task is None:
            return
        if "failed" in answer:
            # No message's fault: bisecting a full disk would blame every message in turn.
            raise OSError(*answer["failed"])
        if "error" in answer:
            yield from self._split(task, str(answer["error"]))
        else:
            yield Done(task, answer)

    def _buried(self, worker: _Worker, reason: str) -> Iterator[Done | Poison]:
        self._selector.unregister(worker.out)
        worker.process.kill()
        worker.process.wait()
        worker.out.close()
        if not worker.ready:
            # It died of itself, not of a message: bisecting would blame every message in turn.
            raise BrokenWorld(
                "worker_failed",
                "A digest worker ended before it was ready.",
                "Raise digest.address_space_mib in spamtide.toml, or run 'python -m spamtide.app.worker' to see why.",
            )
        self._workers[self._workers.index(worker)] = self._start()
        if worker.task is not None:
            yield from self._split(worker.task, reason)

    def _split(self, task: Task, reason: str) -> Iterator[Done | Poison]:
        if task.stop - task.start <= 1:
            yield Poison(task, reason)
            return
        middle = (task.start + task.stop) // 2
        self._queue.appendleft(replace(task, start=middle))
        self._queue.appendleft(replace(task, stop=middle))
