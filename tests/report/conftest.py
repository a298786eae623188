"""The demo in small, made once a test run, and reports made of values."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from spamtide.app.demo import run_demo


@dataclass(frozen=True)
class Demo:
    """What the demo left, and what it printed."""

    folder: Path
    printed: str

    @property
    def report(self) -> Path:
        """Folder of the report."""
        return self.folder / "report"

    @property
    def page(self) -> str:
        """The page's HTML."""
        return (self.report / "report.html").read_text("utf-8")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo at a twentieth of its size."""
    folder: Path = tmp_path_factory.mktemp("demo") / "demo"
    out = io.StringIO()
    with redirect_stdout(out):
        run_demo(folder, seed=2, scale=0.05)
    return Demo(folder, out.getvalue())
