"""Pages of one model, each a self-contained file: a report to triage from, a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from alad.calibration import share_below_offset
from alad.estimators import DETECTORS
from alad.report import drawings, origin, words
from alad.report.cases import EXPLAINED
from alad.report.groups import GROUPS
from alad.report.page import as_url, settings
from alad.report.visible import BREAKING, STEERING, in_one_line, visible

ALONE = "The table has alerts alone: how scores lie, and over time, is said of those."
MODELS_OWN = "the model's threshold"  # as 'alad score' calls its rule without an option


def triage(summary: Mapping[str, Any], date: str | None = None) -> str:
    """Give the page of what :func:`alad.report.triage.summarise` gathered.

    ``date`` is that of the model's folder.
    """
    line = summary["scores"]["threshold"]
    calibration = summary["calibration"]
    drawn = {
        "scores": drawings.scores(summary["scores"]),
        "counts": drawings.counts_over(summary["over"]),
        "quantiles": drawings.quantiles_over(summary["over"], line),
        "p_values": drawings.p_values(calibration) if calibration else "",
    }
    return _page(
        "triage.html",
        **{**summary, "model": summary["model"] | {"date": date}},
        drawn={name: Markup(svg) for name, svg in drawn.items()},  # our own: no text of the data
        judged=judged(summary["scored"], summary["model"]),
        calibration_said=calibration and calibration_said(calibration),
        are_lifted=drawings.lifted(alerts := summary["over"]["alerts"]) != alerts,
        severe=GROUPS // 2,
        explained_limit=EXPLAINED,
        hidden=f"[{STEERING}{BREAKING}]",
    )


def card(
    facts: Mapping[str, Any],
    history: Mapping[str, Any] | None = None,
    calibration: Sequence[float] = (),
) -> str:
    """Give the page of what ``alad info`` tells of a model.

    Parameters
    ----------
    facts : what ``alad info --json`` prints, with ``place`` and ``calibration_rows``.
    history : the losses of training, by epoch.
    calibration : scores of the calibration rows, ascending.
    """
    drawn = {
        "losses": drawings.losses(history) if history and history["losses"] else "",
        "calibration": (
            drawings.calibration_scores(calibration, -facts["offset"]) if len(calibration) else ""
        ),
    }
    given = {name: value for name, value in facts["parameters"].items() if value is not None}
    read = [column for column in facts["columns"] or () if column["features"]]
    return _page(
        "card.html",
        **facts,
        read=words.out_of(len(read) or facts["n_columns"], facts["n_columns"]),
        can_be_looked_at=hasattr(DETECTORS.get(facts["detector"]), "reconstruct"),
        drawn={name: Markup(svg) for name, svg in drawn.items()},
        given=given,
        flagged_at_fit=share_below_offset(given["contamination"], facts["rows_at_fit"]),
        calibrated_on=len(calibration),
        flagged=sum(score > -facts["offset"] for score in calibration) / max(len(calibration), 1),
    )


def looked(facts: Mapping[str, Any], png: bytes) -> str:
    """Give the page of what ``alad look`` drew.

    ``facts`` are what ``alad look --json`` prints, with ``place``, ``detector``, ``threshold`` and
    how many pictures lie ``above`` it.
    """
    makes = hasattr(DETECTORS.get(facts["detector"]), "generate")
    return _page("look.html", **facts, makes=makes, image=as_url(png))


def quiet(place: str, told: Mapping[str, Any] | None) -> str:
    """Give the page of a table of alerts alone that has none, with what its file tells, or None."""
    return _page("quiet.html", place=place, told=told)


def judged(scored: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, str | None]:
    """Say by which rule a row is an alert, and what may be expected of that.

    Returns
    -------
    dict
        ``rule``, and where it is known ``promise``, ``assumption``, ``note`` and ``false``: how
        many alerts are expected to be false.
    """
    alone = ALONE if scored["alerts_only"] else None
    if scored["origin"] is None:
        return {
            "rule": rule(scored, model),
            "promise": None,
            "assumption": None,
            "note": _joined(alone, scored["origin_note"]),
            "false": _by_threshold(scored) if scored["by_threshold"] else None,
        }
    decision, note = scored["origin"]["decision"], scored["origin_note"]
    threshold = decision["threshold"]
    above = "" if threshold is None else f": scores above {threshold:.6g}"
    return {
        "rule": f"{decision['rule'][:1].upper()}{decision['rule'][1:]}{above}.",
        "promise": decision["promise"],
        "assumption": None if decision["assumption"] == "None." else decision["assumption"],
        "note": _joined(decision["note"], alone, note),
        "false": None if note else _false(scored, decision),
    }


def _joined(*texts: str | None) -> str | None:
    return " ".join(filter(None, texts)) or None


def _false(scored: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
    """Say how many alerts are expected to be false by the rule that the file tells of."""
    name, level = decision["rule"], decision["level"]
    if name == MODELS_OWN:
        return _by_threshold(scored)
    said = origin.false_alerts(name, level, scored["rows"], scored["alerts"])
    return said or "Not known: the rule promises nothing of it."


def _by_threshold(scored: Mapping[str, Any]) -> str:
    """Say the same of the model's threshold."""
    return origin.unpromised(scored["flagged_at_fit"], scored["rows"], scored["alerts"])


def rule(scored: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """Say what made a row an alert, where the file does not tell.

    >>> rule({"by_threshold": True, "flagged_at_fit": 0.01}, {"threshold": 1.5})
    'A row is an alert above the threshold 1.5, which flags 1.00% of the training rows.'
    """
    threshold = f"the threshold {model['threshold']:.6g}"
    if scored["by_threshold"]:
        return (
            f"A row is an alert above {threshold}, which flags {scored['flagged_at_fit']:.2%} of "
            "the training rows."
        )
    if scored["alerts_only"]:
        return "Which rule made these rows alerts, the table does not tell."
    if scored["lowest_alert"] is None:
        return f"The rule that was given to 'alad score' flags no row ({threshold} would)."
    p = scored["largest_p_alert"]
    return (
        f"The rule that was given to 'alad score', not {threshold}. The lowest score of an alert "
        f"is {scored['lowest_alert']:.6g}" + ("." if p is None else f", the largest p {p:.4g}.")
    )


def calibration_said(found: Mapping[str, Any]) -> str:
    """Say in a sentence what the p-values show.

    >>> calibration_said({"small": 0.05, "share_small": 0.25, "alike": 0.8})
    '25.0% of the rows have p at most 0.05, where rows like those of calibration would be 5.0%; \
from the upper half one would say that about 80% of the rows are like those of calibration.'
    """
    start = (
        f"{found['share_small']:.1%} of the rows have p at most {found['small']:g}, where rows "
        f"like those of calibration would be {found['small']:.1%}; "
    )
    alike = found["alike"]
    if alike > 1.1:
        return start + (
            "more rows than expected lie in the upper half: the new rows score lower than those of "
            "calibration, so that p-values are cautious."
        )
    return start + (
        f"from the upper half one would say that about {min(alike, 1):.0%} of the rows are like "
        "those of calibration."
    )


def _page(template: str, **content: Any) -> str:
    environment = Environment(
        loader=PackageLoader("alad.report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=as_seen,
    )
    environment.filters |= {
        "count": "{:,}".format,
        "counted": words.counted,
        "number": number,
        "percent": percent,
        "rarity": rarity,
        "method": words.method,
        "settings": settings,
        "settings_in_words": words.settings_in_words,
        "of_pictures": words.of_pictures,
        "trained_on": words.trained_on,
        "recalibrated": words.recalibrated,
    }
    made_by = f"Made by alad {metadata.version('alad')}."
    return environment.get_template(template).render(made_by=made_by, **content)


def as_seen(value: Any) -> Any:
    """Give a text with what one would not see, or would see turned round, as codes.

    >>> print(as_seen("a" + chr(0) + chr(10) + "b"), as_seen(7))
    a\\x00\\nb 7
    """
    is_text = isinstance(value, str) and not isinstance(value, Markup)  # which is our own
    return in_one_line(visible(value)) if is_text else value


def number(value: float) -> str:
    """Give a number with four significant digits.

    >>> number(12345.678), number(0.000123456), number(2.0)
    ('12,346', '0.0001235', '2')
    """
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def percent(share: float, digits: int = 1) -> str:
    """Give a share in percent; what is not nothing does not look so.

    >>> percent(0.123), percent(0.00001), percent(0), percent(1)
    ('12.3 %', '< 0.1 %', '0 %', '100 %')
    """
    least = 10.0 ** -(digits + 2)
    if 0 < share < least:
        return f"< {least * 100:g} %"
    return f"{share * 100:.{digits}f}".removesuffix("." + "0" * digits) + " %"


def rarity(share: float | None) -> str:
    """Give the share of normal rows with such a value, where there are rows to tell.

    >>> rarity(0.0), rarity(0.5), rarity(0.002), rarity(None)
    ('none', '50 %', '0.2 %', '–')
    """
    if share is None:
        return "–"
    return "none" if share <= 0 else percent(share)
