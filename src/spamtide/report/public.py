"""The gate of a report: every text that leaves in a page, figure, table or document goes through it, whatever was done before."""

from __future__ import annotations

from typing import Any

from spamtide.message import PublicText

# Longer than any sentence of ours: a text that reaches it is nobody's sentence.
LONGEST = 4000


def public(text: str) -> str:
    """``text`` without mail addresses, control and direction characters by their names."""
    return PublicText.stated(text, LONGEST).text


def public_document(value: Any) -> Any:
    """A document whose every text, keys too, went through the gate; numbers and shape stay."""
    if isinstance(value, str):
        return public(value)
    if isinstance(value, dict):
        return {public(str(k)): public_document(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [public_document(v) for v in value]
    return value
