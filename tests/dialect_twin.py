"""The canonical path of a session, written slowly from docs/reference/dialects.md ("How a session is written down"), not from the kernel."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

from doc_tables import ROOT, codes, section, tables

DOCUMENT = ROOT / "docs" / "reference" / "dialects.md"


def manners_of(document: Path = DOCUMENT) -> list[str]:
    """The marks that are part of a path, as the document lists them."""
    return codes(
        next(row[1] for row in tables(section(document, "How a session is written down"))[1] if row[0] == "manners")
    )


def _address(text: str) -> Any:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def helo_kind(name: str, meta: dict[str, Any]) -> str:
    """The kind of a HELO name."""
    name, peer = name.strip(" \t"), _address(meta.get("peer") or "")
    domains = {address.rpartition("@")[2].lower() for address in meta.get("to", []) if "@" in address}
    sender = meta.get("from") or ""
    if not name:
        return "empty"
    if re.fullmatch(r"[0-9.]+", name) and _address(name):
        return "address" if _address(name) == peer else "other-address"
    if name.startswith("[") and name.endswith("]"):
        inner = _address(name[1:-1].removeprefix("IPv6:"))
        return "literal" if inner is not None and inner == peer else "other-literal"
    if name.lower() == "localhost" or name.lower().startswith("localhost."):
        return "localhost"
    if name.lower() in domains:
        return "recipient"
    if "@" in sender and name.lower() == sender.rpartition("@")[2].lower():
        return "sender"
    if "_" in name:
        return "underscore"
    if not re.fullmatch(r"[a-z0-9.-]+", name.lower()):
        return "odd"
    return "fqdn" if "." in name.rstrip(".") else "label"


def _cased(words: str) -> str:
    regular = words == words.upper() or words == words.lower() or all(w == w.capitalize() for w in words.split(" "))
    return words if regular else words.upper() + "~"


def _path(line: str) -> tuple[int, int, str]:
    head, _, rest = line.partition(":")
    path = rest.lstrip(" ")
    form = {(True, True): "<>", (True, False): "<", (False, True): ">", (False, False): "-"}
    return len(head) - len(head.rstrip(" ")), len(rest) - len(path), form[path.startswith("<"), ">" in path]


def steps_of(meta: dict[str, Any]) -> str:
    """The path of a message's session, of the commands that a dialogue knows."""
    transcript = meta["transcript"]
    steps = [(line, code, re.match(r"\w*", line)[0].upper()) for _, line, code in transcript["steps"]]  # type: ignore[index]
    mails = [i for i, (_, _, verb) in enumerate(steps) if verb == "MAIL"]
    kept = steps if not mails else steps[: mails[0]] + steps[mails[-1] :]
    last = steps[mails[-1] :] if mails else []
    if any(verb == "RCPT" and code < 300 for _, code, verb in last):
        kept = [s for s in kept if s[2] != "RCPT" or s[1] < 300]
    form = next((_path(line)[2] for line, _, verb in last if verb == "RCPT"), None)
    marks = set(transcript["dialect"])
    said: list[str] = []
    if not any(verb in ("HELO", "EHLO", "LHLO") for _, _, verb in steps) and "no_helo" not in marks:
        said.append("+")
    for line, code, verb in kept:
        if line == ".":
            continue
        if verb in ("HELO", "EHLO", "LHLO"):
            token = f"{_cased(line[:4])} {helo_kind(line[4:], meta)}"
        elif verb in ("MAIL", "RCPT"):
            before, after, own = _path(line)
            if verb == "MAIL" and meta.get("from") == "" and form is not None:
                own = form
            token = _cased(line.partition(":")[0].rstrip(" ")) + " " * min(before, 2) + ":" + " " * min(after, 2) + own
        else:
            token = _cased(line.split(" ")[0])
        if code >= 400:
            token += " !4" if code < 500 else " !5"
        if not said or said[-1] != token:
            said.append(token)
    end = " ".join(sorted(m for m in marks if m.startswith("end_")))
    unfinished = "unfinished" in meta.get("marks", []) and "simulated" not in meta.get("marks", [])
    taken: list[str] = []
    for recipient, key, _ in transcript.get("parameters", []):
        name = key if recipient is None else f"rcpt.{key}"
        if name not in taken:
            taken.append(name)
    taken += ["pipelined"] if "pipelined" in marks else []
    extended = any(verb == "EHLO" and code < 300 for _, code, verb in steps)
    if not taken and extended and transcript.get("treatment") == "bare-ehlo":
        taken = ["?"]
    manners = [m for m in manners_of() if m in marks]
    return " | ".join([" > ".join(said), " ".join(manners), end or ("cut" if unfinished else "."), " ".join(taken)])
