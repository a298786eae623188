"""Dialects and sender groups of a workspace: settled when somebody asks, written as one generation of the kind ``group``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spamtide.app.engines import campaign_generations
from spamtide.app.settling import settle_campaigns
from spamtide.archive import Basis, Generation, Generations
from spamtide.campaign import METHOD, SENDER_METHOD, SENDER_TABLES, sender_schema
from spamtide.fingerprint import FACTS_VERSION

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.workspace import Workspace
    from spamtide.archive import Snapshot
    from spamtide.campaign import Mail, Members, SenderGroups

# The columns of the table ``message`` that are read beside those of paths.
PLACE = ("feed", "writer", "segment", "ordinal")
_MORE = ("exact", "origin", "marks", "recipient_count")


def _facts(snapshot: Snapshot) -> pa.Table:
    """Facts of every message, in order of its place; text as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from spamtide.campaign import PATH_COLUMNS

    columns = [*dict.fromkeys((*PLACE, *PATH_COLUMNS, *_MORE))]
    numbers = {"segment": pa.int32(), "ordinal": pa.int32(), "received_at": pa.int64(), "recipient_count": pa.int32()}
    schema = pa.schema([pa.field(c, numbers.get(c, pa.string())) for c in columns])
    parts = [pq.read_table(f, columns=columns).cast(schema) for f in snapshot.files.get("message", ())]
    if not parts:
        return schema.empty_table()
    return pa.concat_tables(parts).sort_by([(c, "ascending") for c in PLACE])


def _campaigns(workspace: Workspace) -> pa.Table:
    """``exact`` and ``campaign`` of every exact group of the settled grouping."""
    import pyarrow.parquet as pq

    from spamtide.campaign import group_schema

    current = campaign_generations(workspace).current()
    if current is None:
        return group_schema("campaign_member").empty_table()
    return pq.read_table(current.tables["campaign_member"].path)


def _mail(facts: pa.Table, campaigns: pa.Table, dialects: list[str | None]) -> tuple[Mail, pa.Array]:
    """Unsolicited messages as the room ``campaign`` takes them, and their rows in the facts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from spamtide.campaign import Mail

    known = dict(zip(campaigns["exact"].to_pylist(), campaigns["campaign"].to_pylist(), strict=True))
    kept = pc.equal(facts["origin"], "unsolicited").combine_chunks()
    rows = pa.array(np.flatnonzero(kept.to_numpy(zero_copy_only=False)))
    exact = facts["exact"].take(rows).to_pylist()
    mail = Mail(
        # A message without a fingerprint is an exact group alone.
        np.array([known.get(e, f"c-{e[:20]}") for e in exact], object),
        np.array([dialects[i] or "" for i in rows.to_pylist()], object),
        np.array([p or "" for p in facts["peer_unit"].take(rows).to_pylist()], object),
        facts["received_at"].take(rows).to_numpy(),
    )
    return mail, rows


def settle_senders(workspace: Workspace, *, now: int, waiting: Callable[[], None] | None = None) -> Generation:
    """The generation of dialects and sender groups that is of the messages as they are; made if there is none, after campaigns.

    Holds the facts of all messages in memory, about 400 bytes each. Raises BrokenWorld ``locked``, ``corrupt_generation``.
    """
    snapshot = workspace.tables.snapshot(FACTS_VERSION)
    method = f"{SENDER_METHOD} {METHOD}"
    generations = Generations(workspace.archive.root, "group")

    def fresh() -> Generation | None:
        there = generations.current()
        fits = there is not None and there.is_of(FACTS_VERSION, snapshot.changed, method)
        return there if fits and there is not None and there.tables.keys() >= SENDER_TABLES.keys() else None

    if (found := fresh()) is not None:
        return found
    settle_campaigns(workspace, now=now, waiting=waiting)
    with generations.writing_lock(waiting):
        if (found := fresh()) is not None:
            return found
        tables, messages = _settled(workspace, snapshot)
        with generations.draft() as draft:
            for name in SENDER_TABLES:
                draft.write(name, sender_schema(name), tables[name].to_batches())
            return draft.name(Basis(FACTS_VERSION, snapshot.changed, method, messages))


def _settled(workspace: Workspace, snapshot: Snapshot) -> tuple[dict[str, pa.Table], int]:
    import pyarrow as pa

    from spamtide.campaign import (
        assign_dialects,
        group_senders,
        learn_dialects,
        learn_witnesses,
        path_uses,
        tell_members,
    )

    facts = _facts(snapshot)
    dialects = learn_dialects(path_uses([facts]))
    mail, rows = _mail(facts, _campaigns(workspace), assign_dialects(dialects, facts))
    groups = group_senders(mail)
    members = tell_members(learn_witnesses(mail, groups), mail)
    tables = {
        "dialect": [
            {"dialect": d.id, "steps": d.steps, "paths": f" {' '.join(d.paths)} ", "messages": d.messages, "peers": d.peers,
             "networks": d.networks, "first_seen": d.first_seen, "last_seen": d.last_seen}
            for d in dialects.dialects
        ],
        **_group_rows(groups, facts.take(rows), members),
    }  # fmt: skip
    return {name: _table(name, content) for name, content in tables.items()} | {
        "group_member": _member_table(facts.take(rows), mail, members),
        "group_day": count_by_day(facts.take(rows), pa.array(members.group, pa.string())),
    }, facts.num_rows


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=sender_schema(name))


def _group_rows(groups: SenderGroups, facts: pa.Table, members: Members) -> dict[str, list[dict[str, Any]]]:
    unfinished: dict[str, int] = {}
    recipients: dict[str, int] = {}
    for group, marks, n in zip(
        members.group, facts["marks"].to_pylist(), facts["recipient_count"].to_pylist(), strict=True
    ):
        if group is not None:
            unfinished[group] = unfinished.get(group, 0) + (" unfinished " in marks)
            recipients[group] = recipients.get(group, 0) + n
    return {
        "sender_group": [
            {"group": g.id, "sent": g.messages, "peers": g.peers, "first_seen": g.first_seen, "last_seen": g.last_seen,
             "unfinished": unfinished.get(g.id, 0), "recipients": recipients.get(g.id, 0)}
            for g in groups.groups
        ],
        "group_sending": [{"group": g.id, "campaign": c, "dialect": d} for g in groups.groups for c, d in g.sendings],
        "group_merge": [
            {"group": g.id, "one": m.one, "other": m.other, "shared": m.shared, "expected": round(m.expected * 1e6),
             "compared": m.compared, "log_tail": round(m.log_tail * 1e6)}
            for g in groups.groups for m in g.evidence
        ],
    }  # fmt: skip


def _member_table(facts: pa.Table, mail: Mail, members: Members) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    schema = sender_schema("group_member")
    columns = {
        **{name: facts[name] for name in PLACE},
        "campaign": pa.array(mail.campaign.tolist(), pa.string()),
        "dialect": pa.array([d or None for d in mail.dialect.tolist()], pa.string()),
        "group": pa.array(members.group, pa.string()),
        "likeliest": pa.array(members.likeliest, pa.string()),
        "membership": pa.array(np.round(members.membership * 1e6).astype(np.int32)),
    }
    return pa.table([columns[f.name] for f in schema], schema=schema)


def count_by_day(facts: pa.Table, groups: pa.Array) -> pa.Table:
    """Rows of the table ``group_day`` of messages and the group of each, in order of group (unknown last), feed, day and peer."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from spamtide.measure import DAY_US

    # Receive times are after 1982: dividing towards zero is dividing downwards.
    days = pc.divide(facts["received_at"], DAY_US).cast(pa.int32())
    rows = facts.select(["feed", "peer_unit", "network", "received_at"])
    rows = rows.append_column("group", groups).append_column("utc_day", days)
    keys = ["group", "feed", "utc_day", "peer_unit", "network"]
    wanted = [("received_at", "count"), ("received_at", "min"), ("received_at", "max")]
    counted = rows.group_by(keys).aggregate(wanted).sort_by([(key, "ascending") for key in keys])
    named = counted.rename_columns(
        {"received_at_count": "messages", "received_at_min": "first_seen", "received_at_max": "last_seen"}
    )
    schema = sender_schema("group_day")
    return named.select(schema.names).cast(schema)
