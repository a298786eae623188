"""fingerprint: what it resembles. Opens the kernel's one digest call: raw records in, columns of facts out."""

from typing import TYPE_CHECKING, Any

from spamtide.fingerprint.facts import FACTS_VERSION, TABLES, Column

if TYPE_CHECKING:
    from spamtide.fingerprint.columns import arrow_array, arrow_schema, digest, schema_of
    from spamtide.fingerprint.kernel import fingerprint_tokens
    from spamtide.fingerprint.texts import fingerprint_texts
    from spamtide.fingerprint.words import shingle_words

__all__ = [
    "FACTS_VERSION",
    "TABLES",
    "Column",
    "arrow_array",
    "arrow_schema",
    "digest",
    "fingerprint_texts",
    "fingerprint_tokens",
    "schema_of",
    "shingle_words",
]

_LATER = {
    "arrow_array": "columns",
    "arrow_schema": "columns",
    "digest": "columns",
    "fingerprint_texts": "texts",
    "fingerprint_tokens": "kernel",
    "schema_of": "columns",
    "shingle_words": "words",
}


def __getattr__(name: str) -> Any:
    # pyarrow is loaded by those who digest, not by those who ask for the dictionary.
    if name in _LATER:
        import importlib

        return getattr(importlib.import_module(f"spamtide.fingerprint.{_LATER[name]}"), name)
    raise AttributeError(name)
