"""MANIFEST.json of a report: what it was made of (mail, journal, registry, software, command) and the digest of each of its files."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from spamtide.app.registry import workspace_registry
from spamtide.archive import raw_content
from spamtide.fingerprint import FACTS_VERSION
from spamtide.message import FOLD_VERSION, TOPICS_VERSION

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory
    from spamtide.app.reporting import ReportRequest
    from spamtide.app.workspace import Workspace

NAME = "MANIFEST.json"
# Packages whose version can change a figure or a byte.
PACKAGES = ("spamtide", "numpy", "scipy", "duckdb", "ibis-framework", "pyarrow", "jinja2", "weasyprint")
# Entries of the journal that a report reads; others (who read what, what was told) change nothing in it.
KINDS = (
    "address",
    "audit_draw",
    "audit_judgement",
    "botnet_name",
    "counts",
    "event",
    "exposure",
    "feed",
    "plan",
    "watch",
    "watch_decided",
)
_OURS = re.compile(r"report\.(html|json|pdf)|tables/[a-zA-Z0-9-]+\.csv|figures/[a-zA-Z0-9-]+\.svg")
SEEDS = "Philox keyed by a stable hash of each purpose and its inputs; there is no seed to choose"


def write_manifest(
    observatory: Observatory,
    request: ReportRequest,
    document: Mapping[str, Any],
    planted: Mapping[str, list[Any]],
    out: Path,
    *,
    no_pdf: str | None,
) -> dict[str, Any]:
    """Write it into ``out``, last of all files; the document ``spamtide.manifest/1``."""
    given = planted if any(v is not None for values in planted.values() for v in values) else None
    manifest = {
        "schema": "spamtide.manifest/1",
        "report": document["id"],
        "command": request.command(),
        "asked": {
            "event": request.event, "feeds": list(request.feeds), "measures": list(request.measures),
            "audience": request.audience, "tlp": request.tlp, "supersedes": request.supersedes,
            "groups": dict(request.groups),
        },
        "given": {"planted": given, "reproduce": list(request.reproduce)},
        "inputs": inputs(observatory.workspace, request.feeds),
        "software": software(),
        "seeds": SEEDS,
        "not_made": [] if no_pdf is None else [{"file": "report.pdf", "why": no_pdf}],
        "files": file_digests(out),
    }  # fmt: skip
    (out / NAME).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def remove_earlier(out: Path) -> None:
    """Remove the files of a report that was written here before, as its manifest names them, and nothing else."""
    try:
        named = json.loads((out / NAME).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in named:
        if _OURS.fullmatch(name):
            (out / name).unlink(missing_ok=True)


def inputs(workspace: Workspace, feeds: Sequence[str]) -> dict[str, Any]:
    """Digests of what a report of these feeds is made of.

    ``content`` is over the messages' bytes alone: equal in a fresh archive of the same mail, whose segments, being salted, are
    not. Erased and thinned messages count by the digest of what they were.
    """
    return {
        "feeds": [
            {
                "feed": feed, "messages": sum(s.records for s in segments), "content": raw_content(workspace.archive, feed),
                "segments": [
                    {"segment": f"{s.writer}-{s.number:06d}", "records": s.records, "erased": s.erased, "chain": s.chain} for s in segments
                ],
            }
            for feed in feeds if (segments := workspace.archive.segments(feed)) is not None
        ],
        "journal": journal_digests(workspace, feeds),
        "people": _digest(msgspec.json.encode(workspace.settings.people)),
        "registry": registry_digest(workspace),
    }  # fmt: skip


def journal_digests(workspace: Workspace, feeds: Sequence[str]) -> dict[str, str]:
    """A digest of the entries of each kind that a report reads, in their order, without the time at which they were written."""
    bodies: dict[str, list[Any]] = {}
    for record in workspace.archive.journal.read(*KINDS):
        if record.body.get("feed") in (None, *feeds):
            bodies.setdefault(record.kind, []).append(record.body)
    return {kind: _digest(json.dumps(found, sort_keys=True).encode()) for kind, found in sorted(bodies.items())}


def registry_digest(workspace: Workspace) -> dict[str, str]:
    """The version that ships the registry, and a digest of all events, figures and groups that the workspace sees."""
    registry = workspace_registry(workspace)
    whole = msgspec.json.encode([registry.events, registry.published, registry.memberships])
    return {"version": version("spamtide"), "digest": _digest(whole)}


def software() -> dict[str, Any]:
    """Versions of the program, of what its kernel reads from a message, of the packages it computes with, and the kind of machine."""
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "kernel": {"facts": FACTS_VERSION, "fold": FOLD_VERSION, "topics": TOPICS_VERSION},
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": f"{sys.platform} {platform.machine()}",
        "processor": _vector_units(),
    }


def _vector_units() -> list[str]:
    """What of this processor changes the order of sums: the vector units that arrays are added with."""
    import numpy as np

    config = cast("dict[str, Any]", np.show_config(mode="dicts") or {})
    return sorted(config.get("SIMD Extensions", {}).get("found", []))


def file_digests(out: Path) -> dict[str, str]:
    """SHA-256 of every file of a report but its manifest, by path."""
    files = sorted(p for p in out.rglob("*") if p.is_file() and p != out / NAME)
    return {p.relative_to(out).as_posix(): _digest(p.read_bytes()) for p in files}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
