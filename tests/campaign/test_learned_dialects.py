"""Dialects are learned from the set of sessions: frequent paths are dialects, what nobody learned stays unknown."""

from __future__ import annotations

import random

import pyarrow as pa

from spamtide.campaign import Dialects, PathUse, assign_dialects, learn_dialects, path_uses

ENGINES = {
    "a" * 16: "HELO recipient > MAIL FROM: <> > RCPT TO: <> > DATA |  | . | ",
    "b" * 16: "EHLO label > MAIL FROM:<> > RCPT TO:<> > DATA |  | . | SIZE BODY pipelined",
    "c" * 16: "EHLO label > MAIL FROM:<> > RCPT TO:<> > DATA |  | . | ",
    "d" * 16: "helo label > mail from:- > rcpt to:- > data | data_bare_lf | end_lf_dot_lf | ",
}


def use(path: str, steps: str, peers: range, messages: int = 3) -> PathUse:
    by_peer = {f"198.18.{p % 40}.{p}": messages for p in peers}
    return PathUse(
        path, steps, messages * len(by_peer), by_peer, frozenset(f"198.18.{p % 40}.0/24" for p in peers), 5, 9
    )


def learned() -> Dialects:
    return learn_dialects(
        use(path, steps, range(100 * i, 100 * i + 60)) for i, (path, steps) in enumerate(ENGINES.items())
    )


def test_each_frequent_path_is_a_dialect_and_its_sessions_are_its_own() -> None:
    dialects = learned()
    assert {d.steps for d in dialects.dialects} == set(ENGINES.values())
    for path, steps in ENGINES.items():
        spoke = dialects.assign(path, steps)
        found = dialects.named(path[:8])
        assert spoke.how == "path" and found is not None and spoke.dialect == found.id == dialects.named(found.id).id  # type: ignore[union-attr]


def test_what_nobody_learned_is_unknown() -> None:
    dialects = learned()
    for steps in (
        "Helo localhost > Mail From:<> > Rcpt To:<> > Data | early_talk | . | ",
        "HELO recipient > MAIL FROM: <> > RCPT TO: <> > DATA | early_talk | . | ",
        "EHLO label > MAIL FROM:<> > RCPT TO:<> > DATA |  | . | SIZE",
        "? > ? | http | cut | ",
        "",
    ):
        assert dialects.assign("0" * 16, steps).dialect is None, steps


def test_a_path_of_few_messages_peers_or_networks_is_not_learned() -> None:
    steps = ENGINES["a" * 16]
    few = use("1" * 16, steps, range(6))
    near = PathUse("2" * 16, steps, 60, {f"198.18.0.{p}": 3 for p in range(20)}, frozenset({"198.18.0.0/24"}), 0, 1)
    one = PathUse("3" * 16, steps, 900, {"198.18.0.1": 900}, frozenset({"198.18.0.0/24"}), 0, 1)
    assert learn_dialects([few, near, one]).dialects == ()


def test_paths_that_the_same_peers_speak_by_turns_are_one_dialect() -> None:
    peers = range(60)
    both = [
        use("a" * 16, ENGINES["a" * 16], peers),
        use("c" * 16, ENGINES["c" * 16], peers),
        use("d" * 16, ENGINES["d" * 16], range(500, 560)),
    ]
    dialects = learn_dialects(both)
    assert sorted(d.paths for d in dialects.dialects) == [("a" * 16, "c" * 16), ("d" * 16,)]
    # A relay through which everybody goes says nothing of that.
    relay = [use(p, s, range(1000 * i, 1000 * i + 60)) for i, (p, s) in enumerate(ENGINES.items())]
    shared = [
        PathUse(
            u.path, u.steps, u.messages, {**u.by_peer, **{f"203.0.113.{n}": 50 for n in range(40)}}, u.networks, 0, 1
        )
        for u in relay
    ]
    assert len(learn_dialects(shared).dialects) == 4


def test_a_session_that_was_offered_nothing_is_one_of_those_that_open_alike() -> None:
    dialects = learned()
    assert dialects.assign("9" * 16, ENGINES["a" * 16] + "?").how == "path"
    spoke = dialects.assign("9" * 16, ENGINES["c" * 16] + "?")
    assert (spoke.dialect, spoke.how, len(spoke.candidates)) == (None, "ambiguous", 2)


def rows(n: int) -> pa.Table:
    found = []
    for i in range(n):
        path, steps = list(ENGINES.items())[i % 3]
        peer = f"198.18.{i % 50}.{i % 150}"
        found.append({"feed": "t", "session": f"s{i}", "dialect_path": path, "dialect_steps": steps, "peer_unit": peer,
                      "network": f"198.18.{i % 50}.0/24", "received_at": i})  # fmt: skip
        if i % 5 == 0:
            later = "+ > MAIL FROM:<> > RCPT TO:<> > DATA |  | . | "
            found.append(found[-1] | {"dialect_path": "f" * 16, "dialect_steps": later})
    found.append(found[0] | {"session": None, "dialect_path": None, "dialect_steps": None})
    return pa.Table.from_pylist(found)


def test_the_order_of_messages_changes_nothing() -> None:
    table = rows(600)
    whole = path_uses([table])
    places = list(range(len(table)))
    random.Random(1).shuffle(places)
    mixed = table.take(pa.array(places))
    assert path_uses([mixed]) == whole
    assert [(d, d.threshold) for d in learn_dialects(reversed(whole)).dialects] == [
        (d, d.threshold) for d in learn_dialects(whole).dialects
    ]


def test_a_later_message_of_a_session_is_of_its_firsts_dialect() -> None:
    table = rows(600)
    uses = path_uses([table])
    assert "f" * 16 not in {u.path for u in uses}
    dialects = learn_dialects(uses)
    found = assign_dialects(dialects, table)
    assert found[-1] is None and None not in found[:-1]
    assert found[0] == found[1] and table["dialect_path"][1].as_py() == "f" * 16
