"""The kinds of columns: what each learns, and how it becomes features.

A new kind is one class and one entry here; :mod:`alad.preprocessing.learning.columns` says which
columns are taken for it unasked.
"""

from __future__ import annotations

from alad.preprocessing.kinds._base import Batch, Encoded, Kind, Learned, Learner, Settings
from alad.preprocessing.kinds.addresses import Ip, Port
from alad.preprocessing.kinds.numbers import Boolean, LogNumeric, Numeric
from alad.preprocessing.kinds.times import Time
from alad.preprocessing.kinds.urls import Url
from alad.preprocessing.kinds.words import Categorical, Frequency, Text

IGNORED = "ignored"

KINDS: dict[str, Kind] = {
    "numeric": Numeric(),
    "log-numeric": LogNumeric(),
    "boolean": Boolean(),
    "categorical": Categorical(),
    "frequency": Frequency(),
    "time": Time(),
    "text": Text(),
    "ip": Ip(),
    "port": Port(),
    "url": Url(),
}

__all__ = ["IGNORED", "KINDS", "Batch", "Encoded", "Kind", "Learned", "Learner", "Settings"]
