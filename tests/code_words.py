"""Codes that the source can give, found in its syntax trees: errors, refusals, notes, problems, reasons of quarantine."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "spamtide"
_WORD = re.compile(r"[a-z][a-z0-9_]*")
ROOTS = {"SpamtideError": 4, "WrongUse": 2, "Unanswerable": 1, "BrokenWorld": 3}
VALUES = {"Refusal": "refusal", "Note": "note", "HealthProblem": "problem", "Problem": "problem"}


@dataclass
class Codes:
    """Codes by kind; of each error code the exit codes it may end with."""

    errors: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    values: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def modules() -> list[ast.Module]:
    """Every module of the package."""
    return [ast.parse(p.read_text("utf-8")) for p in sorted(SOURCE.rglob("*.py"))]


def error_classes(trees: list[ast.Module]) -> dict[str, int]:
    """Exit code of each error class of the package."""
    known = dict(ROOTS)
    classes = [n for t in trees for n in ast.walk(t) if isinstance(n, ast.ClassDef)]
    for _ in classes:
        for node in classes:
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in known:
                    known.setdefault(node.name, known[base.id])
    return known


def name_of(call: ast.Call) -> str:
    """The last part of what is called."""
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def words(node: ast.AST) -> Iterator[str]:
    """Code words that an expression may stand for."""
    for n in ast.walk(node):
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and _WORD.fullmatch(n.value):
            yield n.value


def possible(node: ast.expr, function: ast.AST, tree: ast.Module) -> set[str]:
    """Codes that ``node``, the first argument of a constructor, may stand for."""
    if isinstance(node, ast.Constant):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return set(words(node.body)) | set(words(node.orelse))
    if not isinstance(node, ast.Name) or not isinstance(function, ast.FunctionDef):
        return set()
    found: set[str] = set()
    parameters = [a.arg for a in function.args.args]
    if node.id in parameters:
        at = parameters.index(node.id)
        defaults = dict(zip(reversed(parameters), reversed(function.args.defaults), strict=False))
        found |= set(words(defaults[node.id])) if node.id in defaults else set()
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and name_of(call) == function.name and len(call.args) > at:
                found |= set(words(call.args[at]))
    for n in ast.walk(function):
        if isinstance(n, ast.Assign):
            targets = [t.id for target in n.targets for t in ast.walk(target) if isinstance(t, ast.Name)]
            if node.id in targets and isinstance(n.value, ast.Subscript | ast.IfExp | ast.Constant):
                value = n.value.value if isinstance(n.value, ast.Subscript) else n.value
                found |= {w for v in (value.values if isinstance(value, ast.Dict) else [value]) for w in words(v)}
            elif node.id in targets:
                # (code, next step) pairs, as the table of system errors has them.
                for pair in ast.walk(function):
                    if isinstance(pair, ast.Tuple) and pair.elts and isinstance(pair.elts[0], ast.Constant):
                        found |= set(words(pair.elts[0]))
    return found


@cache
def collect() -> Codes:
    """Every code in the source."""
    trees = modules()
    classes = error_classes(trees)
    codes = Codes()
    for tree in trees:
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        inside = {id(n): f for f in functions for n in ast.walk(f)}
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.args):
            name = name_of(call)
            function = inside.get(id(call), tree)
            if name in classes:
                for code in possible(call.args[0], function, tree):
                    codes.errors[code].add(classes[name])
            elif name in VALUES:
                codes.values[VALUES[name]] |= possible(call.args[0], function, tree)
        for function in functions:
            # Problems of tables leave the archive as plain tuples (code, thing, text).
            if function.name == "verify_tables":
                tuples = [n for n in ast.walk(function) if isinstance(n, ast.Tuple) and len(n.elts) == 3]
                codes.values["problem"] |= {w for t in tuples for w in words(t.elts[0])}
    return codes
