"""The canonical path of a session: the kernel's and the document's are one, and what the trap does leaves it as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialect_twin import steps_of
from smtp_play import HOST
from spamtide.app.kernel import TREATMENTS
from spamtide.capture.kernel import DialogueMemory, SmtpDialogue
from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch


def facts(metas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    batch = RecordBatch()
    for i, meta in enumerate(metas):
        batch.push(i, 1_300_286_700_000_000 + i, json.dumps(meta).encode(), b"Subject: x\n\ny\n")
    return digest(1, batch)["message"].to_pylist()


HELO = st.sampled_from(["", "amber-1f", "mx.a.example", "192.0.2.1", "[192.0.2.1]", "[IPv6:2001:db8::1]", "192.0.2.9", "localhost", "Trap.example",
                        "sender.example", "pc_1", "a!b", "[x]"])  # fmt: skip
CASE = st.sampled_from([str.upper, str.lower, str.title, str.swapcase, lambda w: w[:-1].lower() + w[-1:].upper()])
SPACES = st.sampled_from(["", " ", "   "])
CODE = st.sampled_from([250, 250, 250, 451, 550])


@st.composite
def transcripts(draw: st.DrawFn) -> dict[str, Any]:
    case = draw(CASE)
    lines: list[tuple[str, int]] = []
    if draw(st.booleans()):
        lines += [
            (f"{case(draw(st.sampled_from(['helo', 'ehlo'])))} {draw(HELO)}", draw(CODE))
            for _ in range(draw(st.integers(1, 2)))
        ]
    else:
        lines.append((".", 250))
    for _ in range(draw(st.integers(1, 2))):
        a, b, brackets = draw(SPACES), draw(SPACES), draw(st.booleans())
        path = (lambda p: f"<{p}>") if brackets else (lambda p: p)
        lines.append(
            (f"{case('mail from')}{a}:{b}{draw(st.sampled_from(['<>', path('s@sender.example')]))}", draw(CODE))
        )
        lines += [
            (f"{case('rcpt to')}{a}:{b}{path('u@trap.example')}", draw(CODE)) for _ in range(draw(st.integers(1, 3)))
        ]
        if draw(st.booleans()):
            lines.append((case("rset"), 250))
    lines.append((case("data"), 354))
    marks = draw(
        st.sets(
            st.sampled_from(
                [
                    "early_talk",
                    "pipelined",
                    "pipelined_unoffered",
                    "data_bare_lf",
                    "end_lf_dot_lf",
                    "lower_case",
                    "data_eight_bit",
                    "no_helo",
                ]
            )
        )
    )
    parameters = draw(
        st.lists(
            st.tuples(st.sampled_from([None, 0]), st.sampled_from(["SIZE", "BODY", "NOTIFY"]), st.just("1")), max_size=3
        )
    )
    found: dict[str, Any] = {
        "v": 1,
        "steps": [[i, line, code] for i, (line, code) in enumerate(lines)],
        "dialect": sorted(marks),
        "parameters": parameters,
    }
    if draw(st.booleans()):
        found["treatment"] = draw(st.sampled_from(["bare-ehlo", "plain"]))
    return {
        "v": 1, "time_origin": "smtp", "peer": draw(st.sampled_from(["192.0.2.1", "2001:db8::1"])), "to": ["u@trap.example"],
        "from": draw(st.sampled_from(["", "s@sender.example"])), "marks": draw(st.sampled_from([[], ["unfinished"]])), "transcript": found,
    }  # fmt: skip


@given(transcripts())
def test_the_kernel_writes_the_path_that_the_document_says(meta: dict[str, Any]) -> None:
    assert facts([meta])[0]["dialect_steps"] == steps_of(meta)


def test_no_transcript_no_dialect() -> None:
    row = facts([{"v": 1, "time_origin": "received"}])[0]
    assert (row["dialect_path"], row["dialect_steps"], row["dialect_features"]) == (None, None, None)


LINES = [
    b"EHLO amber-1f",
    b"MAIL FROM:<s@sender.example>",
    b"RCPT TO:<u@trap.example>",
    b"RCPT TO:<v@trap.example>",
    b"DATA",
    b"Subject: x\r\n\r\ny\r\n.",
]


def trapped(arm: str | None, memory: DialogueMemory, at: int = 0) -> list[dict[str, Any]]:
    """Facts of what a trap keeps of one session, a line at a time."""
    plan = None if arm is None else {"arms": [arm], "retry_seconds": 1, "greeting_seconds": 1}
    manner = json.dumps({"persona": "p", "addresses": None, "treatment": plan, "relay_bait": False})
    machine = SmtpDialogue(HOST, "smtp", "p", "192.0.2.7", "s", at, manner=manner, memory=memory)
    metas = []
    for line in LINES:
        machine.bytes_to_send()
        machine.receive(line + b"\r\n", at)
        while (event := machine.event()) is not None:
            metas.append(json.loads(event[1][1]))
            machine.verdict("stored", at)
    return facts(metas) if metas else []


@pytest.mark.parametrize("arm", [name for name, _ in TREATMENTS])
def test_a_treatment_leaves_the_path_as_it_is(arm: str) -> None:
    plain = trapped(None, DialogueMemory())[0]["dialect_steps"]
    assert plain == "EHLO label > MAIL FROM:<> > RCPT TO:<> > DATA |  | . | "
    memory = DialogueMemory()
    treated = trapped(arm, memory) or trapped(arm, memory, 9_000_000)
    assert treated[0]["dialect_steps"] == plain + ("?" if arm == "bare-ehlo" else "")
    assert f" arm_{arm} " in treated[0]["dialect_features"]


def test_what_a_relay_said_is_no_dialect_of_its_client() -> None:
    from smtp_play import letter, talk

    trusted = {"trusted": ["192.0.2.0/24"]}
    data = letter(b"x\r\n.\r\n", greeting=b"EHLO pc")
    [(plain, _)] = talk(data).messages
    [(handed, _)] = talk(b"EHLO relay.example\r\nXCLIENT ADDR=203.0.113.9\r\n" + data, **trusted).messages
    [(forwarded, _)] = talk(
        b"EHLO r.example\r\nXFORWARD ADDR=203.0.113.9\r\n" + data.removeprefix(b"EHLO pc\r\n"), **trusted
    ).messages
    told = facts([plain, handed, forwarded])
    assert told[0]["dialect_steps"].startswith("EHLO label > ") and told[0]["dialect_steps"] == told[1]["dialect_steps"]
    assert [row["peer_address"] for row in told] == ["192.0.2.7", "203.0.113.9", "203.0.113.9"]
    assert [told[2][c] for c in ("dialect_steps", "dialect_path", "dialect_features")] == [None] * 3
