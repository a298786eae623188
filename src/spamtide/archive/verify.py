"""Verification: every byte of the archive is covered by a hash, and each is computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spamtide.archive.archive import Archive, read_key
from spamtide.archive.content import ContentDigest
from spamtide.archive.durable import mark_path, read_mark
from spamtide.archive.kernel import CopyCounter, CorruptSegment, verify_segment
from spamtide.archive.layout import JOURNAL_FEED
from spamtide.archive.locks import lock_is_free
from spamtide.archive.segments import NO_CHAIN, segment_bases
from spamtide.archive.thinning import missing_kept, thinned_already
from spamtide.errors import BrokenWorld

_ALL = 2**64 - 1
_ENDINGS = {"open", "seg", "idx", "seal"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold: a stable code, the thing, what was found."""

    code: str
    thing: str
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What ``archive verify`` prints. ``content`` is equal for two archives that hold the same messages."""

    ok: bool
    content: str
    segments: int
    messages: int
    erased: int
    thinned: int
    anchored_until: int | None
    problems: tuple[Problem, ...]


def verify_archive(archive: Archive, progress: Callable[[float, float], None] | None = None) -> Verification:
    """Check key, segments, chains, journal and tables. Never stops at the first problem.

    ``content``: SHA-256 over (feed, time, envelope digest, raw digest) of all messages, sorted by these four.
    """
    problems: list[Problem] = []
    try:
        read_key(archive.root / "key")
    except (BrokenWorld, OSError) as error:
        problems.append(Problem("corrupt_key", "key", str(error)))
    folders = [(p.name, p) for p in sorted((archive.root / "segments").iterdir()) if p.is_dir()]
    folders.append(("", archive.root / "journal"))
    todo = [(feed, writer, number, base) for feed, folder in folders for writer, number, base in segment_bases(folder)]
    ends: dict[tuple[str, str], tuple[int, str]] = {}
    by_policy = _thinned_by_policy(archive, problems)
    segments = messages = erased = thinned = 0
    content = ContentDigest()
    for done, (feed, writer, number, base) in enumerate(todo):
        if progress is not None:
            progress(done, len(todo))
        name = f"{feed or 'journal'}/{base.name}"
        try:
            checked = verify_segment(str(base), _end(archive, feed, writer, number, base))
        except (CorruptSegment, OSError) as error:
            problems.append(Problem("corrupt_segment", name, str(error)))
            ends[(feed, writer)] = (number, "")
            continue
        problems += [Problem("corrupt_segment", name, text) for text in checked["problems"]]
        last, chain = ends.get((feed, writer), (0, NO_CHAIN))
        if number != last + 1:
            problems.append(Problem("missing_segment", name, f"segment {last + 1} of this writer is missing"))
        elif chain and checked["previous_chain"] != chain:
            problems.append(Problem("broken_chain", name, "its chain does not start where the one before ends"))
        ends[(feed, writer)] = (number, checked["chain"])
        if feed:
            segments += 1
            messages += checked["records"] - checked["erased"]
            erased += checked["erased"]
            thinned += len(checked["thinned"])
            stray = set(checked["thinned"]) - by_policy.get((feed, writer, number), set())
            if stray:
                text = f"{len(stray)} messages are thinned, and the journal says of none why"
                problems.append(Problem("unjournaled_thinning", name, text))
            content.add(feed, checked["content"])
    for _, folder in folders:
        known = {base.name for _, _, base in segment_bases(folder)}
        for path in sorted(folder.iterdir()):
            if path.stem not in known or path.suffix[1:] not in _ENDINGS:
                problems.append(Problem("stray_file", path.name, "belongs to no segment; a crash may have left it"))
    problems += _table_problems(archive)
    with content:
        digest = content.hexdigest()
    return Verification(not problems, digest, segments, messages, erased, thinned, None, tuple(problems))


def _thinned_by_policy(archive: Archive, problems: list[Problem]) -> dict[tuple[str, str, int], set[int]]:
    """What the journal says was thinned; files of kept facts that do not hold are problems."""
    try:
        found = thinned_already(archive.journal)
        for path in missing_kept(archive):
            problems.append(Problem("facts_lost", path, "facts of thinned messages, which nothing can make again"))
    except (BrokenWorld, OSError) as error:
        problems.append(Problem("corrupt_segment", "journal", str(error)))
        return {}
    return found


def _end(archive: Archive, feed: str, writer: str, number: int, base: Path) -> int:
    """How many bytes of a segment must hold: all, but of one that is being written those that are durable."""
    if not base.with_suffix(".open").exists() or base.with_suffix(".seal").exists():
        return _ALL
    with lock_is_free(archive.root, f"segments-{feed or JOURNAL_FEED}-{writer}") as free:
        if free:
            return _ALL
    mark = read_mark(mark_path(archive.root, feed, writer))
    return mark.size_bytes if mark is not None and mark.number == number else _ALL


def confirmed_copies(archive: Archive, feed: str) -> CopyCounter:
    """Copies of each raw digest that the feed holds, every byte read from the disk again and checked.

    A segment in which anything does not hold counts for nothing.
    """
    counter = CopyCounter()
    for segment in archive.segments(feed):
        checked = verify_segment(segment.base)
        if not checked["problems"]:
            content = checked["content"]
            counter.add(b"".join(content[i + 40 : i + 72] for i in range(0, len(content), 72)))
    return counter


def _table_problems(archive: Archive) -> list[Problem]:
    from spamtide.archive.generations import verify_generations
    from spamtide.archive.tables import verify_tables

    found = verify_tables(archive.root) + verify_generations(archive.root)
    return [Problem(code, thing, text) for code, thing, text in found]
