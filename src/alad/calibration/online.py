r"""Alerts on a stream at a false discovery rate: decide each row when it comes, for good.

LORD++: the t-th row is a discovery if its p-value is at most

.. math:: \alpha_t = w_0 \gamma_t + (\alpha - w_0) \gamma_{t - \tau_1}
                     + \alpha \sum_{j \ge 2} \gamma_{t - \tau_j}

where τ_j is when the j-th discovery was made, w_0 = α / 2, and γ_t = 0.0722 log(max(t, 2)) /
(t exp(√log t)) sums to at most 1.

Differs from the paper: beyond t = 64 our γ falls in steps, each a 32nd longer than the one before,
to what the paper's has at their end, and beyond 2^31 it is 0. Any γ that never rises and sums to
at most 1 keeps the promise; this one is nowhere above the paper's and nowhere 4 % below, and a
level then takes no longer after a hundred thousand discoveries than after ten.

Sources: Javanmard, Montanari. Online Rules for Control of False Discovery Rate. Annals of
Statistics, 2018 (LORD, and γ). Ramdas, Yang, Wainwright, Jordan. Online Control of the False
Discovery Rate with Decaying Memory. NeurIPS 2017 (LORD++).

The proof asks for p-values that are independent, as those of one calibration set are only nearly.
α_t falls without discoveries, and no conformal p-value is below 1 / (m + 1): a long silence leaves
the rule without power. ``level`` says where it stands.
"""

from __future__ import annotations

from array import array
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
        self.discoveries = array("q")

    @property
    def level(self) -> float:
        """α_t for the row that comes next; it falls until there is a discovery."""
        t, first = self.seen + 1, self.fdr / 2
        level = first * _sum_of_gamma(np.array([0]), t)
        if self.discoveries:
            found = np.frombuffer(self.discoveries, np.int64)
            level += self.fdr * _sum_of_gamma(found, t) - first * _sum_of_gamma(found[:1], t)
        return level

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
        found = np.zeros(len(given), np.bool_)
        at_most = self.level
        for i, one in enumerate(every):
            if one <= at_most:  # the level of an earlier row, so this one's may be lower
                at_most = self.level
                found[i] = one <= at_most
            self.seen += 1
            if found[i]:
                self.discoveries.append(self.seen)
                at_most = self.level
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
            seen, found = int(state["seen"]), array("q", map(int, state["discoveries"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                "Expected a state with fdr, seen and discoveries, as to_json gives it; got "
                f"{state!r:.80}."
            ) from error
        ascend = seen >= 0 and list(found) == sorted({t for t in found if 1 <= t <= seen})
        if not ascend or state.get("rule") != "LORD++":
            raise InputError(
                "Expected a state of LORD++ whose discoveries ascend from 1 to seen; got "
                f"{state!r:.80}."
            )
        online.seen, online.discoveries = seen, found
        return online


def _gamma(t: NDArray[Any]) -> NDArray[np.float64]:
    """The paper's γ_t for t >= 1."""
    log = np.log(t)
    gamma: NDArray[np.float64] = 0.0722 * np.log(np.maximum(t, 2)) / (t * np.exp(np.sqrt(log)))
    return gamma


def _ends() -> NDArray[np.int64]:
    """The last t of each step of γ: of one number up to 64, then each a 32nd longer."""
    ends = list(range(1, 65))
    while ends[-1] < 2**31:
        ends.append(ends[-1] * 33 // 32)
    return np.array(ends)


ENDS = _ends()
FALLS = -np.diff(_gamma(ENDS), append=0)
"""How far γ falls at the end of each step: γ_t is the sum of those at t and after it."""


def _sum_of_gamma(found: NDArray[np.int64], t: int) -> float:
    """The sum of γ_{t - τ} over ascending times τ, all before t."""
    younger = len(found) - np.searchsorted(found, t - ENDS)
    return float(FALLS @ younger)
