"""A report's id: a hash of what it says, so that two that say the same have one id and nobody hands ids out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

REPORT_ID = re.compile(r"r-[0-9a-f]{20}")


def report_id(document: Mapping[str, Any]) -> str:
    """``r-`` and 80 bits of SHA-256 of the document of ``report.json`` without its id and its audience: a voice is no content."""
    said = {k: v for k, v in document.items() if k not in ("id", "audience")}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"r-{hashlib.sha256(text.encode()).hexdigest()[:20]}"
