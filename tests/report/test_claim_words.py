"""Every finding on claims and every way out has its words, and its line in docs/reference/codes.md."""

from __future__ import annotations

import ast
import re

import pytest

from doc_tables import ROOT, codes, section, tables
from spamtide.event import load_registry
from spamtide.measure import reconcile
from spamtide.report.claimwords import TEXTS, WAYS_OUT, claims_document

RULES = sorted((ROOT / "src" / "spamtide" / "measure" / "claims").glob("*.py"))
REGISTRY = load_registry()


def listed(heading: str) -> set[str]:
    rows = tables(section(ROOT / "docs" / "reference" / "codes.md", heading))[0]
    assert all(cell for row in rows for cell in row)
    return {codes(row[0])[0] for row in rows}


def words_of_rules() -> set[str]:
    trees = [ast.parse(p.read_text("utf-8")) for p in RULES]
    constants = [
        n.value for t in trees for n in ast.walk(t) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    return {c for c in constants if re.fullmatch(r"[a-z][a-z0-9_]+", c)}


def test_findings_and_ways_out_are_those_that_are_documented() -> None:
    assert set(TEXTS) == listed("Findings on claims")
    assert set(WAYS_OUT) == listed("Ways out")


def test_every_word_is_one_that_a_rule_can_say() -> None:
    assert set(TEXTS) | set(WAYS_OUT) <= words_of_rules()


@pytest.mark.parametrize("event", REGISTRY.events, ids=lambda e: e.id)
def test_every_finding_of_the_registry_can_be_said(event) -> None:
    claims = (*event.claims, *REGISTRY.figures_near(event, 120))
    document = claims_document(
        event, claims, reconcile(event, claims), {m.witness: m.name for m in REGISTRY.memberships}
    )
    assert len(document["claims"]) == len(claims)
    for finding in document["findings"]:
        assert finding["text"].endswith("."), finding
        assert "{" not in finding["text"] and "None" not in finding["text"], finding
        assert "nan" not in finding["text"] and "inf " not in finding["text"], finding
