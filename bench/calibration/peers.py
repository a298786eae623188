"""The structural time series model of statsmodels on the same counts: the idea of CausalImpact, without controls."""

from __future__ import annotations

import warnings

import numpy as np

from spamtide.measure.methods import LiveDays


def available() -> bool:
    """Whether statsmodels is here; ``bench/peers/structural.txt`` says which."""
    try:
        import statsmodels  # noqa: F401
    except ImportError:
        return False
    return True


def structural(days: LiveDays, seed: int) -> tuple[float, float, float] | None:
    """Local level and weekday regression on log rates before the cut, 500 simulated futures; None where it fails."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    place = days.day - days.day[0]
    n, split = int(place[-1]) + 1, int(-days.day[0])
    z = np.full(n, np.nan)
    z[place] = np.log((days.counts + 0.5) / days.exposures)
    weekday = (int(days.weekday[0]) + np.arange(n)) % 7
    x = (weekday[:, None] == np.arange(1, 7)[None, :]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = UnobservedComponents(z[:split], level="llevel", exog=x[:split], mle_regression=False)
            fitted = model.fit(disp=False)
            futures = fitted.simulate(
                n - split, anchor="end", repetitions=500, exog=x[split:], rng=np.random.default_rng(seed)
            )
        except (ValueError, np.linalg.LinAlgError):
            return None
    futures = np.asarray(futures).reshape(n - split, -1)
    live = days.day[days.post]
    expected = days.exposures[days.post] @ np.exp(np.clip(futures[live], -30, 30))
    ratios = max(float(days.counts[days.post].sum()), 0.5) / expected
    low, value, high = np.quantile(ratios, (0.025, 0.5, 0.975))
    return (float(value), float(low), float(high)) if np.isfinite([value, low, high]).all() and low > 0 else None
