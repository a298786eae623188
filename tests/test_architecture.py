"""ARCHITECTURE.md is true: each of its tables is compared with the tree."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
from pathlib import Path

import pytest

from doc_tables import ROOT, codes, section, tables

DOCUMENT = ROOT / "ARCHITECTURE.md"
PACKAGE = ROOT / "src" / "spamtide"
RUST = ROOT / "rust" / "src"
ROOMS = sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py"))


def room_rows() -> dict[str, list[str]]:
    return {codes(row[0])[0]: row for row in tables(section(DOCUMENT, "Rooms"))[0]}


def contracts() -> list[dict[str, str]]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return [dict(parser[name]) for name in parser.sections() if name.startswith("importlinter:contract:")]


def imports(path: Path) -> list[tuple[str, list[str]]]:
    """(module, names) of each import statement of a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.module, [a.name for a in node.names]))
        elif isinstance(node, ast.Import):
            found += [(a.name, []) for a in node.names]
    return found


def test_every_room_has_a_row_and_every_row_a_room() -> None:
    assert sorted(room_rows()) == ROOMS


def test_the_arrows_are_those_that_import_linter_checks() -> None:
    layers = next(c for c in contracts() if c["type"] == "layers")
    levels = [[name.strip() for name in re.split(r"[|:]", line)] for line in layers["layers"].split("\n") if line]
    allowed = {room: {r for level in levels[i + 1 :] for r in level} for i, row in enumerate(levels) for room in row}
    for contract in contracts():
        forbidden = {
            m.split(".")[1] for m in contract.get("forbidden_modules", "").split() if m.startswith("spamtide.")
        }
        for source in contract.get("source_modules", "").split():
            allowed[source.split(".")[1]] -= forbidden
    assert {room: set(codes(row[4])) for room, row in room_rows().items()} == allowed


def test_packages_that_belong_to_few_rooms_are_those_of_the_contracts() -> None:
    stated = {frozenset(codes(row[0])): set(codes(row[1])) for row in tables(section(DOCUMENT, "Rooms"))[1]}
    checked = {
        frozenset(c["forbidden_modules"].split()): set(ROOMS) - {m.split(".")[1] for m in c["source_modules"].split()}
        for c in contracts()
        if "forbidden_modules" in c and "spamtide." not in c["forbidden_modules"]
    }
    assert stated == checked


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_entered_by_its_door(room: str) -> None:
    door = importlib.import_module(f"spamtide.{room}")
    names = list(getattr(door, "__all__", []))
    assert names == sorted(set(names), key=names.index)
    assert [n for n in names if not hasattr(door, n)] == []
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        if path.is_relative_to(PACKAGE / room):
            continue
        for module, taken in imports(path):
            if module == f"spamtide.{room}":
                wrong += [f"{path.name}: {n}" for n in taken if n not in names]
            # The program's own front (python -m spamtide) is not a room.
            elif module.startswith(f"spamtide.{room}.") and path.parent != PACKAGE:
                wrong.append(f"{path.name}: {module}")
    assert wrong == []


def test_the_files_where_a_room_begins_exist() -> None:
    missing = [
        f"{room}/{f}" for room, row in room_rows().items() for f in codes(row[3]) if not (PACKAGE / room / f).is_file()
    ]
    assert missing == []


def test_one_file_a_room_opens_the_kernel() -> None:
    stated = [codes(row[0])[0] for row in tables(section(DOCUMENT, "Kernel"))[1]]
    opening = [
        str(p.relative_to(PACKAGE))
        for p in PACKAGE.rglob("*.py")
        if any(m == "spamtide._kernel" or (m == "spamtide" and "_kernel" in n) for m, n in imports(p))
    ]
    assert sorted(opening) == sorted(stated)
    assert len({Path(p).parts[0] for p in opening}) == len(opening)


def test_kernel_modules_and_their_arrows_are_those_of_the_source() -> None:
    rows = {codes(r[0])[0]: r for r in tables(section(DOCUMENT, "Kernel"))[0]}
    assert sorted(rows) == sorted(p.name for p in RUST.iterdir() if p.is_dir())
    for module, row in rows.items():
        files = list((RUST / module).rglob("*.rs"))
        assert sorted(codes(row[3])) == sorted(p.stem for p in files if p.name != "mod.rs")
        used = {m for p in files for m in re.findall(r"\bcrate::(\w+)", p.read_text("utf-8"))} - {module}
        assert used <= set(codes(row[1])), module
    assert set(codes(rows["py"][1])) == set(rows) - {"py"}


def calls(path: Path, name: str) -> list[ast.Call]:
    """Calls of a function or method of that name."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == name
    ]


def test_the_locks_are_those_in_the_code() -> None:
    rows = {codes(r[0])[0]: r for r in tables(section(DOCUMENT, "Locks"))[0]}
    named = {}
    for path in PACKAGE.rglob("*.py"):
        for call in calls(path, "hold_lock"):
            pattern = ast.unparse(call.args[1])
            name = re.sub(r"\{self\.(\w+)\}", lambda m: m[1].upper(), pattern.removeprefix("f").strip("'\""))
            named[name] = str(path.relative_to(PACKAGE))
    assert sorted(rows) == sorted(named)
    takers = {
        "segments-FEED-WRITER": "FeedWriter",
        "tables": "lock",
        "follow": "hold_follow_lock",
        "watch": "hold_watch_lock",
        "rewriting": "rewriting_lock",
        "generations-KIND": "writing_lock",
    }
    for name, row in rows.items():
        first, *through = codes(row[2])
        assert first == named[name]
        using = {str(p.relative_to(PACKAGE)) for p in PACKAGE.rglob("*.py") if calls(p, takers[name])} - {first}
        assert using == set(through), name


def test_processes_are_started_where_the_map_says() -> None:
    stated = {f for row in tables(section(DOCUMENT, "Processes"))[0] for f in codes(row[1])}
    starting = {
        str(p.relative_to(PACKAGE))
        for p in PACKAGE.rglob("*.py")
        if {m.split(".")[0] for m, _ in imports(p)} & {"subprocess", "multiprocessing", "concurrent"}
        or any(calls(p, n) for n in ("fork", "system", "popen", "posix_spawn"))
    }
    assert starting == stated
