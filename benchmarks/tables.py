"""Tables of the stored results, as Markdown: ``python -m benchmarks.tables`` renews the README's.

Between ``<!-- table: NAME -->`` and ``<!-- end -->`` stands what the result NAME says, so that no
figure is typed by hand; a test holds the two together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alad.experiments import panels, quality
from alad.experiments.compare import compared, summary
from alad.experiments.one_class import ONE_CLASS, one_class
from alad.experiments.registry import TABLES
from alad.metrics import mean_and_sd_as_text
from alad.report.words import counted

TABULAR, PICTURES, QUALITY, BY_TABLE = "tabular/", "one-class/", "quality/", "by-table/"
BRIEFLY, VARIED = "briefly/", "tried/"
ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = tuple(
    ROOT / page
    for page in (
        "README.md",
        "docs/decisions.md",
        "docs/results.md",
        "docs/pictures.md",
        "docs/quality.md",
        "docs/experiments.md",
        "docs/alerts.md",
        "docs/triage.md",
        "docs/reasons.md",
        "docs/large-tables.md",
        "docs/cost.md",
    )
)
BLOCK = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
TITLES = ("precision", "recall", "F1", "AUROC", "average precision")
METRICS = ("precision", "recall", "f1", "auroc", "average_precision")
RATIOS = {"times slower": "time, relative"}  # below 1 is faster
OF_FEWER = ("no fewer,", "without knots", "less")
OF_KEPT = ("4,096", "16,384", "all rows", "kept rows", "half of", "nothing squashed")
OF_NEAREST = ("five", "twenty", "not relative", "wholly")
CLEAN, MIXED, KDD99, CORRECTED = "one-class", "contaminated", "kdd99", "kdd99-corrected"
KEEL, KEEL_MIXED, ARRHYTHMIA = "keel", "keel-contaminated", "arrhythmia"
TRIED = {  # the result, what the names of variations begin with, and on what they are shown
    "trust": (
        "tried",
        ("ALAD()", "and reconstruction", "no floor", "a floor"),
        (CLEAN, KDD99, MIXED),
    ),
    "doubt": (
        "tried",
        ("ALAD()", "no doubt", "a doubt", "joined", "and likelihood"),
        (CLEAN, KDD99, CORRECTED),
    ),
    "fewer": ("memories", ("ALAD()", *OF_FEWER), (CLEAN, KDD99, MIXED)),
    "kept": ("memories", ("ALAD()", *OF_KEPT, *OF_NEAREST), (CLEAN, KDD99, CORRECTED)),
    "features": ("features", ("",), (CLEAN, KDD99, CORRECTED)),
    "latent": ("latent", ("",), (CLEAN, KEEL)),
    "anew": ("anew", ("",), (CLEAN, MIXED)),
    "forgeries": ("forgeries", ("",), (CLEAN, KEEL, KDD99, CORRECTED)),
    "robust": ("robust", ("",), (CLEAN, MIXED, KEEL, KEEL_MIXED, KDD99, CORRECTED)),
    "flags": ("flags", ("",), (KEEL, ARRHYTHMIA, KDD99, CORRECTED)),
    "scalings": ("scalings", ("",), (CLEAN, KDD99, CORRECTED)),
}
FACTS = {  # of a race, beside its contestants
    "fit_50k_s": "`ALAD()` fits 50,000 of these rows in {:.0f} s, compiling included.",
    "rows": "{:,} rows of 41 columns, a process each, its start included.",
    "model_mb": "Its model, of all 200,000, takes {:.2f} MB.",
}


def renewed(text: str) -> str:
    """The page with every table made anew from its result."""
    return BLOCK.sub(lambda m: m[1] + table(m[2]) + m[3], text)


def table(name: str) -> str:
    """One stored result as a Markdown table, with how it came about below.

    ``tabular/NAME`` is a table of the registry, made of as many results as it has methods;
    ``one-class/NAME`` one of the tables for pictures; ``quality/NAME`` a panel of detectors, and
    ``by-table/NAME`` the same, table by table, and ``briefly/NAME`` the default and the controls;
    ``tried/NAME`` those of the variations that are about one thing.
    """
    if name.startswith(TABULAR):
        return tabular(compared(TABLES[name.removeprefix(TABULAR)], RESULTS / "tabular"))
    if name.startswith(PICTURES):
        return pictures(one_class(ONE_CLASS[name.removeprefix(PICTURES)], RESULTS / "one-class"))
    if name.startswith(QUALITY):
        return panel(_panel(name.removeprefix(QUALITY)))
    if name.startswith(BRIEFLY):
        whole = _panel(name.removeprefix(BRIEFLY))
        rows = [r for r in whole["rows"] if r["is_first"] and (r["control"] or r["name"] == "alad")]
        return panel({**whole, "rows": rows})
    if name.startswith(BY_TABLE):
        return by_table(_panel(name.removeprefix(BY_TABLE)))
    if name.startswith(VARIED):
        result, begins, columns = TRIED[name.removeprefix(VARIED)]
        stored = json.loads((RESULTS / f"{result}.json").read_text("utf-8"))
        return f"{tried(stored['payload'], begins, columns)}\n{source(stored)}\n"
    stored = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    payload = stored["payload"]
    by_kind = {
        "selection": selection,
        "ablation": ablation,
        "contamination": contamination,
        "candidates": candidates,
        "mixtures": mixtures,
        "washers": washers,
        "reasons": reasons,
        "fresh": fresh,
        "conformal": conformal,
        "streams": streams,
        "triage": groups,
        "contestants": race,
    }
    found = next((write for kind, write in by_kind.items() if kind in payload), None)
    body = found(payload) if found else kdd99(stored)
    return f"{body}\n{source(stored)}\n"


def tabular(table: Mapping[str, Any]) -> str:
    """Every row with its seeds and epochs, ours beside the published F1."""
    head = ("method", "seeds", "epochs", *TITLES, "published F1")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in table["rows"]:
        theirs = row["published"]
        published = f"{theirs['f1']:.4f}{theirs['mark']}" if theirs else ""
        name = f"**{row['label']}**" if row["is_reference"] else row["label"]
        ours = row["ours"]
        seeds, epochs = (len(row["seeds"]), row["settings"].get("epochs", "")) if ours else (0, "")
        measured = [mean_and_sd_as_text(ours[metric]) if ours else "" for metric in METRICS]
        lines.append(f"| {' | '.join(map(str, (name, seeds, epochs, *measured, published)))} |")
    commits = sorted({commit for row in table["rows"] if row["ours"] for commit in row["commits"]})
    command = f"`alad reproduce tabular {table['name']}`, commits {', '.join(commits)}."
    noted = [table["note"]] if table["note"] else []
    about = f"<sub>{' '.join([command, *noted, *_footnotes(table)])}</sub>"
    return "\n".join([*lines, "", *_away(table), about, ""])


def _away(table: Mapping[str, Any]) -> list[str]:
    """Why rows are more than two of our deviations from the published, each reason once."""
    rows: dict[str, list[str]] = {}
    for row in table["rows"]:
        if row["within"] is False:
            rows.setdefault(row["why"], []).append(row["label"])
    if not rows:
        return []
    spread = [row["label"] for row in table["rows"] if row["within"] and row["far"]]
    head = "More than two of our standard deviations away from the published number:"
    lines = [head, "", *(f"- {', '.join(names)}: {why}" for why, names in rows.items()), ""]
    if spread:
        lines += [f"Within them only because ours spread widely: {', '.join(spread)}.", ""]
    return lines


def pictures(table: Mapping[str, Any]) -> str:
    """AUROC by class, those classes that any row has, and the mean beside the published one."""
    rows = table["rows"]
    classes = [name for name in table["classes"] if any(row["cells"][name] for row in rows)]
    head = ("method", "seeds", "epochs", *classes, "mean", "published mean of ten")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in rows:
        found = [row["cells"][name] for name in classes]
        cells = ["" if cell is None else f"{cell['auroc']['mean']:.4f}" for cell in found]
        theirs = row["published"]
        published = mean_and_sd_as_text(theirs) + theirs["mark"] if theirs else ""
        seeds = _each({len(cell["seeds"]) for cell in found if cell})
        asked = _each({cell["epochs_asked"] for cell in found if cell} - {None})
        mean = "" if row["mean"] is None else mean_and_sd_as_text(row)
        epochs = row["epochs"] if row["epochs"] in ("", asked) else f"{row['epochs']} of {asked}"
        lines.append(f"| {' | '.join((row['label'], seeds, epochs, *cells, mean, published))} |")
    for row in table["by_class"]:
        printed = [f"{row['classes'][table['classes'].index(name)]:.2f}" for name in classes]
        cells = (row["method"], "", "", *printed, "", f"{row['mean']:.4f}")
        lines.append(f"| {' | '.join(cells)} |")
    commits = sorted(
        {c for row in rows for cell in row["cells"].values() if cell for c in cell["commits"]}
    )
    filled = [row for row in rows if row["mean"] is not None]
    whole = all(row["is_whole"] for row in filled)
    most = max(len(cell["seeds"]) for row in rows for cell in row["cells"].values() if cell)
    typed = f"alad reproduce {table['data_set']}" + (f" --full --seeds {most}" if whole else "")
    fewer = " and with fewer seeds" if whole and most > 1 else ""
    command = f"`{typed}`{fewer}, commits {', '.join(commits)}."
    sources = [*_footnotes(table), *(f"Pictures: {source}." for source in table["sources"])]
    sources += [f"{row['method']}: {row['source']}." for row in table["by_class"]]
    short = "" if whole else " Short: fewer classes or epochs."
    return "\n".join([*lines, "", f"<sub>{' '.join([command + short, *sources])}</sub>", ""])


def _footnotes(table: Mapping[str, Any]) -> list[str]:
    """What the marks beside published numbers mean."""
    return [f"{mark} {note}." for mark, note in table["footnotes"].items()]


def _each(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def _panel(name: str) -> Mapping[str, Any]:
    return quality.compared(panels.PANELS[name], RESULTS / "quality")


def panel(panel: Mapping[str, Any]) -> str:
    """Every detector and score of a panel, the best mean AUROC first, with what it costs."""
    head = ("method", "score", "AUROC", "average precision", "F1", "mean rank", "fit, s", "row, µs")
    alone = len(panel["tables"]) == 1
    if alone:
        head = (*head[:5], "F1 less ALAD()'s, 95 %", *head[6:])
    if panel["kinds"]:
        head = (*head[:3], f"AUROC, mean of {len(panel['kinds'])} kinds", *head[3:])
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    reference = next((r for r in panel["rows"] if r["name"] == "alad" and r["is_first"]), None)
    for row in sorted(panel["rows"], key=lambda row: -row["mean"]["auroc"]):
        name = f"*{row['label']}*" if row["control"] else row["label"]
        name = f"**{name}**" if row["name"] == "alad" and row["is_first"] else name
        numbers = [_over_seeds(row, metric, panel["tables"], alone) for metric in quality.METRICS]
        if panel["kinds"]:
            numbers.insert(1, f"{row['mean_of_kinds']:.4f}")
        rank = "" if row["rank"] is None else f"{row['rank']:.2f}"
        rank = _less(row, reference, panel["tables"][0]) if alone else rank
        score = "" if row["score"] == "default" else row["score"]
        costs = (f"{row['fit_seconds']:.1f}", f"{row['microseconds']:.0f}")
        lines.append(f"| {' | '.join((name, score, *numbers, rank, *costs))} |")
    return "\n".join([*lines, "", _about(panel), ""])


def _over_seeds(row: Mapping[str, Any], metric: str, tables: list[str], alone: bool) -> str:
    """The mean over tables; of one table also the deviation between seeds."""
    if not alone:
        return f"{row['mean'][metric]:.4f}"
    return mean_and_sd_as_text(summary(row["per_seed"][metric][tables[0]]))


def _less(row: Mapping[str, Any], reference: Mapping[str, Any] | None, table: str) -> str:
    """The 95 % interval of the difference in F1 from the reference's, split by split."""
    if reference is None or row is reference:
        return ""
    ours, its = (one["per_seed"]["f1"][table] for one in (row, reference))
    found = summary([a - b for a, b in zip(ours, its, strict=True)])["interval"]
    return "" if found is None else f"{found[0]:+.4f} to {found[1]:+.4f}"


def by_table(panel: Mapping[str, Any]) -> str:
    """AUROC of the detectors' own scores on each table, the best in bold."""
    rows = [row for row in panel["rows"] if row["is_first"]]
    rows.sort(key=lambda row: -row["mean"]["auroc"])
    tables = panel["tables"]
    best = {table: max(row["by_table"]["auroc"][table] for row in rows) for table in tables}
    lines = [f"| method | {' | '.join(tables)} |", "|---" * (len(tables) + 1) + "|"]
    for row in rows:
        of = row["by_table"]["auroc"]
        cells = [
            f"**{of[table]:.3f}**" if of[table] == best[table] else f"{of[table]:.3f}"
            for table in tables
        ]
        lines.append(f"| {' | '.join((row['label'], *cells))} |")
    return "\n".join([*lines, "", _about(panel), ""])


def _about(panel: Mapping[str, Any]) -> str:
    commits = sorted({commit for row in panel["rows"] for commit in row["commits"]})
    of_each = sorted(set(panel["seeds"].values()))
    seeds = f"{'-'.join(map(str, of_each))} seed{'s' * (of_each != [1])}"
    first = f" --first-seed {panel['first_seed']}" if panel["first_seed"] else ""
    tables = counted(len(panel["tables"]), "table")
    said = (
        f"`alad bench quality {panel['name']}{first}`, {tables}, {seeds} each, "
        f"commits {', '.join(commits)}; controls in italics."
    )
    return f"<sub>{' '.join([said, *quality.absent(panel)])}</sub>"


def kdd99(stored: Mapping[str, Any]) -> str:
    """Published rows and ours."""
    payload = stored["payload"]
    lines = ["| method | precision | recall | F1 | AUROC | average precision |", "|---" * 6 + "|"]
    for row in payload["published"]:
        numbers = [f"{row[m]:.4f}" for m in METRICS[:3]]
        lines.append(f"| {row['method']} | {' | '.join(numbers)} | | |")
    for row in payload["rows"]:
        name = "**ALAD, ours**" if row["method"] == "ALAD" else row["method"]
        lines.append(
            f"| {name} | {' | '.join(mean_and_sd_as_text(row['at_cut'][m]) for m in METRICS)} |"
        )
    for row in payload["scores"]:
        if row["method"] != "features":
            cells = " | ".join(mean_and_sd_as_text(row["at_cut"][m]) for m in METRICS)
            lines.append(f"| ALAD, ours, score {row['method']} | {cells} |")
    return "\n".join(lines) + "\n"


def selection(payload: Mapping[str, Any]) -> str:
    """What labels say of criteria that look at none."""
    head = ("score", "told apart", "correlation", "above 0", "chosen", "by lot", "default", "best")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in payload["selection"]:
        aurocs = (f"{row[name]:.4f}" for name in ("chosen", "by_lot", "default", "best"))
        above = f"{row['above_0']} of {len(payload['tables'])}"
        cells = (row["score"], row["criterion"], f"{row['correlation']:.2f}", above, *aurocs)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def tried(payload: Mapping[str, Any], begins: tuple[str, ...], groups: Sequence[str]) -> str:
    """What variations of the default give, whose names begin so, by group of tables."""
    names = {"auroc": "AUROC", "average_precision": "AP", "f1": "F1"}
    both, every = ("auroc", "average_precision"), tuple(names)
    columns = {
        CLEAN: ("clean", both),
        KDD99: ("KDDCup99", every),
        CORRECTED: ("attacks the anomaly", both),
        MIXED: ("5 % anomalies", both),
        KEEL: ("KEEL", both),
        KEEL_MIXED: ("KEEL, 5 %", both),
        ARRHYTHMIA: ("Arrhythmia", every),
    }
    shown = [(group, title, m) for group in groups for title, of in [columns[group]] for m in of]
    heads = [f"{title}, {names[metric]}" for _, title, metric in shown]
    lines = [f"| variation | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name, row in payload["tried"].items():
        if not name.startswith(begins):
            continue
        cells = [f"{row[group][metric]:.4f}" for group, _, metric in shown]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def candidates(payload: Mapping[str, Any]) -> str:
    """What other trainings give, by score; by the last column with anomalies among the rows."""
    clean, mixed = payload["candidates"]["one-class"], payload["candidates"]["contaminated"]
    scores = list(next(iter(clean.values())))
    heads = [f"{score}, {metric}" for score in scores for metric in ("AUROC", "AP")]
    heads += [f"5 % anomalies, {scores[0]}, {metric}" for metric in ("AUROC", "AP")]
    lines = [f"| training | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name, row in clean.items():
        rows = [row[score] for score in scores] + [mixed[name][scores[0]]]
        cells = [f"{r[m]:.4f}" for r in rows for m in ("auroc", "average_precision")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def ablation(payload: Mapping[str, Any]) -> str:
    """Every form, and what it has more than the one that a part is taken from or added to."""
    names = {"auroc": "AUROC", "average_precision": "AP", "f1": "F1"}
    compared = list(names)[:2]
    heads = [*names.values()]
    heads += [f"{names[m]}, {what}" for m in compared for what in ("difference", "tables below")]
    lines = [f"| form | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name, row in payload["ablation"].items():
        cells = [f"{row[m]['mean']:.4f}" for m in names]
        for metric in compared:
            of = row[metric]
            cells += [f"{of['difference']:+.4f}", f"{of['below']}"] if "," in name else ["", ""]
        lines.append(f"| {name if ',' in name else f'**{name}**'} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def contamination(payload: Mapping[str, Any]) -> str:
    """AUROC by the share of anomalies among the training rows; beyond none also what is lost."""
    none, *some = next(iter(payload["contamination"].values()))
    heads = ["none", *(f"{float(share):.0%}".replace("%", " %") for share in some)]
    lines = [f"| method | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name, row in payload["contamination"].items():
        auroc = {share: of["auroc"] for share, of in row.items()}
        cells = [f"{auroc[s]:.4f} ({auroc[s] - auroc[none]:+.4f})" for s in some]
        lines.append(f"| {name} | {auroc[none]:.4f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def washers(payload: Mapping[str, Any]) -> str:
    """AUROC of made-up parts with flaws, all and each kind."""
    kinds = list(next(iter(payload["washers"].values())))
    lines = [f"| method | {' | '.join(kinds)} |", "|---" * (1 + len(kinds)) + "|"]
    for name, row in payload["washers"].items():
        lines.append(f"| {name} | {' | '.join(f'{row[kind]:.3f}' for kind in kinds)} |")
    return "\n".join(lines) + "\n"


def mixtures(payload: Mapping[str, Any]) -> str:
    """Both energies of each training of DAGMM."""
    head = ("seed", "largest component", "neptune flagged", "F1", "AUROC", "EM, F1", "EM, AUROC")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for seed, fit in payload["mixtures"].items():
        shares = (f"{fit[name]:.1%}" for name in ("largest_component", "flood_flagged"))
        scores = (f"{fit[name]:.4f}" for name in ("f1", "auroc", "em_f1", "em_auroc"))
        lines.append(f"| {' | '.join((seed, *shares, *scores))} |")
    return "\n".join(lines) + "\n"


def fresh(payload: Mapping[str, Any]) -> str:
    """Means over tables, mean ranks, and how each contestant does beside the first.

    p is Wilcoxon's, of AUROC and of average precision.
    """
    head = ("method", "AUROC", "average precision", "F1", "mean rank", "by av. precision")
    head = (*head, "ahead of ALAD() by AUROC", "behind", "p, AUROC", "p, av. precision")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in sorted(payload["fresh"].items(), key=lambda item: -item[1]["auroc"]):
        numbers = (f"{row[metric]:.4f}" for metric in quality.METRICS)
        ranks = (f"{row['rank'][metric]:.2f}" for metric in ("auroc", "average_precision"))
        beside = ("",) * 4
        if row["p"]:
            p = (f"{row['p'][metric]:.2g}" for metric in ("auroc", "average_precision"))
            beside = (str(row["ahead"]), str(row["behind"]), *p)
        lines.append(f"| {' | '.join((name, *numbers, *ranks, *beside))} |")
    about = f"{len(payload['tables'])} tables, of one or two problems each."
    return "\n".join([*lines, "", about]) + "\n"


def conformal(payload: Mapping[str, Any]) -> str:
    """By table and contestant: mean false discovery proportion, its error, power and uniformity."""
    levels = [str(level) for level in payload["levels"]]
    head = ("table", "detector", *(f"FDP at {level}" for level in levels))
    head = (*head, *(f"power at {level}" for level in levels), "any at 0.1", "uniform, p")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for table, of in payload["conformal"].items():
        for name, row in of["contestants"].items():
            found = [row["levels"][level] for level in levels]
            fdp = (f"{one['fdp']:.3f} ± {one['fdp_se']:.3f}" for one in found)
            power = (f"{one['power']:.3f}" for one in found)
            rest = (f"{row['levels']['0.1']['any_discovery']:.0%}", f"{row['uniformity_p']:.2f}")
            shown = f"*{name}*" if "seen" in name else name
            lines.append(f"| {' | '.join((table, shown, *fdp, *power, *rest))} |")
    return "\n".join(lines) + "\n"


def streams(payload: Mapping[str, Any]) -> str:
    """By table and rule: recent false alerts, and what is found; below, what drift costs."""
    tables = payload["streams"]
    orders = list(next(iter(tables.values()))["streams"])
    head = ("table", "rule", *(f"recent: {order}" for order in orders))
    head = (*head, *(f"found: {order}" for order in orders[:-1]), f"any: {orders[-1]}")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for table, of in tables.items():
        for rule in of["streams"][orders[0]]:
            found = [of["streams"][order][rule] for order in orders]
            recent = (f"{x['recent']['mean']:.3f} ± {x['recent']['se']:.3f}" for x in found)
            power = (f"{x['power']['mean']:.3f}" for x in found[:-1])
            ever = f"{found[-1]['false']['mean']:.0%}"
            lines.append(f"| {' | '.join((table, rule, *recent, *power, ever))} |")
    rates = payload["rates"]
    head = ("table", "p-values", *(f"normal rows with p <= {rate}" for rate in rates))
    lines += ["", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for table, of in tables.items():
        for rule, shares in of["drift"]["rates"].items():
            known = [shares[str(rate)] for rate in rates]
            cells = (f"{x['mean']:.4f} ± {x['se']:.4f}" for x in known)
            lines.append(f"| {' | '.join((table, rule, *cells))} |")
    return "\n".join(lines) + "\n"


def groups(payload: Mapping[str, Any]) -> str:
    """How pure the groups of alerts are, by rule."""
    head = (
        "table",
        "rule",
        "groups",
        "of one alert",
        "purity",
        "completeness",
        "together",
        "in the 20 largest",
    )
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in payload["triage"]:
        rule = f"**{row['rule']}**" if row["rule"] == "of the report" else row["rule"]
        shares = ("purity", "completeness", "together", "in_the_20_largest")
        numbers = (f"{row[name]:.3f}" for name in shares)
        cells = (row["table"], rule, str(row["groups"]), str(row["of_one"]), *numbers)
        lines.append(f"| {' | '.join(cells)} |")
    about = [
        f'Table "{name}": {table["alerts"]:,} alerts of {table["kinds"]} kinds among '
        f"{table['rows']:,} rows, {table['commonest_kind']:.1%} of them of the commonest kind; "
        f"{table['explained']:,} explained."
        for name, table in payload["tables"].items()
    ]
    return "\n".join([*lines, "", " ".join(about)]) + "\n"


def reasons(payload: Mapping[str, Any]) -> str:
    """How often the spoiled column is first; ours and permutations on the same alerts; twins."""
    head = ("detector", "method", "first", "first, held out", "rank", "rank, held out", "row, ms")
    of_pairs = ("detector", "method", "first", "first, held out", "both", "both, held out")
    parts = []
    for part in ("methods", "sampled"):
        lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for row in (row for row in payload["reasons"] if row["part"] == part):
            name = f"**{row['method']}**" if row["method"] == "ours" else row["method"]
            first = [_or_nothing(row[f"first_{sets}"], ".1%") for sets in ("choosing", "held_out")]
            rank = [_or_nothing(row[f"rank_{sets}"], ".2f") for sets in ("choosing", "held_out")]
            cells = (row["detector"], name, *first, *rank, figure(row["ms"], 2))
            lines.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    lines = [f"| {' | '.join(of_pairs)} |", "|---" * len(of_pairs) + "|"]
    for row in (row for row in payload["reasons"] if row["part"] == "pairs"):
        name = f"**{row['method']}**" if row["method"] == "ours" else row["method"]
        shares = (f"{of}_{sets}" for of in ("first", "both") for sets in ("choosing", "held_out"))
        cells = (row["detector"], name, *(_or_nothing(row[share], ".1%") for share in shares))
        lines.append(f"| {' | '.join(cells)} |")
    parts.append("\n".join(lines))
    alerts = sum(
        found["alerts"] + found.get("pair_alerts", 0)
        for of in payload["sets"].values()
        for found in of.values()
    )
    return "\n\n".join([*parts, f"{alerts:,} alerts of {len(payload['sets'])} sets."]) + "\n"


def _or_nothing(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def figure(value: float, digits: int) -> str:
    """Give so many digits behind the point, or two that say something where those would be zeros.

    >>> figure(1234.567, 1), figure(0.0024, 2)
    ('1,234.6', '0.0024')
    """
    return f"{value:,.{digits}f}" if value >= 10**-digits else f"{value:.2g}"


def race(payload: Mapping[str, Any]) -> str:
    """Contestants of a benchmark: median, extremes, and the ratio to the first of them."""
    unit, scale, digits = payload["unit"], payload["scale"], payload["digits"]
    more: dict[str, Callable[[str], str]] = {}
    if peak := payload.get("peak_mib"):
        more["peak MiB"] = lambda name: f"{max(peak[name]):,.0f}"
    if batch := payload.get("batch"):  # of pictures a step
        more["pictures/s"] = lambda name: f"{batch / payload['contestants'][name]['median']:,.0f}"
    ratio = RATIOS.get(payload["ratio"], payload["ratio"])
    head = ("contestant", f"median {unit}", "min", "max", ratio, *more)
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in payload["contestants"].items():
        cells = (figure(row[k] * scale, digits) for k in ("median", "min", "max"))
        further = (cell(name) for cell in more.values())
        lines.append(f"| {' | '.join((name, *cells, figure(row['ratio'], 2), *further))} |")
    said = [words.format(payload[fact]) for fact, words in FACTS.items() if fact in payload]
    return "\n".join([*lines, *(["", " ".join(said)] if said else [])]) + "\n"


def source(stored: Mapping[str, Any]) -> str:
    """What was typed, on what, when."""
    machine, versions = stored["machine"], stored["versions"]
    accelerator = f"{machine['accelerator']}, " if "accelerator" in machine else ""
    cpu = (
        f"{machine['cpu']} ({machine['instructions']})"
        if machine.get("instructions")
        else machine["cpu"]
    )
    trained = stored["payload"].get("training", {}).get("seconds")
    minutes = f"{trained / 60:.0f} min of training, " if trained else ""
    return (
        f"<sub>`{stored['command']}`, {repeats(stored)}, {minutes}{stored['date'][:10]}, "
        f"{accelerator}{cpu}, {counted(machine['cores'], 'core')}, JAX {versions['jax']}.</sub>"
    )


def repeats(stored: Mapping[str, Any]) -> str:
    """How often it was measured."""
    rounds = stored["payload"].get("rounds")
    return counted(rounds, "round") if rounds else counted(len(stored["seeds"]), "seed")


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(renewed(page.read_text("utf-8")), "utf-8")
