"""Imports every broken source and prints what came of it, as a table in Markdown.

    python bench/broken_sources.py

The same sources are held to what must come of them by tests/capture/test_broken_sources.py; the printed page is
docs/explanation/broken-sources.md.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from broken_sources import every, page, run_all

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="broken-sources-") as folder:
        print(page(run_all(every(), Path(folder))), end="")
