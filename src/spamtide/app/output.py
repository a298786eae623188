"""What leaves a command: one JSON document, JSON lines, or text; errors as a sentence with the next step."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from spamtide.errors import SpamtideError


def dump(document: Mapping[str, Any]) -> str:
    """One JSON document on one line or, for a person's eyes, indented; keys in their given order."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)


def emit_json(document: Mapping[str, Any]) -> None:
    """Print one document on stdout."""
    sys.stdout.write(dump(document) + "\n")
    sys.stdout.flush()


def emit_jsonl(rows: Iterable[Mapping[str, Any]]) -> int:
    """Print one object a line on stdout; the number printed."""
    n = 0
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
        n += 1
    sys.stdout.flush()
    return n


def emit_json_items(
    schema: str, rows: Iterable[Mapping[str, Any]], goes_on: Callable[[], str | None], **facts: object
) -> int:
    """Print the document of a list as its items come, ``facts`` before them; ``goes_on`` is asked for ``next`` after the last. The number printed."""
    head = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in facts.items())
    sys.stdout.write(f'{{\n  "schema": {json.dumps(schema)},\n{head}  "items": [')
    n = 0
    for row in rows:
        # Not textwrap.indent: it breaks at the line separators that a subject may hold.
        sys.stdout.write((",\n    " if n else "\n    ") + dump(row).replace("\n", "\n    "))
        n += 1
    sys.stdout.write(("\n  ]" if n else "]") + f',\n  "next": {json.dumps(goes_on())}\n}}\n')
    sys.stdout.flush()
    return n


def say(text: str) -> None:
    """A line for a person, on stderr, where it cannot spoil a pipe."""
    sys.stderr.write(text + "\n")


_COLOURS = {"green": "32", "red": "31"}


def in_colour() -> bool:
    """Whether stdout is a terminal that wants colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    """Text in one of our two colours; as it is where stdout is no terminal."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if in_colour() else text


def fill(text: str, indent: str = "") -> str:
    """A paragraph broken to the width of the terminal; one line elsewhere, so that a pipe gets whole sentences."""
    if not sys.stdout.isatty():
        return indent + text
    width = max(40, min(100, shutil.get_terminal_size().columns))
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False)


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), indent: str = ""
) -> list[str]:
    """Aligned columns; those of ``right`` to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def printable(text: str, limit: int = 200) -> str:
    """Attacker's text for a terminal: control and direction characters as their numbers, length-capped."""
    shown = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text[:limit])
    return shown + ("…" if len(text) > limit else "")


def error_document(error: SpamtideError) -> dict[str, Any]:
    """The contract's error document."""
    facts = {k: v for k, v in error.facts.items() if k not in ("schema", "error", "message", "next")}
    return {
        "schema": "spamtide.error/1",
        "error": error.code,
        "message": error.message,
        "next": error.next_step,
        **facts,
    }


def report_error(error: SpamtideError, *, as_json: bool) -> int:
    """Say what happened and what to do next; the exit code that goes with it."""
    if as_json:
        print(json.dumps(error_document(error), ensure_ascii=False, default=str))
    say(f"spamtide: {printable(error.message, 2000)} {printable(error.next_step, 2000)} [{error.code}]")
    return error.exit_code


def report_bug(error: BaseException, *, as_json: bool) -> int:
    """Write a report of a bug of ours to a file, name the file on stderr; exit code 4."""
    handle, path = tempfile.mkstemp(prefix="spamtide-bug-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("A bug in spamtide. Check this text for personal data before sending it to anyone.\n\n")
        file.write("".join(traceback.format_exception(error)))
    wrapped = SpamtideError(
        "bug",
        f"A bug in spamtide: {type(error).__name__}.",
        f"A report was written to {path}; please send it to the maintainers.",
        report=path,
    )
    report_error(wrapped, as_json=as_json)
    return 4
