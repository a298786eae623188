"""*Message*: one message, its text first; what it would load or do is named and dead."""

from __future__ import annotations

from typing import Any

from spamtide.app.serving.asking import PERSONAL, Asker
from spamtide.app.serving.letter import facts_of, letter, raw_document, raw_view, read_letter
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue, Taken
from spamtide.errors import WrongUse
from spamtide.message import PublicText


def message_id_of(params: Params) -> str:
    """The message that a path names."""
    return "/".join(params.get(name) for name in ("feed_name", "segment", "ordinal"))


def require_readable(asker: Asker, params: Params, what: str) -> tuple[Any, dict[str, Any]]:
    """The message, if this person may have its bytes now; written down as read.

    Raises WrongUse ``local_only`` beyond loopback, ``reason_needed`` for personal mail, ``message_gone`` where no bytes are left.
    """
    message_id = message_id_of(params)
    message, head = read_letter(asker.workspace, message_id)
    if not asker.local:
        raise WrongUse(
            "local_only", "Mail itself is shown on the machine that keeps it, and nowhere else.",
            "Use 'ssh -L' to reach the dashboard by loopback.", id=message_id,
        )  # fmt: skip
    if head["state"] == "erased":
        raise WrongUse("message_gone", f"{message_id} was erased.", "Nothing of it is left.", id=message_id)
    personal = head["state"] != "quarantined" and _personal(facts_of(asker.workspace, message))
    if personal and not asker.readings.may_read(params.who, message_id):
        raise WrongUse("reason_needed", "This is a person's mail.", f"Say why at /message/{message_id}.", id=message_id)
    asker.readings.note(params.who, message_id, what)
    return message, head


def _personal(facts: dict[str, list[dict[str, Any]]]) -> bool:
    return any(row["origin"] == PERSONAL for row in facts["message"])


def show_message(asker: Asker, params: Params) -> PageValue:
    """One message; of personal mail without a reason, of an erased one, and beyond loopback less."""
    message_id = message_id_of(params)
    message, head = read_letter(asker.workspace, message_id)
    whole, show = params.get("all") == "1", params.get("show") or "text"
    facts: dict[str, Any] = {**head, "veiled": False, "show": show, "whole": whole}
    read: dict[str, list[dict[str, Any]]] = {"message": []}
    if head["state"] in ("readable", "thinned"):
        read = facts_of(asker.workspace, message)
    if head["state"] == "erased":
        return _value(facts, f"{message_id} was erased; its place, its size and its place in the chain are left.")
    if not asker.local:
        return _value({**facts, **_public(read)}, "What of a message may be seen beyond the machine that keeps it.")
    if _personal(read) and not asker.readings.may_read(params.who, message_id):
        return _value(
            {**facts, "veiled": True, "origin": PERSONAL},
            "A person's mail: nothing of it is sent until a reason is given.",
        )
    # Written down before it is shown: what cannot be journaled is not shown.
    asker.readings.note(params.who, message_id, "page")
    if head["state"] == "quarantined":
        facts |= raw_view(message.raw, whole=whole) | raw_document(message.raw)
        return _value(
            facts,
            f"This message killed its reader ({head['quarantine']}); it is not parsed again, its bytes are below.",
        )
    facts |= letter(message, read, whole=whole) | raw_view(message.raw, whole=whole)
    row = read["message"][0]
    facts["campaign"] = _campaign(asker, row["exact"])
    return _value(facts, _sentence(facts))


def _public(read: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Of the facts, those that are public: masked text, network, domains."""
    if not read["message"]:
        return {"public": None}
    row = read["message"][0]
    text = read["text"][0]["text_masked"] if read.get("text") else ""
    kept = {
        key: row[key] for key in ("network", "origin", "language", "topic", "exact", "link_domains", "attachment_count")
    }
    if row["origin"] == PERSONAL:
        return {"public": {"origin": PERSONAL}}
    subject = None if row["subject"] is None else PublicText.of(row["subject"], 200).text
    return {"public": {**kept, "subject": subject, "text": PublicText.of(text, 2_000).text}}


def _campaign(asker: Asker, exact: str) -> str | None:
    """The settled campaign of an exact digest, None where there is none yet."""
    import pyarrow.parquet as pq

    generation = asker.generation()
    if generation is None:
        return None
    path = generation.tables["campaign_member"].path
    found = pq.read_table(path, columns=["campaign"], filters=[("exact", "=", exact)])["campaign"].to_pylist()
    return found[0] if found else None


def _sentence(facts: dict[str, Any]) -> str:
    peer = facts["peer"]["address"]
    whence = f" from {peer}" if peer else ""
    told = f"{facts['origin']}, {facts['language']}, topic {facts['topic']}"
    count = len(facts["attachments"])
    carries = f", {count} attachment{'' if count == 1 else 's'}" if count else ""
    return f"Received at {facts['feed']}{whence}: {told}{carries}."


def _value(facts: dict[str, Any], sentence: str) -> PageValue:
    message_id = facts["id"]
    return PageValue(
        title=f"Message {message_id}", sentence=sentence, facts=facts,
        how=How(
            definition="One message as it was captured: raw bytes, envelope, peer, receive time. Its id is its place, valid for ever.",
            method="Facts are read anew from the bytes by the kernel. HTML is shown in a frame without script, form or network; pictures and attachments are not rendered. Reading is journaled.",
            command=f"spamtide search 'feed:{facts['feed']}' --raw --jsonl",
        ),
        table="fields" if "fields" in facts else "", columns=("name", "value"),
    )  # fmt: skip


PAGES = (
    Page(
        "message", "/message/{feed_name}/{segment}/{ordinal}", "Message", show_message, "message.html",
        takes=(Taken("show", "what of it: the text, or its HTML in a frame", ("text", "html")), Taken("all", "1: up to the outer bounds", ("1",))),
        kept=False, filters=False, meaning="One message, its text first.",
    ),
)  # fmt: skip
