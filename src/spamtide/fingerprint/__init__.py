"""fingerprint: what it resembles. Opens the kernel's one digest call: raw records in, columns of facts out."""

from typing import TYPE_CHECKING, Any

from spamtide.fingerprint.facts import FACTS_VERSION, TABLES, Column

if TYPE_CHECKING:
    from spamtide.fingerprint.columns import arrow_array, arrow_schema, digest

__all__ = ["FACTS_VERSION", "TABLES", "Column", "arrow_array", "arrow_schema", "digest"]


def __getattr__(name: str) -> Any:
    # pyarrow is loaded by those who digest, not by those who ask for the dictionary.
    if name in ("arrow_array", "arrow_schema", "digest"):
        import importlib

        return getattr(importlib.import_module("spamtide.fingerprint.columns"), name)
    raise AttributeError(name)
