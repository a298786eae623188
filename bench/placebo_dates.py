"""Dates on which nothing is known to have happened, on real series: how often is "changed" said?

    SPAMTIDE_CORPUS=FOLDER python bench/placebo_dates.py [--json FILE]

Flows: days of mail as it was received (two lists that were left to spam, two collections of phishing). Every seventh day is a cut, the week
after it the window, so no two windows share a day; before it up to 240 days. Beside them the strict form: 28 days before and 7 after, no
day in two questions. "Changed": the 95 % interval leaves out 1; the share with its Clopper-Pearson interval. Real changes are in these
flows and count as false, so the truth is lower. Days without mail are zero: the archives are whole. Stocks (a rolling corpus
of volunteers, which changes when a volunteer does) stand apart: they are no flow, and the estimator is not made for them.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import os
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from measure import calibrate
from spamtide.measure import DAY_US, Effect, Series, Window, estimate_effect

FLOWS = {
    "two lists left to spam, 2019 to 2022": ("openlists-trap-2019-2022", date(2019, 5, 1), date(2023, 1, 1)),
    "phishing, 2004 and 2005": ("nazario-phishing-2004-2005", date(2004, 12, 1), date(2005, 11, 13)),
    "phishing, 2022 and 2023": ("phishing_pot-2022-2023", date(2022, 9, 1), date(2023, 12, 28)),
}
STOCK = "series/spamassassin-masscheck-corpus-2009-2024.csv"
AFTER, LONGEST, STRICT = 7, 240, 28


def daily(corpus: Path, name: str, first: date, last: date) -> Series:
    """Messages a day by the time of receipt, from ``first`` to before ``last``."""
    days = Counter[date]()
    with lzma.open(corpus / f"{name}.index.tsv.xz", "rt", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        for row in rows:
            if row["received_utc"]:
                days[datetime.fromisoformat(row["received_utc"]).astimezone(UTC).date()] += 1
    return series(name, first, [float(days[first + timedelta(days=i)]) for i in range((last - first).days)])


def series(name: str, first: date, counts: list[float]) -> Series:
    """A series of whole days, all live; a count that is not there (NaN) is missing."""
    values = np.array(counts)
    start = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) * 1_000_000
    starts = start + np.arange(len(values), dtype=np.int64) * DAY_US
    return Series(
        name, name, "message", DAY_US, starts, np.nan_to_num(values), np.ones(len(values)), np.isnan(values), "declared"
    )


def stock(corpus: Path) -> Series:
    """Spam in the corpus that the rules were scored with, day by day; a day without a run is missing."""
    days: dict[date, float] = {}
    with (corpus / STOCK).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["scoreset"] == "0":
                days[date.fromisoformat(row["date"])] = float(row["spam_messages"])
    first, last = date(2015, 1, 1), max(days)
    return series(
        "mass-check", first, [days.get(first + timedelta(days=i), np.nan) for i in range((last - first).days)]
    )


def ask(of: Series, at: int, before: int) -> Effect:
    """The effect at the start of day ``at`` with so many days before and a week after."""
    cut = int(of.starts[at])
    return estimate_effect(
        of, cut, before=Window(cut - before * DAY_US, cut), after=Window(cut, cut + AFTER * DAY_US), diagnostics="none"
    )


def cuts(of: Series, strict: bool) -> list[int]:
    """Numbers of the days to cut at."""
    if strict:
        return list(range(STRICT, len(of.starts) - AFTER + 1, STRICT + AFTER))
    return list(range(56, len(of.starts) - AFTER + 1, AFTER))


def clopper_pearson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``k`` in ``n``."""
    from scipy.stats import beta

    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return low, high


def told(name: str, answers: list[Effect]) -> dict[str, object]:
    """One row: dates, refused, changed."""
    given = [e for e in answers if e.ratio is not None]
    changed = sum(not e.ratio.low <= 1 <= e.ratio.high for e in given if e.ratio is not None)
    row: dict[str, object] = {
        "series": name,
        "dates": len(answers),
        "refused": len(answers) - len(given),
        "changed": changed,
    }
    if given:
        low, high = clopper_pearson(changed, len(given))
        row |= {"share": changed / len(given), "low": low, "high": high}
        print(
            f"{name:<44}{len(answers):>6}{len(answers) - len(given):>9}{changed:>9}{changed / len(given):>8.3f}  {low:.3f} to {high:.3f}",
            flush=True,
        )
    return row


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="the rows as JSON too")
    given = parser.parse_args()
    if not (corpus := os.environ.get("SPAMTIDE_CORPUS")) or not Path(corpus).is_dir():
        print("skipped: SPAMTIDE_CORPUS names no folder of corpora")
        return
    place = Path(corpus)
    print(f"calibration: {calibrate():.1f} million SHA-256 blocks/s")
    rows = []
    for strict in (False, True):
        print(
            f"\n{'no day in two questions: 28 before, 7 after' if strict else 'a week after every cut, up to 240 days before':<44}{'dates':>6}{'refused':>9}{'changed':>9}{'share':>8}  95 % interval"
        )
        pooled: list[Effect] = []
        for name, (source, first, last) in FLOWS.items():
            of = daily(place, source, first, last)
            answers = [ask(of, i, STRICT if strict else min(i, LONGEST)) for i in cuts(of, strict)]
            pooled += answers
            rows.append({"strict": strict, **told(name, answers)})
        rows.append({"strict": strict, **told("flows together", pooled)})
        of = stock(place)
        rows.append(
            {
                "strict": strict,
                **told(
                    "a stock, apart: mass-check, 2015 on",
                    [ask(of, i, STRICT if strict else LONGEST) for i in cuts(of, strict) if i >= LONGEST][:150],
                ),
            }
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
