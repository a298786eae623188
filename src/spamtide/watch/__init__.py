"""watch: has it come back? Steps a signature's hours one at a time: baseline, alarm, status. State in, state out."""

from spamtide.watch.baseline import LEARN_DAYS, in_blocks, learn_baseline
from spamtide.watch.detector import alarm_of, step_detector
from spamtide.watch.power import Power, alarm_power, smallest_visible
from spamtide.watch.silence import Rates, active_window, hours_of, measure_silence, within
from spamtide.watch.status import NEEDED, Evidence, Signature, WatchStatus, check_windows, judge
from spamtide.watch.stepping import Plan, begin_watch, dismissed, step_hours, step_watch
from spamtide.watch.values import (
    BETS,
    THRESHOLD,
    Alarm,
    BadWatch,
    Baseline,
    Block,
    Detector,
    Hour,
    WatchState,
)

__all__ = [
    "BETS",
    "LEARN_DAYS",
    "NEEDED",
    "THRESHOLD",
    "Alarm",
    "BadWatch",
    "Baseline",
    "Block",
    "Detector",
    "Evidence",
    "Hour",
    "Plan",
    "Power",
    "Rates",
    "Signature",
    "WatchState",
    "WatchStatus",
    "active_window",
    "alarm_of",
    "alarm_power",
    "begin_watch",
    "check_windows",
    "dismissed",
    "hours_of",
    "in_blocks",
    "judge",
    "learn_baseline",
    "measure_silence",
    "smallest_visible",
    "step_detector",
    "step_hours",
    "step_watch",
    "within",
]
