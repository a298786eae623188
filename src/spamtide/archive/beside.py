"""What is computed of a generation only when somebody asks: kept beside its tables, and gone with them.

archive/tables/generations/KIND/NNNNNNNN/WHAT/NAME.json, written by rename. No manifest names it: it may be missing at any time, and is
computed again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from spamtide.archive.generations import Generation

_NAME = re.compile(r"[a-z0-9-]{1,64}")


def _folder(generation: Generation, what: str) -> Path:
    assert _NAME.fullmatch(what), what
    return Path(next(iter(generation.tables.values())).path).parent / what


def kept_beside(generation: Generation, what: str, name: str) -> dict[str, Any] | None:
    """What was kept under this name, None where nothing whole is there."""
    try:
        body: dict[str, Any] = json.loads((_folder(generation, what) / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return body


def names_beside(generation: Generation, what: str) -> frozenset[str]:
    """The names under which something was kept."""
    folder = _folder(generation, what)
    return frozenset(p.stem for p in folder.glob("*.json")) if folder.is_dir() else frozenset()


def keep_beside(generation: Generation, what: str, name: str, body: dict[str, Any]) -> None:
    """Keep it. Where nothing can be written, or the generation is gone by now, nothing happens: it is computed again."""
    assert _NAME.fullmatch(name), name
    folder = _folder(generation, what)
    if not folder.parent.is_dir():
        return
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        handle, path = tempfile.mkstemp(dir=folder, suffix=".new")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file, ensure_ascii=False)
        os.replace(path, folder / f"{name}.json")
