"""What several rooms' tests use: the command line in this process, and the folder of private test mail."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spamtide.app.cli import run


@dataclass(frozen=True)
class Ran:
    """What a command line printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one document."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[Any]:
        """Its objects, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Spamtide = Callable[..., Ran]


@pytest.fixture(scope="session")
def spamtide() -> Spamtide:
    """Runs one command line, in this process."""

    def call(*arguments: object) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([str(a) for a in arguments])
        return Ran(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of private test mail; the test is skipped where there is none."""
    for place in (os.environ.get("SPAMTIDE_CORPUS"), Path(__file__).parents[2] / "shared" / "corpora"):
        if place and Path(place).is_dir():
            return Path(place)
    pytest.skip("no folder of real mail: set SPAMTIDE_CORPUS")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption("--write-golden", action="store_true", help="write golden files anew; then read the difference")
