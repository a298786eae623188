"""A user's own event: what is accepted, and how complaints name the key."""

import pytest

from spamtide.event import BadEvent, load_registry, parse_event_toml

GOOD = """
id = "mybot-2026"
target = "mybot"
kind = "sinkhole"
title = "My bot loses its servers"
summary = "What happened, in a sentence or two."

[times.executed_from]
at = 2026-05-04T10:00:00Z
precision = "minute"
source = "note"

[sources.note]
publisher = "our own notebook"
address = "page 12"

[[claims]]
id = "own-count"
about = "mybot"
metric = "volume-change"
comparator = "="
value = -0.4
rounding = 0.1
unit = "change of messages, as a share of before"
window_note = "the week after"
vantage = "one mailbox"
witness = "me"
group = "unknown"
grade = "primary"
source = "note"
text = "Fell by forty per cent."
"""


def test_a_users_event_joins_the_registry() -> None:
    event = parse_event_toml(GOOD)
    registry = load_registry().with_events([event])
    assert registry.event("mybot-2026").cut().basis == "executed"
    assert registry.events_on("mybot") == (event,)
    assert registry.event("rustock-2011")


def test_rounding_says_what_a_figure_stands_for() -> None:
    (claim,) = parse_event_toml(GOOD).claims
    assert claim.bounds == pytest.approx((-0.45, -0.35))


def test_more_than_half_is_bounded_on_one_side() -> None:
    claims = {c.id: c for c in load_registry().event("rustock-2011").claims}
    assert claims["icsa-duplicates-before"].bounds == (0.5, None)
    assert claims["icsa-duplicates-after"].bounds == pytest.approx((0.325, 0.335))
    assert claims["icsa-two-words"].bounds == (None, None), "about has no bounds of its own"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('kind = "sinkhole"', 'kind = "raid"', "kind"),
        ("at = 2026-05-04T10:00:00Z", "at = 2026-05-04T10:00:00", "times.executed_from.at"),
        ("at = 2026-05-04T10:00:00Z", 'at = "2026-05-04"', "times.executed_from.at"),
        ('precision = "minute"', 'precision = "moment"', "times.executed_from.precision"),
        ('source = "note"\n\n[sources', 'source = "other"\n\n[sources', "times.executed_from.source"),
        ('comparator = "="', 'comparator = "approximately"', "claims[0].comparator"),
        ("value = -0.4", "", "claims[0].value"),
        ("value = -0.4", "low = -0.4", "claims[0].low"),
        ("value = -0.4", "low = 2.0\nhigh = 1.0", "claims[0].low"),
        ('unit = "change of messages, as a share of before"', "", "claims[0]"),
        ("rounding = 0.1", "rounding = 0", "claims[0].rounding"),
        ('title = "My bot loses its servers"', 'titel = "My bot"', "titel"),
        ('id = "mybot-2026"', 'id = "../mybot"', "id"),
        ('grade = "primary"', 'grade = "derived"', "claims[0].derived_from"),
        ("[times.executed_from]", "[times.returned_at]", "times"),
        ('text = "Fell by forty per cent."', 'text = ""', "claims[0].text"),
    ],
)
def test_a_complaint_names_the_key(old: str, new: str, key: str) -> None:
    assert old in GOOD
    with pytest.raises(BadEvent) as caught:
        parse_event_toml(GOOD.replace(old, new, 1))
    assert key in caught.value.message
    assert caught.value.code == "bad_event"
    assert "events.md" in caught.value.next_step


def test_what_is_no_toml_is_said_to_be_no_toml() -> None:
    with pytest.raises(BadEvent, match="not TOML"):
        parse_event_toml("id = ")


def test_a_claim_may_only_refer_to_claims_of_its_event() -> None:
    with pytest.raises(BadEvent, match="no claim of this event"):
        parse_event_toml(GOOD + 'restates = "nothing"\n')
