""" "After" or "because of": three rules and a named event, each met or not, with what would meet it.

*Placebo targets*: series that the event cannot have touched did not change at the cut, and a change as large as the headline's would
have shown in each. *Competing events*: none within 14 days, or each one's own target was measured and can have moved no more than
a fifth of the change. *Dose*: parts in which the target had more of the mail before fell further, by weighted regression of the log ratio
on the share, over three parts or more. Definitions: docs/explanation/effect.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spamtide.measure.values import Attribution, Fact, Interval, Note, Rule

AFTER, BECAUSE = "after", "because of"
# A competing event that can have moved at most this share of the change is bounded. Fewer parts than this show no dose.
BOUNDED_SHARE, FEWEST_PARTS = 0.2, 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules are judged by.

    ``placebos``: name and ratio of each series that the event cannot have touched. ``competing``: ids of events within 14 days; ``bounds``:
    of those whose target was measured, the largest share of the change that it can have moved. ``doses``: name, the target's share before, ratio.
    """

    event: str | None
    ratio: Interval
    placebos: Sequence[tuple[str, Interval | None]] = ()
    competing: Sequence[str] = ()
    bounds: Mapping[str, float] | None = None
    doses: Sequence[tuple[str, float, Interval | None]] = ()


def attribute(evidence: Evidence) -> Attribution:
    """The word that the evidence bears, and the rules in the order in which they are read."""
    change = not evidence.ratio.low <= 1 <= evidence.ratio.high
    rules = (
        Rule("event_named", evidence.event is not None, Note("event_named" if evidence.event else "no_event_named")),
        Rule("change_found", change, Note("change_found" if change else "no_change_found")),
        _placebos(evidence),
        _competing(evidence),
        _dose(evidence),
    )
    return Attribution(BECAUSE if all(rule.met for rule in rules) else AFTER, rules)


def _placebos(evidence: Evidence) -> Rule:
    given = [(name, ratio) for name, ratio in evidence.placebos if ratio is not None]
    if not given:
        return Rule("placebo_targets_quiet", False, Note("no_placebo_targets"))
    changed = [name for name, ratio in given if not ratio.low <= 1 <= ratio.high]
    size = abs(float(np.log(evidence.ratio.value)))
    blind = [name for name, ratio in given if -np.log(max(ratio.detectable, 1e-9)) > size]
    facts: dict[str, Fact] = {"of": len(given), "changed": len(changed), "blind": len(blind)}
    if changed:
        return Rule("placebo_targets_quiet", False, Note("placebo_target_changed", facts))
    if len(blind) == len(given):
        return Rule("placebo_targets_quiet", False, Note("placebo_targets_blind", facts))
    return Rule("placebo_targets_quiet", True, Note("placebo_targets_quiet", facts))


def _competing(evidence: Evidence) -> Rule:
    bounds = evidence.bounds or {}
    loose = [e for e in evidence.competing if bounds.get(e, 1.0) > BOUNDED_SHARE]
    if loose:
        return Rule("no_competing_event", False, Note("competing_event_loose", {"events": ", ".join(loose)}))
    if evidence.competing:
        worst = max(bounds[e] for e in evidence.competing)
        facts: dict[str, Fact] = {"events": ", ".join(evidence.competing), "share": worst}
        return Rule("no_competing_event", True, Note("competing_event_bounded", facts))
    return Rule("no_competing_event", True, Note("no_competing_event"))


def _dose(evidence: Evidence) -> Rule:
    parts = [(share, ratio) for _, share, ratio in evidence.doses if ratio is not None and ratio.value > 0]
    shares = np.array([share for share, _ in parts])
    if len(parts) < FEWEST_PARTS or np.ptp(shares) == 0:
        return Rule("dose_agrees", False, Note("too_few_doses", {"parts": len(parts), "needed": FEWEST_PARTS}))
    slope = dose_slope(parts)
    facts: dict[str, Fact] = {"parts": len(parts), "slope": slope.value, "low": slope.low, "high": slope.high}
    # A target that stopped takes mail away where it had some; one that came back brings it there.
    agrees = slope.high < 0 if evidence.ratio.value < 1 else slope.low > 0
    return Rule("dose_agrees", bool(agrees), Note("dose_agrees" if agrees else "dose_does_not_agree", facts))


def dose_slope(parts: Sequence[tuple[float, Interval]]) -> Interval:
    """Log ratio by the target's share before, weighted by the intervals' precision.

    Method: weighted least squares; where the parts lie further from the line than their intervals say, the interval is widened by Birge's ratio.
    """
    x = np.array([share for share, _ in parts])
    y = np.array([np.log(ratio.value) for _, ratio in parts])
    w = np.array([ratio.log_sd**-2 for _, ratio in parts])
    centre = x - (w @ x) / w.sum()
    slope = float((w * centre) @ y / ((w * centre) @ centre))
    left = y - (w @ y) / w.sum() - slope * centre
    freedom = len(parts) - 2
    spread = max(1.0, float((w * left) @ left) / freedom)
    half = 1.959964 * float(np.sqrt(spread / ((w * centre) @ centre)))
    return Interval(slope, slope - half, slope + half)


def bounds_of(change: float, moved: Mapping[str, Interval]) -> dict[str, float]:
    """The largest share of a change (messages) that each competing target can have moved, by the end of its interval that points the same way."""
    if change == 0:
        return {}
    return {name: max(0.0, m.low / change if change < 0 else m.high / change) for name, m in moved.items()}
