"""The page in a real browser, on a desk and on a phone: nothing overflows, no label is cut, no error is logged."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

BROWSER = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")

# The report has no script; this page around it looks into the frame and writes down what it sees.
WRAPPER = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<body style="margin:0"><iframe id="f" src="report.html" style="border:0;width:%dpx;height:800px"></iframe><pre id="o"></pre>
<script>
document.getElementById("f").addEventListener("load", () => {
  const d = document.getElementById("f").contentDocument, w = d.documentElement.clientWidth, cut = [], wide = [];
  for (const svg of d.querySelectorAll("figure svg")) {
    const box = svg.getBoundingClientRect();
    if (!box.width) continue;
    for (const t of svg.querySelectorAll("text")) {
      const b = t.getBoundingClientRect();
      if (b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1) cut.push(t.textContent);
    }
  }
  for (const e of d.querySelectorAll("main *"))
    if (!e.closest(".scroll, .command, svg") && e.getBoundingClientRect().right > w + 1) wide.push(e.tagName + ": " + e.textContent.slice(0, 60));
  const shown = [...d.querySelectorAll("figure svg")].filter(s => s.getBoundingClientRect().width);
  const sizes = shown.flatMap(s => [...s.querySelectorAll("text")].map(t => t.getBoundingClientRect().height));
  document.getElementById("o").textContent = JSON.stringify({client: w, scroll: d.documentElement.scrollWidth, cut, wide,
    figures: shown.length, smallest: Math.min(...sizes), title: d.title});
});
</script>
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def address(demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("page") / "site"
    shutil.copytree(demo.report, folder)
    for width in (1280, 360):
        (folder / f"wrapper-{width}.html").write_text(WRAPPER % width, encoding="utf-8")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def browse(url: str, width: int, profile: Path) -> tuple[dict[str, Any], str]:
    """What the wrapper saw, and what the browser logged."""
    assert BROWSER is not None
    done = subprocess.run(
        [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={profile}",
         f"--window-size={width},900", "--virtual-time-budget=4000", "--dump-dom", url],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = re.search(r'<pre id="o">(.*?)</pre>', done.stdout, re.S)
    assert found and found[1], done.stderr[-2000:]
    from html import unescape

    return json.loads(unescape(found[1])), done.stderr


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_overflows_and_no_label_is_cut(address: str, width: int, tmp_path: Path) -> None:
    seen, log = browse(f"{address}/wrapper-{width}.html", width, tmp_path / "profile")
    assert seen["title"] == "Rustock loses its control servers"
    assert seen["client"] <= width
    assert seen["scroll"] <= seen["client"], seen["wide"][:5]
    assert seen["wide"] == []
    assert seen["cut"] == []
    assert seen["figures"] == 9, "one form of each figure at a time"
    assert seen["smallest"] > 10, "text in figures can be read"
    assert "CONSOLE" not in log, log
