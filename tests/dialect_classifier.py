"""Tells the dialect of an SMTP session from its transcript alone, by the table of docs/reference/dialects.md.

Written from the document, not from the kernel: it reads what the client wrote and when, notes the manners that this session
shows, and drops the dialects that the table says would not show them.
"""

from __future__ import annotations

import re
from pathlib import Path

from doc_tables import codes, section, tables

Table = dict[str, dict[str, str]]
Wrote = list[tuple[str, float, bytes]]


def read_table(document: Path) -> Table:
    """Dialect to its manners, by the words of the table's first column."""
    text = section(document, "The catalogue")
    head = re.search(r"^\| manner \|(.*)$", text, re.M)
    assert head
    rows = tables(text)[0]
    return {name: {row[0]: row[i] for row in rows} for i, name in enumerate(codes(head[1]), 1)}


def observe(wrote: Wrote) -> dict[str, set[str]]:
    """Manners that the transcript shows: for each, the words of the table that fit."""
    client = b"".join(data for who, _, data in wrote if who == "C")
    text = client.decode("latin-1")
    seen: dict[str, set[str]] = {}
    greetings = re.findall(r"^(helo|ehlo) (.*?)\r?$", text.split("\nSubject:")[0], re.I | re.M)
    if not greetings:
        return seen
    verb, name = greetings[0]
    second = greetings[1][0].upper() if len(greetings) > 1 else ""
    if verb.upper() == "HELO":
        seen["hello"] = {"HELO"}
    else:
        seen["hello"] = {"EHLO, HELO after 5xx"} if second == "HELO" else {"EHLO", "EHLO, HELO after 5xx"}
    seen["case"] = {"lower" if verb.islower() else "upper" if verb.isupper() else "title"}
    mails = re.findall(r"^mail from:( ?)(<?)([^\s>]*)(>?)(.*?)\r?$", text, re.I | re.M)
    recipients = re.findall(r"^rcpt to:( ?)(<?)([^\s>]*)(>?)", text, re.I | re.M)
    domains = {address.rpartition("@")[2] for _, _, address, _ in recipients}
    if re.fullmatch(r"[\d.]+", name):
        seen["called"] = {"bare address"}
    elif name.startswith("["):
        seen["called"] = {"address in brackets"}
    elif name == "localhost":
        seen["called"] = {"localhost"}
    elif "_" in name:
        seen["called"] = {"with underscore"}
    elif name in domains:
        seen["called"] = {"recipient's domain"}
    else:
        # A host's own name may be one word too.
        seen["called"] = {"own name"} if "." in name else {"own name", "one word"}
    seen["speaks"] = {_speaks(wrote)}
    if mails:
        space, _, _, _, rest = mails[0]
        seen["space after colon"] = {"yes" if space else "no"}
        offered = b"".join(data for who, _, data in wrote if who == "S")
        if rest.strip():
            seen["parameters"] = {"SIZE, BODY where offered"}
        elif verb.upper() == "EHLO" and b"SIZE" in offered:
            seen["parameters"] = {"none"}
    if recipients:
        seen["angle brackets"] = {"yes" if recipients[0][1] else "no"}
    _observe_pace(wrote, seen)
    _observe_body(client, seen)
    return seen


def _speaks(wrote: Wrote) -> str:
    before = b""
    for who, _, data in wrote:
        if who == "C":
            break
        before += data
    if not before:
        return "before the banner"
    return "after the banner" if re.search(rb"^\d{3} ", before, re.M) else "after the banner's first line"


def _observe_pace(wrote: Wrote, seen: dict[str, set[str]]) -> None:
    """Several commands of an envelope before a reply came: pipelined."""
    offered, together, waited = False, False, False
    unanswered = b""
    for who, _, data in wrote:
        if who == "S":
            offered = offered or b"PIPELINING" in data
            unanswered = b""
            continue
        unanswered += data
        if re.match(rb"mail from:.*\nrcpt to:", unanswered, re.I):
            together = True
        elif re.match(rb"rcpt to:", unanswered, re.I):
            waited = True
    if together:
        seen["pipelining"] = {"always", "where offered"} if offered else {"always"}
    elif waited:
        seen["pipelining"] = {"never"} if offered else {"never", "where offered"}


def _observe_body(client: bytes, seen: dict[str, set[str]]) -> None:
    parts = re.split(rb"^data\r?\n", client, maxsplit=1, flags=re.I | re.M)
    if len(parts) < 2 or b"\n" not in parts[1]:
        return
    body = parts[1]
    seen["line ends"] = {"CRLF" if body.split(b"\n", 1)[0].endswith(b"\r") else "LF"}
    strict = body.find(b"\r\n.\r\n")
    if strict >= 0:
        seen["end of DATA"] = {"CRLF.CRLF"}
        after = re.split(rb"^mail from:", body[strict + 5 :], flags=re.I | re.M)[-1]
        after = after.split(b".\r\n")[-1] if b".\r\n" in after else after
        if re.match(rb"rset\r\nquit\r\n", after, re.I):
            seen["leaves"] = {"RSET, QUIT"}
        elif re.match(rb"quit\r\n", after, re.I):
            seen["leaves"] = {"QUIT, waits", "QUIT, does not wait", "QUIT with the end of DATA, closes unheard"}
        elif not after:
            seen["leaves"] = {"closes"}
    elif body.endswith(b"\n.\n"):
        seen["end of DATA"] = {"LF.LF"}
        seen["leaves"] = {"closes"}


def classify(table: Table, wrote: Wrote) -> str | None:
    """The one dialect that shows such manners; None when it is none, or several."""
    seen = observe(wrote)
    fitting = [
        name for name, row in table.items() if seen and all(row[column] in words for column, words in seen.items())
    ]
    return fitting[0] if len(fitting) == 1 else None
