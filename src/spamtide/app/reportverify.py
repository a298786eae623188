"""``report verify``: the report made again from what its manifest asks for, and compared byte by byte, then number by number."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.app.manifest import NAME, file_digests, inputs, software
from spamtide.app.reporting import ReportRequest, given_again, write_report
from spamtide.errors import BrokenWorld, WrongUse

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory

# What another kind of processor may change: the last digits of sums of floats.
TOLERANCE = 1e-4
_SHOWN = 12


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the report in ``folder``. Raises BrokenWorld ``no_manifest``, WrongUse ``bad_manifest``."""
    path = folder / NAME
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BrokenWorld(
            "no_manifest", f"{path} cannot be read: {error.strerror or error}.", "Name the folder that 'spamtide report --out' wrote."
        ) from None  # fmt: skip
    except ValueError:
        manifest = None
    if not _well_formed(manifest):
        raise WrongUse(
            "bad_manifest", f"{path} is no manifest of a report.", "Take the folder as 'spamtide report' wrote it."
        )
    found: dict[str, Any] = manifest
    return found


def _well_formed(manifest: object) -> bool:
    if not isinstance(manifest, dict) or manifest.get("schema") != "spamtide.manifest/1":
        return False
    kinds = {"asked": dict, "given": dict, "inputs": dict, "software": dict, "files": dict}
    if any(not isinstance(manifest.get(key), kind) for key, kind in kinds.items()):
        return False
    asked = manifest["asked"]
    texts = [
        asked.get("event"),
        asked.get("audience"),
        asked.get("tlp"),
        *(asked.get("feeds") or [None]),
        *(asked.get("measures") or [None]),
    ]
    groups = asked.get("groups") or {}
    return isinstance(groups, dict) and all(isinstance(t, str) for t in [*texts, *groups.values()])


def verify_report(observatory: Observatory, folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The document ``spamtide.report-verification/1``. ``ok``: no file of the folder was changed, and the new one is equal, or equal in numbers on another machine."""
    asked, given = manifest["asked"], manifest["given"]
    request = ReportRequest(
        asked["event"], tuple(observatory.workspace.require_feeds(list(asked["feeds"]))), tuple(asked["measures"]), audience=asked["audience"],
        tlp=asked["tlp"], supersedes=asked.get("supersedes"), groups=tuple((asked.get("groups") or {}).items()), reproduce=tuple(given.get("reproduce") or ()),
    )  # fmt: skip
    stated: dict[str, str] = manifest["files"]
    now = file_digests(folder)
    changed = sorted(name for name in {*stated, *now} if stated.get(name) != now.get(name))
    with tempfile.TemporaryDirectory(prefix="spamtide-verify-") as made:
        out = Path(made) / "report"
        written = write_report(observatory, request, out, plant=given_again(given.get("planted") or {}))
        again = file_digests(out)
        # A PDF that cannot be made here, or could not be there, tells nothing.
        skipped = [n for n in ("report.pdf",) if (n in stated) != (n in again)]
        differ = sorted(n for n in {*stated, *again} if n not in skipped and stated.get(n) != again.get(n))
        numbers = _numbers(folder, out, [n for n in differ if n in stated and n in again and n not in changed])
    unlike = _unlike({"inputs": manifest["inputs"], "software": manifest["software"]}, {"inputs": inputs(observatory.workspace, request.feeds), "software": software()})  # fmt: skip
    other_machine = any(u["what"].startswith("software.") for u in unlike)
    close = (
        bool(differ)
        and all(n in stated and n in again for n in differ)
        and numbers["largest"] is not None
        and numbers["largest"] <= TOLERANCE
    )
    verdict = "equal" if not differ else "equal in numbers" if close and other_machine else "differs"
    return {
        "schema": "spamtide.report-verification/1",
        "ok": verdict != "differs" and not changed,
        "verdict": verdict,
        "report": manifest.get("report"),
        "made": written.document["id"],
        "files": len(stated),
        "changed": changed,
        "differ": differ,
        "skipped": skipped,
        "inputs": unlike,
        "numbers": numbers,
    }


def _unlike(stated: Any, found: Any, path: str = "") -> list[dict[str, Any]]:
    """Where two trees of plain values are not equal: path, what was stated, what was found."""
    if isinstance(stated, dict) and isinstance(found, dict):
        keys = dict.fromkeys([*stated, *found])
        return [u for k in keys for u in _unlike(stated.get(k), found.get(k), f"{path}.{k}" if path else str(k))]
    if isinstance(stated, list) and isinstance(found, list) and len(stated) == len(found):
        return [u for i, (a, b) in enumerate(zip(stated, found, strict=True)) for u in _unlike(a, b, f"{path}[{i}]")]
    return [] if stated == found else [{"what": path, "stated": stated, "found": found}]


def _numbers(folder: Path, out: Path, names: list[str]) -> dict[str, Any]:
    """How far the numbers of ``report.json`` and of the tables lie apart, relative to their size; None where something else differs."""
    compared, largest, where = 0, 0.0, None
    for name in names:
        if not name.endswith((".json", ".csv")):
            continue
        one, other = (dict(_leaves(root / name)) for root in (folder, out))
        for path in dict.fromkeys([*one, *other]):
            a, b = one.get(path), other.get(path)
            if isinstance(a, float) and isinstance(b, float):
                compared += 1
                gap = abs(a - b) / max(abs(a), abs(b), 1e-12)
                if gap > largest:
                    largest, where = gap, f"{name} {path}"
            elif a != b and path not in (".id",) and not (isinstance(a, str) and isinstance(b, str)):
                return {"compared": compared, "largest": None, "where": f"{name} {path}"}
    return {"compared": compared, "largest": float(f"{largest:.6g}"), "where": where}


def _leaves(path: Path) -> Iterator[tuple[str, object]]:
    """Every number and text of a document or table with its path; numbers as floats."""
    text = path.read_text("utf-8")
    if path.suffix == ".csv":
        for i, row in enumerate(csv.reader(io.StringIO(text))):
            for j, cell in enumerate(row):
                try:
                    yield f"[{i}][{j}]", float(cell)
                except ValueError:
                    yield f"[{i}][{j}]", cell
        return
    yield from _walk(json.loads(text), "")


def _walk(node: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _walk(value, f"{path}.{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _walk(value, f"{path}[{i}]")
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield path, float(node)
    else:
        yield path, node


def verification_lines(document: Mapping[str, Any]) -> list[str]:
    """What a terminal prints of it."""
    verdict, numbers = document["verdict"], document["numbers"]
    lines = []
    if verdict == "equal":
        lines.append(
            f"Equal: report {document['report']}, made again, has the same bytes in each of its {document['files'] - len(document['skipped'])} files."
        )
    elif verdict == "equal in numbers":
        lines.append(
            f"Equal in numbers: no figure lies further apart than {numbers['largest']:.1e} of itself ({numbers['compared']} compared)."
        )
    else:
        lines.append(f"DIFFERS: {len(document['differ'])} of {document['files']} files.")
        lines += [f"- {name}" for name in document["differ"][:_SHOWN]]
        if numbers["where"]:
            far = "not a number" if numbers["largest"] is None else f"{numbers['largest']:.1e} of itself"
            lines.append(f"Furthest apart: {numbers['where']}, {far}.")
    for name in document["changed"][:_SHOWN]:
        lines.append(f"CHANGED since it was written: {name}")
    for name in document["skipped"]:
        lines.append(f"Not compared: {name}, which was made on one of the two machines only.")
    lines += [
        f"Other input: {u['what']}: {_short(u['stated'])} then, {_short(u['found'])} now."
        for u in document["inputs"][:_SHOWN]
    ]
    return lines


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else f"{text[:57]}..."
