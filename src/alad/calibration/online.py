r"""Alerts on a stream at a false discovery rate: decide each row when it comes, for good.

The t-th row is a discovery if its p-value is at most

.. math:: \alpha_t = \alpha \Big( (1 - \delta)
                     + \sum_j \delta^{t - \tau_j} \gamma_{t - \tau_j} \Big)

where τ_j is when the j-th discovery was made, γ_s = (1 - κ) κ^{s - 1}, δ = 1 - 1 / M for a memory
of M rows, and κ = 1 - 4 / M, or 0 where that is negative. Where nothing happens the level
is α / M; a discovery raises it for the rows that follow. What is promised
is the rate among the alerts of about the last M rows: with V_i and R_i, 1 where row i is a false
discovery and a discovery, at every t

.. math:: E \Big[ \frac{\sum_{i \le t} \delta^{t - i} V_i}
                       {1 + \sum_{i \le t} \delta^{t - i} R_i} \Big] \le \alpha ,

since the levels are such that Σ δ^{t-i} α_i <= α (1 + Σ δ^{t-i} R_i), come what may.

No conformal p-value is below 1 / (m + 1), of m calibration rows. So the memory is α (m + 1) rows at
most: then a row beyond all calibration rows is an alert at any time. (Rules without a memory, as
LORD++, promise the rate over the whole stream, have to lower their level while nothing happens,
and soon find nothing any more: docs/decisions.md has what that comes to.)

Sources: Rebjock, Kurt, Januschowski, Callot. Online False Discovery Rate Control for Anomaly
Detection in Time Series. NeurIPS 2021 (a level that does not fall below a share of α, the decay,
and the 1 in the denominator, their η). Ramdas, Yang, Wainwright, Jordan. Online Control of the
False Discovery Rate with Decaying Memory. NeurIPS 2017 (the rate with a memory). Differs: γ is
geometric, so that the sum over discoveries is one number, and M follows from the calibration.

The proof asks for p-values that are independent, as those of one calibration set are only nearly:
docs/alerts.md has what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from alad.calibration import _checks
from alad.calibration.thresholds import EXCHANGEABLE, Decision
from alad.errors import InputError

RULE = "false discoveries with a memory"
QUICK = 4  # how many times as fast as the memory what a discovery gave is spent
SHORTEST = 2  # rows; a memory of one forgets all
MOST = 10**15  # rows, which nobody has seen


class OnlineFDR:
    """Decides rows one after the other; its state is JSON.

    Parameters
    ----------
    fdr : α, the share of the alerts that may be false.
    calibration_rows : m, of the calibration that the p-values are of.
    memory : M in rows, from 2 to α (m + 1), which is the default: among how many rows, roughly,
        the rate is to hold. With a shorter one more is found where little happens, and more of
        the alerts are false over a long time.

    Raises
    ------
    InputError
        A parameter is out of range, or there are fewer calibration rows than the rate takes.

    >>> online = OnlineFDR(0.05, calibration_rows=999)
    >>> online.memory, online.level
    (50.0, 0.001)
    >>> online.decide([0.001, 0.4, 0.003, 0.02]).tolist()
    [True, False, True, False]
    >>> OnlineFDR.from_json(online.to_json()).level == online.level
    True
    """

    def __init__(self, fdr: float, calibration_rows: int, memory: float | None = None) -> None:
        self.fdr = _checks.share("a false discovery rate", fdr, 0.05)
        self.memory = _memory(self.fdr, calibration_rows, memory)
        self.seen = 0
        self.discoveries = 0
        self._gained = 0.0  # the sum over discoveries, for the row that comes next

    @property
    def level(self) -> float:
        """α_t for the row that comes next."""
        return self.fdr * (1 / self.memory + self._gained)

    @property
    def highest(self) -> float:
        """What no level is above, whatever is discovered."""
        return self.fdr * (1 / self.memory + 1)

    def decide(self, p: Iterable[float]) -> NDArray[np.bool_]:
        """Say of the next p-values, one after the other, which are discoveries.

        Raises
        ------
        InputError
            One is none, or they do not come in a row.
        """
        if not isinstance(p, Iterable) or np.ndim(p) == 0:  # type: ignore[arg-type]
            raise InputError(f"Expected p-values in a row; got {p!r}. Pass [{p!r}], say.")
        given = p if isinstance(p, np.ndarray) else list(p)
        every = _checks.p_values(given).tolist() if len(given) else []
        quiet, delta = 1 / self.memory, 1 - 1 / self.memory
        kappa = max(1 - QUICK / self.memory, 0)
        gained, found = self._gained, np.zeros(len(every), np.bool_)
        for i, one in enumerate(every):
            found[i] = is_discovery = one <= self.fdr * (quiet + gained) * (1 + 1e-12)
            gained = (kappa * gained + (1 - kappa) * is_discovery) * delta
        self.seen += len(every)
        self.discoveries += int(found.sum())
        self._gained = gained
        return found

    def decision(self, before: int = 0) -> Decision:
        """What holds of the rows since the first ``before`` ones.

        >>> OnlineFDR(0.05, 999).decision().rule
        'false discovery rate 0.05 on a stream'
        """
        told = f"{before:,} rows of the stream were decided before these. " if before else ""
        return Decision(
            f"false discovery rate {self.fdr:g} on a stream",
            None,
            f"Of the alerts of about the last {self.memory:,.0f} rows, and one more, a share of at "
            f"most {self.fdr:g} is normal, on average over calibrations and streams.",
            f"{EXCHANGEABLE} Rows do not depend on each other, and come in their order.",
            note=f"{told}While nothing happens a row is flagged whose p-value is at most "
            f"{self.fdr / self.memory:.3g}.",
            level=self.fdr,
        )

    def to_json(self) -> dict[str, Any]:
        """All of the state, as JSON."""
        return {
            "rule": RULE,
            "fdr": self.fdr,
            "memory": self.memory,
            "seen": self.seen,
            "discoveries": self.discoveries,
            "gained": self._gained,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Go on from what :meth:`to_json` gave.

        Raises
        ------
        InputError
            It gave something else.
        """
        if not isinstance(state, Mapping) or not _is_state(state):
            raise InputError(
                f"Expected a state as to_json gives it: rule {RULE!r}, a fdr between 0 and 1, a "
                f"memory of at least {SHORTEST}, what was seen and discovered, and gained from 0 "
                f"to 1; got {state!r:.160}."
            )
        online = cls.__new__(cls)
        online.fdr, online.memory = float(state["fdr"]), float(state["memory"])
        online.seen, online.discoveries = int(state["seen"]), int(state["discoveries"])
        online._gained = float(state["gained"])
        return online


def _memory(fdr: float, m: Any, wanted: Any) -> float:
    """M, in its bounds."""
    if isinstance(m, bool) or not isinstance(m, Integral) or not 1 <= int(m) <= MOST:
        raise InputError(f"Expected calibration_rows as a whole number above 0; got {m!r:.40}.")
    longest = fdr * (int(m) + 1)
    if longest < SHORTEST:
        raise InputError(
            f"Expected at least {int(np.ceil(SHORTEST / fdr)) - 1:,} calibration rows for a false "
            f"discovery rate of {fdr:g} on a stream; got {m:,}. Calibrate with more, or ask for a "
            "higher rate."
        )
    if wanted is None:
        return longest
    is_number = isinstance(wanted, Real) and not isinstance(wanted, bool)
    if not is_number or not SHORTEST <= wanted <= longest:
        raise InputError(
            f"Expected a memory of {SHORTEST} to {longest:g} rows, with {m:,} calibration rows and "
            f"a rate of {fdr:g}; got {wanted!r}. With a longer one no row would be found while "
            "nothing happens."
        )
    return float(wanted)


def _is_state(state: Mapping[str, Any]) -> bool:
    """Whether these are the fields of :meth:`OnlineFDR.to_json`, each within its bounds."""
    counts, rest = ("seen", "discoveries"), ("fdr", "memory", "gained")
    if state.get("rule") != RULE or not {*counts, *rest} <= state.keys():
        return False
    numbers = [state[name] for name in counts + rest]
    if any(isinstance(x, bool) or not isinstance(x, int | float) for x in numbers):
        return False
    return (
        all(isinstance(state[name], int) for name in counts)
        and 0 <= state["discoveries"] <= state["seen"] <= MOST
        and 0 < state["fdr"] < 1
        and SHORTEST <= state["memory"] <= MOST
        and 0 <= state["gained"] <= 1
    )
