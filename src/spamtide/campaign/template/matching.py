"""Expressions applied, by RE2: time linear in the text, whatever the text.

Arrow brings RE2 along, so that the engine which matches is the one whose syntax is promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spamtide.campaign.template.expression import ANYTHING, FLAGS
from spamtide.campaign.template.values import Text

Flags = NDArray[np.bool_]


def column(texts: Sequence[str]) -> Any:
    """Texts as an Arrow array; what is no character (half a surrogate pair) becomes a question mark."""
    return pa.array([t.encode("utf-8", "replace").decode() for t in texts], pa.string())


def matches(expression: str, texts: Any) -> Flags:
    """Which texts of an Arrow array have a match (n booleans). Raises ValueError for what RE2 does not read."""
    if not len(texts) or expression == FLAGS + ANYTHING:
        return np.ones(len(texts), bool)
    return np.asarray(pc.match_substring_regex(texts, pattern=expression).to_numpy(zero_copy_only=False), bool)


class Others:
    """Texts that no template may match: ham, and members of other campaigns.

    ``owners`` names the campaign of each text, "" for none: a campaign's own texts are left out when its template is
    tried. A scan costs about a tenth of a second for thirty megabytes.
    """

    def __init__(self, texts: Sequence[Text], owners: Sequence[str] | None = None) -> None:
        self.subjects = column([t.subject for t in texts])
        self.bodies = column([t.body for t in texts])
        self.owners = np.array(owners if owners is not None else [""] * len(texts), dtype=object)

    def __len__(self) -> int:
        return len(self.owners)

    def met(self, expression: str, owner: str, where: str = "body") -> NDArray[np.intp]:
        """Places of the texts of other owners that match."""
        found = matches(expression, self.bodies if where == "body" else self.subjects)
        if owner:
            found &= self.owners != owner
        return np.flatnonzero(found)

    def part(self, places: NDArray[np.intp]) -> Others:
        """Some of the texts."""
        part = Others([])
        part.subjects, part.bodies = self.subjects.take(places), self.bodies.take(places)
        part.owners = self.owners[places]
        return part

    def with_more(self, more: Others) -> Others:
        """These and others."""
        sum_ = Others([])
        sum_.subjects = pa.chunked_array([self.subjects, more.subjects]).combine_chunks()
        sum_.bodies = pa.chunked_array([self.bodies, more.bodies]).combine_chunks()
        sum_.owners = np.concatenate([self.owners, more.owners])
        return sum_


def both(subject: str, body: str, texts: Sequence[Text]) -> list[bool]:
    """Which texts match both expressions."""
    on = matches(body, column([t.body for t in texts])) & matches(subject, column([t.subject for t in texts]))
    return [bool(x) for x in on]
