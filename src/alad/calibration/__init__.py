"""From scores to decisions: where to put the line, and what that promises.

Everywhere in this package but in :func:`offset_at_contamination` a score is A(x): *larger* for an
anomaly. No function here looks at a detector; all of them take scores.
"""

from alad.calibration.absorb import Absorbed, absorbed
from alad.calibration.budget import Budget
from alad.calibration.conformal import (
    Calibration,
    benjamini_hochberg,
    conformal_p_values,
    fewest_discoveries,
    randomised_p_values,
)
from alad.calibration.drift import Moved, moved
from alad.calibration.exchangeability import Verdict, exchangeability, martingale
from alad.calibration.online import OnlineFDR
from alad.calibration.thresholds import (
    Decision,
    at_false_discovery_rate,
    at_false_positive_rate,
    at_labels,
    offset_at_contamination,
    share_below_offset,
)

__all__ = [
    "Absorbed",
    "Budget",
    "Calibration",
    "Decision",
    "Moved",
    "OnlineFDR",
    "Verdict",
    "absorbed",
    "at_false_discovery_rate",
    "at_false_positive_rate",
    "at_labels",
    "benjamini_hochberg",
    "conformal_p_values",
    "exchangeability",
    "fewest_discoveries",
    "martingale",
    "moved",
    "offset_at_contamination",
    "share_below_offset",
    "randomised_p_values",
]
