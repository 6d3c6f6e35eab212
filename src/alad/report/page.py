"""A summary of results as one self-contained HTML page: nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from alad.metrics import mean_and_sd_as_text
from alad.report import figures


def render(
    summary: Mapping[str, Any],
    pictures: Mapping[str, bytes] | None = None,
    drew: Callable[[int], None] = lambda figures: None,
) -> str:
    """Give the page of what :func:`alad.experiments.summary.summarise` gathered.

    ``pictures`` are PNG files by title, which the page shows at its end. ``drew`` is told of each
    of its :func:`figures_in` when it is there: they take nearly all of the time.
    """
    environment = Environment(
        loader=PackageLoader("alad.report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "short": short,
        "settings": settings,
        "cores": cores,
    }

    def drawn(svg: str) -> Markup:
        drew(1)
        return Markup(svg)  # our own, with its texts escaped

    return environment.get_template("tables.html").render(
        tables=[table | {"bars": drawn(figures.bars(table))} for table in summary["tables"]],
        one_class=[
            table | {"bars": drawn(figures.one_class(table))} for table in summary["one_class"]
        ],
        pictures={title: as_url(png) for title, png in (pictures or {}).items()},
        panels=[_panel(panel, drawn) for panel in summary["panels"]],
        sources=summary["sources"],
        verdict=verdict(summary["tables"]),
        verdict_marks={
            mark: note for table in summary["tables"] for mark, note in table["footnotes"].items()
        },
        costs=summary["costs"],
    )


def figures_in(summary: Mapping[str, Any]) -> int:
    """How many figures the page of a summary has."""
    of_panels = sum(1 + len(one["methods"]) + len(one["training"]) for one in summary["panels"])
    return len(summary["tables"]) + len(summary["one_class"]) + of_panels


def _panel(panel: Mapping[str, Any], drawn: Callable[[str], Markup]) -> dict[str, Any]:
    return {
        "title": panel["title"],
        "curves": drawn(figures.curves(panel)),
        "histograms": [
            {"label": method["label"], "svg": drawn(figures.histogram(method))}
            for method in panel["methods"]
        ],
        "training": [
            {"label": entry["label"], "svg": drawn(figures.training(entry))}
            for entry in panel["training"]
        ],
    }


def as_url(png: bytes) -> Markup:
    """Give a PNG file as an address that holds it whole."""
    return Markup("data:image/png;base64," + base64.b64encode(png).decode())


def verdict(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """List the rows that answer to a published number, the furthest from it first.

    >>> verdict([])
    []
    """
    found = [
        {
            "table": table["title"],
            "label": row["label"],
            "ours": row["ours"]["f1"],
            "published": row["published"],
            "within": row["within"],
            "gap": row["ours"]["f1"]["mean"] - row["published"]["f1"],
            "far": row["far"],
            "why": row["why"],
        }
        for table in tables
        for row in table["rows"]
        if row["ours"] and row["published"]
    ]
    return sorted(found, key=lambda entry: -abs(float(entry["gap"])))


def number(value: Mapping[str, float | None]) -> Markup:
    """Give a mean with its deviation, which goes to a line of its own where columns are narrow.

    >>> print(number({"mean": 0.91234, "sd": 0.00561}))
    0.9123 <span class="sd">± 0.0056</span>
    """
    mean, *deviation = mean_and_sd_as_text(value).split(" ", 1)
    return Markup(" ").join([mean, *map(Markup('<span class="sd">{}</span>').format, deviation)])


def cores(n: int) -> str:
    """Say how many cores a machine has.

    >>> cores(1), cores(2)
    ('1 core', '2 cores')
    """
    return f"{n} core" if n == 1 else f"{n} cores"


def short(value: float) -> str:
    """Give a number with four digits behind the point, and a sign.

    >>> short(-0.01234), short(0.5)
    ('−0.0123', '+0.5000')
    """
    return f"{value:+.4f}".replace("-", "−")


def settings(values: Mapping[str, Any]) -> str:
    """Give settings as they would be typed.

    >>> settings({"epochs": 10, "scaling": "none"})
    "epochs=10, scaling='none'"
    """
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
