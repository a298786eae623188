"""Effects of counts that somebody else made: one CSV, or many questions from a file of JSON lines."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spamtide.app.cuts import find_cut
from spamtide.app.instants import parse_instant
from spamtide.capture import CountOptions, read_counts
from spamtide.errors import BrokenWorld, SpamtideError, WrongUse
from spamtide.event import load_registry
from spamtide.measure import Effect, Series, Window, effect_of_given, given_series

# Fewer questions than this are answered in this process: starting others would take longer.
FEW = 8


@functools.lru_cache(maxsize=64)
def _read(path: str, modified_ns: int, options: CountOptions, months: bool) -> dict[str, Series]:
    rows = [(r.start, r.series, r.count, r.exposure) for r in read_counts(Path(path), options)]
    return given_series(rows, months=months)


def read_series(path: Path, options: CountOptions | None = None, *, months: bool = False) -> dict[str, Series]:
    """Series by name of a CSV of counts; ``months``: of calendar months too.

    Raises BadCounts or BadGivenSeries for what cannot be read as counts, BrokenWorld ``unreadable`` for the file.
    """
    try:
        return _read(str(path), path.stat().st_mtime_ns, options or CountOptions(), months)
    except OSError as error:
        raise BrokenWorld(
            "unreadable", f"{path} cannot be read: {error.strerror or error}.", "Check the path and its permissions."
        ) from None


def effect_of_file(
    path: Path,
    *,
    at: int | None = None,
    event: str | None = None,
    target: str | None = None,
    controls: Sequence[str] | None = None,
    before: Window | None = None,
    after: Window | None = None,
    also_at: Sequence[int] = (),
    diagnostics: str = "standard",
    method: str = "latent-ar1",
    shape: str = "averaged",
    net: bool = False,
    per: str | None = None,
    harmonics: int = 2,
    doses: Mapping[str, float] | None = None,
    options: CountOptions | None = None,
) -> Effect:
    """The effect on a series of a CSV; no workspace is needed. ``controls``: None means every other series.

    Raises WrongUse ``no_cut`` unless exactly one of ``at`` and ``event`` is given, and as ``read_series``.
    """
    cut = find_cut(load_registry(), event, at)
    return effect_of_given(
        read_series(path, options, months=method == "quasi-poisson"), cut, target=target, controls=controls, before=before, after=after,
        also_at=also_at, diagnostics=diagnostics, method=method, shape=shape, net=net, per=per, harmonics=harmonics, doses=doses,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a batch, checked."""

    id: Any
    series: str
    at: str
    target: str | None
    controls: tuple[str, ...] | None


def read_questions(path: Path) -> Iterator[Question | SpamtideError]:
    """The lines of a batch; a line that is no question is its error. Raises BrokenWorld ``unreadable``."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenWorld(
            "unreadable",
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Give a file of JSON lines.",
        ) from None
    for n, line in enumerate(lines, 1):
        if line.strip():
            yield _question(n, line, path.parent)


def _question(n: int, line: str, folder: Path) -> Question | SpamtideError:
    next_step = (
        'Write {"id": 1, "series": "counts.csv", "at": "2011-03-16T14:45:00Z", "target": "NAME", "controls": []}.'
    )
    try:
        given = json.loads(line)
    except ValueError as error:
        return WrongUse("bad_question", f"Line {n} is not JSON: {error}.", next_step, line=n)
    if not isinstance(given, dict) or not isinstance(given.get("series"), str) or not isinstance(given.get("at"), str):
        return WrongUse("bad_question", f"Line {n} lacks 'series' or 'at'.", next_step, line=n)
    controls, target = given.get("controls"), given.get("target")
    named = controls is None or (isinstance(controls, list) and all(isinstance(c, str) for c in controls))
    if not named or not isinstance(target, str | None):
        return WrongUse(
            "bad_question", f"Line {n}: 'controls' is a list of names, 'target' a name.", next_step, line=n, id=given.get("id")
        )  # fmt: skip
    path = Path(given["series"])
    if not path.is_absolute() and not path.exists():
        path = folder / path
    return Question(given.get("id"), str(path), given["at"], target, None if controls is None else tuple(controls))


def answer(question: Question) -> dict[str, Any]:
    """The document of one question, ``diagnostics`` null; an error document when it cannot be asked."""
    from spamtide.app.output import error_document
    from spamtide.report import effect_document

    try:
        effect = effect_of_file(
            Path(question.series), at=parse_instant(question.at), target=question.target, controls=question.controls,
            diagnostics="none",
        )  # fmt: skip
    except SpamtideError as error:
        return {"id": question.id, **error_document(error)}
    return {"id": question.id, **effect_document(effect), "diagnostics": None}


def answer_all(
    questions: Sequence[Question], workers: int, progress: Callable[[int], None] | None = None
) -> Iterator[dict[str, Any]]:
    """Documents in the order of the questions, computed in ``workers`` spawned processes when there are many."""
    if workers < 2 or len(questions) < FEW:
        for done, question in enumerate(questions, 1):
            yield answer(question)
            if progress is not None:
                progress(done)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done, document in enumerate(pool.map(answer, questions, chunksize=4), 1):
            yield document
            if progress is not None:
                progress(done)
