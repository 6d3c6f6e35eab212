"""From scores to decisions: where to put the line.

Here as in scikit-learn a score is *lower* for an anomaly, and a row is flagged when
``score_samples(x) - offset`` is negative.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alad.errors import InputError


def offset_at_contamination(score_samples: ArrayLike, contamination: float) -> float:
    """The offset below which the share ``contamination`` of the training scores lies.

        offset = the 100 * contamination percentile of score_samples

    linearly interpolated between two scores, as in scikit-learn's ``IsolationForest``.

    Parameters
    ----------
    score_samples : (n,) finite training scores, lower = more anomalous.
    contamination : the share of training rows to flag, in (0, 0.5].

    Raises
    ------
    InputError
        The contamination is out of range, there is no score, or one is not finite.

    >>> offset_at_contamination([-4.0, -1.0, -2.0, -3.0, 0.0], 0.25)
    -3.0
    """
    if not 0 < contamination <= 0.5:
        raise InputError(
            f"Expected contamination in (0, 0.5]; got {contamination!r}. It is the share of "
            "training rows to flag, such as 0.05."
        )
    scores = np.asarray(score_samples, np.float64)
    if scores.ndim != 1 or len(scores) == 0 or not np.isfinite(scores).all():
        raise InputError(
            f"Expected at least one finite score, shape (n,); got shape {scores.shape} with "
            f"{int((~np.isfinite(scores)).sum())} that are NaN or infinite."
        )
    return float(np.percentile(scores, 100 * contamination))
