"""Which sender group each message is of, for shares by group."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spamtide.app.botnets import Senders
from spamtide.app.senders import PLACE
from spamtide.measure import UNKNOWN

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.observatory import Observatory


def settled_groups(
    observatory: Observatory, said: str | None
) -> tuple[str | None, Callable[[pa.Table], NDArray[np.str_]]]:
    """The group of that id or name, and a function from rows with their place to their groups, `unknown` for those of none.

    Raises WrongUse ``unknown_group``.
    """
    import pyarrow.parquet as pq

    generation = observatory.settled_senders()
    group = None if said is None else Senders(observatory.workspace, generation).resolve(said.removeprefix("group:"))
    members = pq.read_table(generation.tables["group_member"].path, columns=[*PLACE, "group"])

    def groups_of(rows: pa.Table) -> NDArray[np.str_]:
        import pyarrow as pa

        numbered = rows.select(PLACE).append_column("row", pa.array(np.arange(rows.num_rows)))
        joined = numbered.join(members, list(PLACE), join_type="left outer").sort_by("row")
        return np.array([g or UNKNOWN for g in joined["group"].to_pylist()], dtype=np.str_)

    return group, groups_of
