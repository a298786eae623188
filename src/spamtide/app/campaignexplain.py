"""Two messages side by side: whether they belong together, by which path, and what they have in common.

Both are read from their segments by id and digested again, which is faster than asking the tables; what is known of a campaign (its
joins, its template) is read once and kept while the explainer lives.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.app.engines import open_engine
from spamtide.app.quarantine import in_quarantine
from spamtide.app.templates import Filling
from spamtide.archive import parse_id
from spamtide.campaign import BITS, Explanation, explain, hashes_of, least_differing, shared_forms
from spamtide.errors import WrongUse
from spamtide.fingerprint import digest, shingle_words
from spamtide.measure import campaign_edges, message_prints
from spamtide.message import message_texts

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.workspace import Workspace
    from spamtide.archive import Generation

# Lists of a sketch that say what is common besides words.
LOOKS = ("picture", "form", "link", "piece")
# Campaigns that are held, and shared runs of words that are shown.
_HELD, SHOWN = 8, 20


@dataclass(frozen=True, slots=True)
class _Side:
    """One message: as a row of the document, its sketch, and its texts."""

    row: dict[str, Any]
    shingles: frozenset[int]
    looks: dict[str, frozenset[int]]
    subject: str
    text: str


class Explainer:
    """Explains pairs of messages of one generation. Holds what it read of the campaigns it was asked about last."""

    def __init__(self, workspace: Workspace, generation: Generation) -> None:
        self._workspace = workspace
        self._generation = generation
        self._quarantined = {str(place) for place in in_quarantine(workspace)}
        self._held: OrderedDict[str, tuple[pa.Table, Filling]] = OrderedDict()

    def explain(self, one: str, other: str) -> dict[str, Any]:
        """The document of ``campaigns explain``. Raises WrongUse ``bad_message_id``, ``unknown_message``."""
        a, b = (self._side(text) for text in (one, other))
        campaigns = self._campaigns(a.row["exact"], b.row["exact"])
        for side in (a, b):
            side.row["campaign"] = campaigns.get(side.row["exact"])
        campaign = a.row["campaign"]
        same = campaign is not None and campaign == b.row["campaign"]
        found = Explanation(None, ())
        template = None
        if same:
            edges, filling = self._of(campaign)
            found = explain(a.row["exact"], b.row["exact"], lambda: edges)
            template = filling.compared((a.subject, a.text), (b.subject, b.text))
        met = [int(r["shingle"], 16) for r in found.reasons if "shingle" in r]
        words = self._words(a, b, [m - (1 << 64) if m >> 63 else m for m in met])
        return {
            "schema": "spamtide.campaign-explain/1", "a": a.row, "b": b.row, "same": same,
            "same_exact": a.row["exact"] == b.row["exact"],
            "path": None if found.path is None else list(found.path),
            "reasons": [_reason(r, words) for r in found.reasons],
            "shared": _shared(a, b, words), "looks": _alike(a, b), "template": template, "generation": self._generation.number,
        }  # fmt: skip

    def _side(self, text: str) -> _Side:
        place = parse_id(text)
        if str(place) in self._quarantined:
            raise _unknown(str(place))
        batch = self._workspace.archive.record(text)
        _, _, meta, raw, erased = batch.get(0)
        if erased:
            raise _unknown(str(place))
        if batch.thinned():
            return self._from_tables(text)
        tables = digest(place.segment, batch)
        message, sketch = (tables[name].slice(0, 1).to_pylist()[0] for name in ("message", "sketch"))
        subject, shown, _, _ = message_texts(raw, meta)
        row = {"id": str(place), "exact": message["exact"], "campaign": None, "subject": message["subject"]}
        return _Side(row, hashes_of(sketch["shingles"]), _looks(sketch), subject, shown)

    def _from_tables(self, text: str) -> _Side:
        """A message whose body was dropped: its facts were kept, its text masked."""
        p = parse_id(text)
        with open_engine(self._workspace, self._generation) as engine:
            rows = engine.run(message_prints((p.feed, p.writer, p.segment, p.ordinal))).to_pylist()
        if not rows:
            raise _unknown(str(p))
        r = rows[0]
        row = {"id": str(p), "exact": r["exact"], "campaign": None, "subject": r["subject"]}
        return _Side(row, hashes_of(r["shingles"]), _looks(r), r["subject"] or "", r["text"] or "")

    def _campaigns(self, *exacts: str) -> dict[str, str]:
        import pyarrow.parquet as pq

        path = self._generation.tables["campaign_member"].path
        rows = pq.read_table(path, filters=[("exact", "in", sorted(set(exacts)))])
        return dict(zip(rows["exact"].to_pylist(), rows["campaign"].to_pylist(), strict=True))

    def _of(self, campaign: str) -> tuple[pa.Table, Filling]:
        """Joins and templates of a campaign; inferred where nobody did yet, which takes a second."""
        if campaign not in self._held:
            with open_engine(self._workspace, self._generation) as engine:
                found = engine.run(campaign_edges(campaign)), Filling(engine, self._generation, campaign)
            self._held[campaign] = found
            if len(self._held) > _HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(campaign)
        return self._held[campaign]

    @staticmethod
    def _words(a: _Side, b: _Side, met: list[int]) -> dict[int, str]:
        """Words of what both have, and of what the steps met by where one of the two has it."""
        wanted = (a.shingles & b.shingles) | set(met)
        found = shingle_words(a.subject, a.text, wanted)
        missing = wanted - found.keys()
        return found | (shingle_words(b.subject, b.text, missing) if missing and missing & b.shingles else {})


def _unknown(place: str) -> WrongUse:
    return WrongUse(
        "unknown_message", f"There is no message {place} in the tables.", "Ids come from 'spamtide search'.", id=place
    )


def _looks(row: dict[str, Any]) -> dict[str, frozenset[int]]:
    return {name: hashes_of(row[f"{name}_marks"]) for name in LOOKS}


def _alike(a: _Side, b: _Side) -> dict[str, Any]:
    """What two messages have in common besides words: bits of their pictures, how they are built, hosts, pieces of attachments."""
    both = {name: len(a.looks[name] & b.looks[name]) for name in LOOKS}
    return {
        "pictures": {
            "a": len(a.looks["picture"]), "b": len(b.looks["picture"]), "bits": BITS,
            "differing_bits": least_differing(a.looks["picture"], b.looks["picture"], BITS),
        },
        "forms": shared_forms(a.looks["form"], b.looks["form"]), "hosts": both["link"], "pieces": both["piece"],
    }  # fmt: skip


def _reason(reason: dict[str, Any], words: dict[int, str]) -> dict[str, Any]:
    if "shingle" not in reason:
        return reason
    value = int(reason["shingle"], 16)
    return {**reason, "words": words.get(value - (1 << 64) if value >> 63 else value)}


def _shared(a: _Side, b: _Side, words: dict[int, str]) -> dict[str, Any]:
    """How many shingles each sketch has, how many both, and those of both as words, in the order of the first text."""
    both = a.shingles & b.shingles
    named = [text for value, text in words.items() if value in both]
    return {
        "a": len(a.shingles), "b": len(b.shingles), "both": len(both), "words": named[:SHOWN], "unread": len(both) - len(named),
    }  # fmt: skip


def explain_messages(workspace: Workspace, generation: Generation, one: str, other: str) -> dict[str, Any]:
    """The document of ``campaigns explain`` for one pair. Raises WrongUse ``bad_message_id``, ``unknown_message``."""
    return Explainer(workspace, generation).explain(one, other)
