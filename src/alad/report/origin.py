"""How a table was scored, as its file tells, and how many alerts may be false by that rule.

``alad score`` writes it into the footer of a Parquet file, under the key ``alad``; other files
have no place for it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alad.report.tally import Extent

KEY = "alad"
FORMAT = 1
FIELDS = {"model": str, "detector": str, "table": str, "rows": int, "anomalies": int, "date": str}
DECIDED = {"rule": str, "promise": str, "assumption": str}
# As calibration calls its rules.
RATE = re.compile(r"(false discovery|false-positive) rate \S+( on a stream)?")


@dataclass(frozen=True)
class Origin:
    """What a file tells, or why nothing that it tells is used."""

    facts: Mapping[str, Any] | None = None
    """``model``, ``detector``, ``table``, ``rows``, ``anomalies``, ``date``, ``decision`` and
    ``alerts_only``, whether the file has the flagged rows alone."""
    note: str | None = None


def read(text: str | bytes | None) -> Origin:
    """Read what stands in the footer; what is damaged is left out, with a note.

    >>> read(None)
    Origin(facts=None, note=None)
    >>> read('{"format": 7}').note
    'The file tells how it was scored in format 7, which is not known here.'
    """
    if text is None:
        return Origin()
    try:
        told = json.loads(text)
        if (version := told["format"]) != FORMAT:
            return Origin(
                note=f"The file tells how it was scored in format {version!r:.20}, which is not "
                "known here."
            )
        return Origin(_checked(told))
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"
        return Origin(note=f"What the file tells of how it was scored is damaged ({what:.80}).")


def _checked(told: Mapping[str, Any]) -> dict[str, Any]:
    decision = told["decision"]
    threshold, note = decision["threshold"], decision["note"]
    _check_kinds(told, FIELDS)
    _check_kinds(decision, DECIDED)
    if note is not None and not isinstance(note, str):
        raise TypeError("note is no text")
    if threshold is not None:
        threshold = float(threshold)
        threshold = threshold if math.isfinite(threshold) else None
    kept = {name: decision[name] for name in DECIDED}
    decided = kept | {"threshold": threshold, "note": note, "level": _level(decision)}
    alerts_only = told.get("alerts_only", False)  # which files from before do not tell
    if type(alerts_only) is not bool:
        raise TypeError(f"alerts_only is {alerts_only!r:.20}")
    facts = {name: told[name] for name in FIELDS}
    return facts | {"decision": decided, "alerts_only": alerts_only}


def _level(decision: Mapping[str, Any]) -> float | None:
    """The rate that a rule is of, if it is of one."""
    told = decision["level"]
    if told is None:
        return None
    level = float(told)
    if not 0 < level < 1:
        raise ValueError(f"level is {told!r:.20}")
    return level


def _check_kinds(told: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    for name, kind in kinds.items():
        if type(told[name]) is not kind:
            raise TypeError(f"{name} is {told[name]!r:.20}")


def disagreement(origin: Origin, extent: Extent, detector: str) -> str | None:
    """Say in what the table is not the one that its file tells of; None where it is."""
    told = origin.facts
    if told is None:
        return None
    if told["detector"] != detector:
        return f"The file tells of a {told['detector']}; the model given here is a {detector}."
    rows = told["anomalies"] if told["alerts_only"] else told["rows"]
    if (rows, told["anomalies"]) != (extent.rows, extent.alerts):
        return (
            f"The file tells of {rows:,} rows and {told['anomalies']:,} alerts; the table "
            f"has {extent.rows:,} and {extent.alerts:,}. Rows were changed after scoring, and "
            "nothing is promised of those that are left."
        )
    return None


def false_alerts(rule: str, level: float | None, rows: int, alerts: int) -> str | None:
    """Say how many alerts may be expected to be false; None where the rule promises nothing.

    >>> false_alerts("false discovery rate 0.05", 0.05, 10_000, 240)
    'At most 12 of the 240 alerts, on average over calibrations and tables like these.'
    >>> false_alerts("false-positive rate 0.001", 0.001, 10_000, 240)
    'At most 10 of the 240 alerts, on average: that many if all 10,000 rows were normal.'
    >>> false_alerts("false discovery rate 0.05 on a stream", 0.05, 10_000, 240)
    'Of the latest alerts, and one more, a share of at most 0.05, on average.'
    >>> false_alerts("the model's threshold", None, 10_000, 240) is None
    True
    """
    found = RATE.fullmatch(rule)
    if found is None or level is None:
        return None
    if not alerts:
        return "None: there is no alert."
    if found[2]:
        return f"Of the latest alerts, and one more, a share of at most {level:g}, on average."
    of_alerts = found[1] == "false discovery"
    most = level * (alerts if of_alerts else rows)
    start = f"At most {_few(most)} of the {alerts:,} alert{'s' * (alerts > 1)}, on average"
    if of_alerts:
        return f"{start} over calibrations and tables like these."
    if most >= alerts:
        return (
            f"Perhaps all: of {rows:,} normal rows {_few(most)} would be flagged on average, and "
            f"{alerts:,} are."
        )
    return f"{start}: that many if all {rows:,} rows were normal."


def unpromised(flagged_at_fit: float, rows: int, alerts: int) -> str:
    """Say what the model's threshold would flag of normal rows, which is no promise.

    >>> unpromised(0.01, 2_000, 45)
    'Not promised. If the rows were like those of training, about 20 normal ones would be flagged; \
45 are.'
    """
    usual = _few(flagged_at_fit * rows)
    ones, are = "one" if usual == "1" else "ones", "is" if alerts == 1 else "are"
    return (
        f"Not promised. If the rows were like those of training, about {usual} normal {ones} would "
        f"be flagged; {alerts:,} {are}."
    )


def _few(count: float) -> str:
    return f"{count:,.0f}" if count >= 10 or count == round(count) else f"{count:.2g}"
