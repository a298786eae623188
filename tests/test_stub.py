"""The kernel's stub and the compiled module have the same names and the same arguments, both ways."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any

import pytest

from doc_tables import ROOT
from spamtide import _kernel

STUB = ast.parse((ROOT / "src" / "spamtide" / "_kernel.pyi").read_text("utf-8"))
Shape = dict[str, Any]


def stub_arguments(function: ast.FunctionDef, *, method: bool) -> list[tuple[str, bool]]:
    """(name, has a default) of each argument but self."""
    names = [a.arg for a in function.args.args]
    first = len(names) - len(function.args.defaults)
    found = [(n, i >= first) for i, n in enumerate(names)]
    if function.args.kwarg:
        found.append((function.args.kwarg.arg, False))
    return found[1:] if method else found


def stub_shape(body: list[ast.stmt], *, inside: bool = False) -> Shape:
    """Names of a stub with what they are."""
    found: Shape = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = stub_shape(node.body, inside=True)
        elif isinstance(node, ast.FunctionDef):
            marks = [ast.unparse(d) for d in node.decorator_list]
            if "property" in marks:
                found[node.name] = "property"
            else:
                found[node.name] = stub_arguments(node, method=inside and "staticmethod" not in marks)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = "value"
    return found


def arguments(thing: Any) -> list[tuple[str, bool]]:
    """(name, has a default) of each argument but self."""
    parameters = inspect.signature(thing).parameters.values()
    return [(p.name, p.default is not inspect.Parameter.empty) for p in parameters if p.name not in ("self", "$self")]


def compiled_class(kind: type) -> Shape:
    """Names of a compiled class with what they are."""
    found: Shape = {}
    for name, member in vars(kind).items():
        if inspect.isgetsetdescriptor(member):
            found[name] = "property"
        elif isinstance(member, staticmethod):
            found[name] = arguments(member.__func__)
        elif callable(member) and (not name.startswith("__") or name == "__len__"):
            found[name] = arguments(member)
    if kind.__text_signature__ is not None:
        found["__init__"] = arguments(kind)
    return found


def compiled(module: ModuleType) -> Shape:
    """Names of the module with what they are."""
    found: Shape = {}
    for name, member in vars(module).items():
        if name.startswith("__"):
            continue
        if inspect.isclass(member):
            found[name] = {} if issubclass(member, BaseException) else compiled_class(member)
        elif callable(member):
            found[name] = arguments(member)
        else:
            found[name] = "value"
    return found


STATED, THERE = stub_shape(STUB.body), compiled(_kernel)


def test_the_names_are_the_same() -> None:
    assert sorted(STATED) == sorted(THERE)


@pytest.mark.parametrize("name", sorted(THERE))
def test_a_name_has_the_same_arguments_and_members(name: str) -> None:
    assert STATED[name] == THERE[name]


def test_values_have_the_types_that_the_stub_gives() -> None:
    for node in STUB.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            outer = ast.unparse(node.annotation).split("[")[0]
            assert type(getattr(_kernel, node.target.id)).__name__ == outer
