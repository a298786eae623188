"""Ibis expressions to the SQL of DuckDB, without loading Ibis's writers for nineteen other databases: a third of its time."""

from __future__ import annotations

import functools
import importlib
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

_COMPILERS = "ibis.backends.sql.compilers"


@functools.cache
def _compiler() -> Any:
    import ibis.backends

    if _COMPILERS in sys.modules:
        return importlib.import_module(f"{_COMPILERS}.duckdb").DuckDBCompiler()
    # The package's own start imports every dialect. While ours is imported an empty package stands in its place; who
    # asks for the package later gets it whole.
    bare = types.ModuleType(_COMPILERS)
    bare.__path__ = [f"{place}/sql/compilers" for place in ibis.backends.__path__]
    sys.modules[_COMPILERS] = bare
    try:
        module = importlib.import_module(f"{_COMPILERS}.duckdb")
    finally:
        for name in [n for n in sys.modules if n == _COMPILERS or n.startswith(f"{_COMPILERS}.")]:
            del sys.modules[name]
    return module.DuckDBCompiler()


def compile_answer(build: Callable[..., Any], how: Mapping[str, Any]) -> str:
    """One statement of the expression that ``build`` makes of these arguments, lists of which are as good as tuples; kept by both."""
    return _answer(build, tuple((name, _fixed(how[name])) for name in sorted(how)))


@functools.lru_cache(maxsize=256)
def _answer(build: Callable[..., Any], how: tuple[tuple[str, Any], ...]) -> str:
    return compile_expression(build(**dict(how)))


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def compile_expression(expression: Any) -> str:
    """One statement of an unbound Ibis expression. Raises what Ibis raises where DuckDB has no word for it."""
    from sqlglot import ErrorLevel

    compiler = _compiler()
    statement = compiler.to_sqlglot(expression)
    return str(statement.sql(dialect=compiler.dialect, unsupported_level=ErrorLevel.RAISE))
