"""Each bound of a session at n - 1, n and n + 1, as it stands in the table; and the docs' table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from doc_tables import ROOT, codes, section, tables
from smtp_play import BOUNDS, Talk, letter, said, talk
from spamtide.capture.kernel import DIALOGUE_BOUNDS

HEAD = said(b"EHLO a.example", b"MAIL FROM:<a@b.example>")
ONE = said(b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>", b"DATA") + b"x\r\n.\r\n"


def last(t: Talk) -> int:
    return t.codes[-1]


# For each bound: what is said at n, and whether the answer tells that n was passed.
MADE: dict[str, tuple[Callable[[int], bytes], Callable[[Talk], bool]]] = {
    "command_bytes": (lambda n: said(b"NOOP " + b"x" * (n - 7)), lambda t: last(t) == 500),
    "path_bytes": (lambda n: HEAD + said(b"RCPT TO:<" + b"x" * (n - 2) + b"@t>"), lambda t: last(t) == 501),
    "recipients": (lambda n: HEAD + said(*[b"RCPT TO:<x%d@trap.example>" % i for i in range(n)]), lambda t: last(t) == 452),
    "refused_recipients": (lambda n: HEAD + said(*[b"RCPT TO:<>"] * n), lambda t: last(t) == 421),
    "message_bytes": (lambda n: letter(b"x" * (n - 2) + b"\r\n.\r\n"), lambda t: last(t) == 552),
    "messages": (lambda n: said(b"EHLO a.example") + ONE * n, lambda t: last(t) == 421),
    "errors": (lambda n: said(*[b"XYZZY"] * n), lambda t: last(t) == 421),
    "idle_commands": (lambda n: said(*[b"NOOP"] * n), lambda t: last(t) == 421),
    "auth_tries": (lambda n: said(b"EHLO a.example", *[b"AUTH PLAIN AAA="] * n), lambda t: last(t) == 421),
    # 63 lines of 1,024 bytes and one for the rest.
    "transcript_bytes": (
        lambda n: said(*[b"NOOP " + b"x" * 1019] * 63, b"NOOP " + b"x" * (n - 63 * 1024 - 5)),
        lambda t: "cut" in t.facts,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_bound_is_met_at_n_plus_one_and_not_before(name: str) -> None:
    make, over = MADE[name]
    n = BOUNDS[name]
    assert [over(talk(make(k))) for k in (n - 1, n, n + 1)] == [False, False, True]


def test_what_size_announces_has_the_same_bound() -> None:
    n = BOUNDS["message_bytes"]
    assert [last(talk(said(b"MAIL FROM:<> SIZE=%d" % k))) for k in (n - 1, n, n + 1)] == [250, 250, 552]


def test_parameters_have_a_bound_of_that_size_for_themselves() -> None:
    # Each counts 16 beside its own 48: 1,024 of them fill it.
    filled = [b"RCPT TO:<x@t>" + (b" A=" + b"v" * 47) * 2] * 512
    said_so = talk(HEAD + said(*filled, b"RCPT TO:<x@t> B", b"DATA") + b"x\r\n.\r\n").messages[0][0]["transcript"]
    assert (len(said_so["parameters"]), said_so["parameters_cut"]) == (1024, 1)


def test_the_meta_of_a_message_stays_far_below_what_a_record_holds() -> None:
    # A thousand recipients with two thousand parameters each were 30 MB of meta, which no reader of segments takes.
    many = said(*[b"RCPT TO:<x@t>" + b" A" * 2_030] * BOUNDS["recipients"], b"DATA")
    [(meta, _)] = talk(HEAD + many + b"x\r\n.\r\n").messages
    assert len(json.dumps(meta)) < 1 << 20
    parameters = meta["transcript"]["parameters"]
    assert len(parameters) + meta["transcript"]["parameters_cut"] == 2_030 * BOUNDS["recipients"]


def test_every_bound_is_made_here() -> None:
    assert set(MADE) == set(BOUNDS)


def test_the_docs_list_the_bounds() -> None:
    rows = tables(section(ROOT / "docs" / "reference" / "limits.md", "Bounds of an SMTP or LMTP session"))[0]
    listed = [(codes(r[0])[0], int(r[1].replace(",", "")), re.sub("`", "", r[2]), r[3]) for r in rows]
    assert listed == DIALOGUE_BOUNDS
