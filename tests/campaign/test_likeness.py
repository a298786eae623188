"""The judge of single pairs says what the kernel says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campaign_texts import made
from spamtide.campaign import Likeness, settle
from spamtide.fingerprint import fingerprint_texts


def prints(texts: list[tuple[str, str]]) -> pa.Table:
    """Fingerprints of texts, one an exact group, ascending."""
    table = fingerprint_texts([t for _, t in texts], [s for s, _ in texts])
    _, first = np.unique(np.asarray(table["exact"].combine_chunks()).astype("S32"), return_index=True)
    return table.take(pa.array(first))


def test_each_edge_of_the_kernel_is_judged_alike() -> None:
    table = prints([(m.subject, m.text) for m in made(7, campaigns=25, members=12, alone=120)])
    likeness, edges = Likeness(table.to_batches()), settle(table).edges.to_pylist()
    assert len(edges) > 100 and len(likeness) == len(table)
    for edge in edges:
        judged = likeness.judge(edge["leader"], edge["member"])
        assert (judged.similarity, judged.needed, judged.by) == (edge["similarity"], edge["needed"], edge["by"])
        assert edge["shingle"] in {s for s, _ in likeness.shared(edge["leader"], edge["member"])}
        assert edge["member"] in likeness.neighbours(edge["leader"])
        assert judged.margin >= 0 and (judged.by != "text") == (judged.subject or judged.link)


def test_what_shares_nothing_is_not_near() -> None:
    likeness = Likeness(prints([("one", "words that stand here and nowhere else at all"), ("", "")]).to_batches())
    assert likeness.judge(0, 1).similarity == 0 and likeness.shared(0, 1) == []
    assert likeness.neighbours(0).tolist() == []
