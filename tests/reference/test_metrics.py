"""docs/reference/metrics.md is the catalogue of metrics; the kernel counts what it names, and log.md has every count."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from doc_tables import ROOT
from spamtide.app.kernel import TRAP_COUNTS
from spamtide.app.metrics import METRICS, PREFIX, render

DOCUMENT = ROOT / "docs" / "reference" / "metrics.md"
HEAD = """\
# The trap's metrics

`spamtide trap --metrics 127.0.0.1:9125` gives them at `/metrics` in the text format of Prometheus, on loopback only. Made from `src/spamtide/app/metrics.py` by
`pytest tests/reference/test_metrics.py --write-golden`; do not edit.

Each has the label `feed`. Counters count from the start of the process. A value that nobody knows (the clock's offset where nobody sets the clock) has no line. The names stand in the
page with `# HELP` and `# TYPE`; they are added, never renamed.

| metric | kind | labels | means |
|---|---|---|---|
{rows}
"""


def rendered() -> str:
    """The document as the code would have it."""
    rows = []
    for m in METRICS:
        values = [v for v, _ in m.sources if v]
        labels = f"`{m.label}`: {' '.join(f'`{v}`' for v in values)}" if values else m.label or "-"
        rows.append(f"| `{PREFIX}{m.name}` | {m.kind} | {labels} | {m.meaning} |")
    return HEAD.format(rows="\n".join(rows))


def test_the_document_is_the_catalogue(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--write-golden"):
        DOCUMENT.write_text(rendered(), "utf-8")
    assert DOCUMENT.read_text("utf-8") == rendered(), "run pytest tests/reference/test_metrics.py --write-golden"


OWN = {
    "syncs": {"bounds": [0.5, 1.0], "counts": [2, 1, 3], "seconds": 9.5},
    "last_message": None,
    "started": 1.5,
    "draining": False,
    "journal": 0,
    "disk_free": 1,
    "disk_low": 2,
    "clock_synchronised": None,
    "clock_offset": None,
    "clock_bound": 0.25,
    "info": {"persona": 'a "b"\\\n{c}', "version": "1"},
}


def test_every_metric_has_a_source_and_every_count_of_the_kernel_is_in_one() -> None:
    counted = {name for name, _ in TRAP_COUNTS}
    sources = {source for m in METRICS for _, source in m.sources}
    assert {s for s in sources if not s.startswith("own.")} == counted - {"last_message_at"}
    assert {s.removeprefix("own.") for s in sources if s.startswith("own.")} == set(OWN)
    assert len({m.name for m in METRICS}) == len(METRICS)


def test_a_page_is_what_prometheus_reads_whatever_it_holds() -> None:
    page = render("f", {name: n for n, (name, _) in enumerate(TRAP_COUNTS, 1)}, OWN)
    families = {f.name: f for f in text_string_to_metric_families(page)}
    assert set(families) == {PREFIX + m.name.removesuffix("_total") for m in METRICS}
    assert all(f.documentation for f in families.values())
    for m in METRICS:
        assert families[PREFIX + m.name.removesuffix("_total")].type == m.kind
    (info,) = families[PREFIX + "info"].samples
    assert info.labels == {"feed": "f", **OWN["info"]} and info.value == 1
    assert families[PREFIX + "last_message_timestamp_seconds"].samples == []
    sync = {
        (s.name.removeprefix(PREFIX), s.labels.get("le")): s.value for s in families[PREFIX + "fsync_seconds"].samples
    }
    assert sync == {
        ("fsync_seconds_bucket", "0.5"): 2, ("fsync_seconds_bucket", "1.0"): 3, ("fsync_seconds_bucket", "+Inf"): 6,
        ("fsync_seconds_sum", None): 9.5, ("fsync_seconds_count", None): 6,
    }  # fmt: skip
