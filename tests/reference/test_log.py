"""docs/reference/log.md is the catalogue of the trap's events; the kernel and Python tell no other."""

from __future__ import annotations

import re

import pytest

from doc_tables import ROOT
from spamtide.app.kernel import TRAP_COUNTS
from spamtide.app.trapevents import EVENTS, event_line, make_event, read_event

DOCUMENT = ROOT / "docs" / "reference" / "log.md"
HEAD = """\
# The trap's log

`spamtide trap --log json` prints one event a line on stdout. Made from `src/spamtide/app/trapevents.py` by
`pytest tests/reference/test_log.py --write-golden`; do not edit.

Each has `event`, its name, and `at`, the instant. Lines are ASCII: text from outside is escaped, and cannot be a line or a control character. Keys are added, never
renamed. The log is for whoever watches; what is kept stands in segments and journal. Text (`--log text`) has the same events on stderr without those of messages and sessions, which
are counted.

## Events

| event | means | keys |
|---|---|---|
{events}

## Counts

`counts` in `trap.counts`, `trap.drained` and `trap.stopped`.

| count | means |
|---|---|
{counts}
"""


def rendered() -> str:
    """The document as the code would have it."""
    events = "\n".join(
        f"| `{name}` | {means} | {' '.join(f'`{k}`' for k in keys) or '-'} |" for name, (means, keys) in EVENTS.items()
    )
    return HEAD.format(events=events, counts="\n".join(f"| `{name}` | {means} |" for name, means in TRAP_COUNTS))


def test_the_document_is_the_catalogue(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--write-golden"):
        DOCUMENT.write_text(rendered(), "utf-8")
    assert DOCUMENT.read_text("utf-8") == rendered(), "run pytest tests/reference/test_log.py --write-golden"


def test_the_source_tells_these_events_and_no_other() -> None:
    name = r'"([a-z]+\.[a-z_]+)"'
    kernel = "".join(p.read_text("utf-8") for p in (ROOT / "rust" / "src" / "server").glob("*.rs"))
    app = ROOT / "src" / "spamtide" / "app"
    python = "".join(
        (app / name).read_text("utf-8")
        for name in ("trapping.py", "companion.py", "following.py", "backgroundgrouping.py", "backgroundwatching.py")
    )
    told = set(re.findall(name, kernel)) | set(re.findall(r"make_event\(\s*" + name, python))
    assert told == set(EVENTS)


def test_an_event_is_one_line_of_ascii_whatever_it_holds() -> None:
    line = event_line(make_event("connection.failed", 0, error="a\nb\x1b[31m\u2028\x9b\u202e"))
    assert line.isascii() and line.isprintable()


def test_an_event_with_a_key_that_is_not_in_the_catalogue_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        make_event("store.full", 0, nonsense=1)
    assert read_event('{"event": "trap.drained", "at": 0, "messages": 3}')["counts"] == {"messages": 3}
