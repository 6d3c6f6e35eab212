r"""Alerts on a stream at a false discovery rate: decide each row when it comes, for good.

LORD++: the t-th row is a discovery if its p-value is at most

.. math:: \alpha_t = w_0 \gamma_t + (\alpha - w_0) \gamma_{t - \tau_1}
                     + \alpha \sum_{j \ge 2} \gamma_{t - \tau_j}

where τ_j is when the j-th discovery was made, w_0 = α / 2, and γ_t = 0.0722 log(max(t, 2)) /
(t exp(√log t)) sums to at most 1.

Sources: Javanmard, Montanari. Online Rules for Control of False Discovery Rate. Annals of
Statistics, 2018 (LORD, and γ). Ramdas, Yang, Wainwright, Jordan. Online Control of the False
Discovery Rate with Decaying Memory. NeurIPS 2017 (LORD++).

The proof asks for p-values that are independent, as those of one calibration set are only nearly.
α_t falls without discoveries, and no conformal p-value is below 1 / (m + 1): a long silence leaves
the rule without power. ``level`` says where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from alad.calibration import _checks
from alad.errors import InputError


class OnlineFDR:
    """LORD++ as a state that is JSON.

    >>> online = OnlineFDR(0.05)
    >>> online.decide([1e-6, 0.4, 1e-5]).tolist()
    [True, False, True]
    >>> OnlineFDR.from_json(online.to_json()).level == online.level
    True
    """

    def __init__(self, fdr: float) -> None:
        self.fdr = _checks.share("a false discovery rate", fdr, 0.05)
        self.seen = 0
        self.discoveries: list[int] = []

    @property
    def level(self) -> float:
        """α_t for the row that comes next."""
        t, first = self.seen + 1, self.fdr / 2
        since = t - np.array(self.discoveries, np.float64)
        shares = np.full(len(since), self.fdr)
        shares[:1] = self.fdr - first
        return float(first * _gamma(np.array([t]))[0] + (shares * _gamma(since)).sum())

    def decide(self, p: Iterable[float]) -> NDArray[np.bool_]:
        """Say of the next p-values, one after the other, which are discoveries.

        Raises
        ------
        InputError
            One is none, or they do not come in a row.
        """
        if not isinstance(p, Iterable):
            raise InputError(f"Expected p-values in a row; got {p!r}. Pass [{p!r}], say.")
        given = list(p)
        every = _checks.p_values(given) if given else given
        return np.array([self._next(one) for one in every], np.bool_)

    def _next(self, p: float) -> bool:
        found = bool(p <= self.level)
        self.seen += 1
        if found:
            self.discoveries.append(self.seen)
        return found

    def to_json(self) -> dict[str, Any]:
        """All of the state, as JSON."""
        return {
            "rule": "LORD++",
            "fdr": self.fdr,
            "seen": self.seen,
            "discoveries": list(self.discoveries),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Go on from what :meth:`to_json` gave.

        Raises
        ------
        InputError
            It gave something else.
        """
        try:
            online = cls(state["fdr"])
            seen, found = int(state["seen"]), [int(t) for t in state["discoveries"]]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "Expected a state with fdr, seen and discoveries, as to_json gives it; got "
                f"{state!r:.80}."
            ) from error
        ascend = seen >= 0 and found == sorted({t for t in found if 1 <= t <= seen})
        if not ascend or state.get("rule") != "LORD++":
            raise InputError(
                "Expected a state of LORD++ whose discoveries ascend from 1 to seen; got "
                f"{state!r:.80}."
            )
        online.seen, online.discoveries = seen, found
        return online


def _gamma(t: NDArray[Any]) -> NDArray[np.float64]:
    """γ_t for t >= 1."""
    log = np.log(t)
    gamma: NDArray[np.float64] = 0.0722 * np.log(np.maximum(t, 2)) / (t * np.exp(np.sqrt(log)))
    return gamma
