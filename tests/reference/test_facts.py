"""docs/reference/facts.md is the data dictionary of the code, and of the parts that are really written."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from doc_tables import ROOT
from spamtide.fingerprint import FACTS_VERSION, TABLES

DOCUMENT = ROOT / "docs" / "reference" / "facts.md"
HEAD = """\
# Tables of facts

What the digest writes, facts version {version}. Made from `src/spamtide/fingerprint/facts.py` by
`pytest tests/reference/test_facts.py --write-golden`; do not edit.

The files are Parquet, in `archive/tables/facts-{version}/`; the root manifest `archive/tables/root.json` names them. A file that it does
not name does not exist. Everything here is computed from the segments and can be deleted; `spamtide digest` makes it again.

- Every table starts with `feed` and `writer` (dictionary-encoded text), which are not listed below. With `segment` and `ordinal` they
  are the message's place, which is its id: FEED/WRITER-SEGMENT/ORDINAL.
- Instants are microseconds since 1970 UTC (`int64`). There is no unsigned integer and no float.
- Lists of words stand between single spaces, `' buy viagra '`, so that `contains(' viagra ')` finds a whole word.
- **Privacy**: *public* may leave in a report as it is; *local* is for the operator's eyes, and leaves only masked, coarsened or counted;
  *never* leaves in no form.
"""


def rendered() -> str:
    """The document as the code would have it."""
    parts = [HEAD.format(version=FACTS_VERSION)]
    for name, columns in TABLES.items():
        parts.append(f"\n## {name}\n\n| column | type | null | privacy | meaning |\n|---|---|---|---|---|\n")
        parts += [
            f"| `{c.name}` | {c.kind} | {'yes' if c.nullable else 'no'} | {c.privacy} | {c.meaning.replace('|', chr(92) + '|')} |\n"
            for c in columns
        ]
    return "".join(parts)


def test_the_document_is_the_dictionary(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--write-golden"):
        DOCUMENT.write_text(rendered(), "utf-8")
    assert DOCUMENT.read_text("utf-8") == rendered(), "run pytest tests/reference/test_facts.py --write-golden"


def test_the_parts_on_disk_have_these_columns(spamtide, tmp_path: Path) -> None:
    attachment = "--x\nContent-Type: text/html\n\n<a href=http://www.pills.example/>one two three four five six seven eight nine ten</a>\n--x\nContent-Type: image/gif; name=a.gif\nContent-Disposition: attachment\n\nGIF89a\n--x--\n"
    (tmp_path / "m.mbox").write_text(
        "From x Mon Mar  7 10:00:00 2011\nFrom: a@b.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        + attachment
    )
    spamtide("init", tmp_path / "w")
    assert spamtide("--workspace", tmp_path / "w", "import", tmp_path / "m.mbox", "--feed", "f").code == 0
    arrow = {"int64": "int64", "int32": "int32", "bool": "bool", "utf8": "string", "binary": "binary"}
    seen = set()
    for path in (tmp_path / "w" / "archive" / "tables").glob(f"facts-{FACTS_VERSION}/*.parquet"):
        schema = pq.read_schema(path)
        table = path.stem.rpartition("-")[2].partition("~")[0]
        seen.add(table)
        assert schema.names[:2] == ["feed", "writer"]
        kinds = {n: str(schema.field(n).type) for n in schema.names[2:]}
        kinds = {n: "string" if k.startswith("dictionary") else k for n, k in kinds.items()}
        assert kinds == {c.name: arrow[c.kind] for c in TABLES[table]}
    assert seen == set(TABLES)
