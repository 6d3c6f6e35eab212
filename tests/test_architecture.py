"""The picture of who may import whom (see CONTRIBUTING.md), kept true by reading the imports."""

import ast
import tomllib
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

import alad

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "alad"

PUBLIC = (
    "ALAD",
    "ALICE",
    "AladError",
    "AnoGAN",
    "AutoEncoder",
    "BiGAN",
    "DAGMM",
    "DSEBM",
    "DataSetError",
    "DivergedError",
    "GAN",
    "InputError",
    "IsolationForest",
    "KNN",
    "LOF",
    "LeftOutWarning",
    "Mahalanobis",
    "ModelFormatError",
    "OCSVM",
    "OutputError",
    "PCA",
    "UnlikeFitWarning",
    "__version__",
    "load",
)

TOP = "alad"  # the package itself: `import alad`, `from alad import ALAD`
ERRORS = {"errors", "_files"}  # the ground: what can go wrong, and writing files whole
LEAVES = {"datasets", "metrics"}
PARTS = {"objectives", "networks", "training", "scores", "calibration", "preprocessing", "io"}
BELOW_FACES = PARTS | LEAVES | ERRORS | {"estimators"}
FACES = {"report", "experiments", "reasons", "export"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "_files": {"errors"},
    "version": set(),
    **dict.fromkeys(PARTS | LEAVES, ERRORS),
    "estimators": PARTS | ERRORS | {"metrics", "version"},
    **dict.fromkeys(FACES, BELOW_FACES | {"version"}),
    "cli": FACES
    | LEAVES
    | ERRORS
    | {"estimators", "calibration", "preprocessing", "io", "version", TOP},
    "__main__": {"cli"},
    "__init__": {"estimators", "version"} | ERRORS,
}


def imported(source: str, package: str) -> Iterator[str]:
    """Every module that the source of a module of ``package`` names, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{base}.{name.name}" for name in node.names)


def violations(path: str, source: str) -> list[str]:
    """What the module at ``path``, relative to the package, imports against the picture."""
    *folders, file = path.removesuffix(".py").split("/")
    unit = folders[0] if folders else file
    if unit not in MAY_IMPORT:
        return [f"{path}: '{unit}' has no place in the picture"]
    ours = (m.split(".") for m in imported(source, ".".join([TOP, *folders])) if m != "__future__")
    units = {m[1] if len(m) > 1 and m[1] in MAY_IMPORT else TOP for m in ours if m[0] == TOP}
    return [f"{path}: imports {other}" for other in sorted(units - MAY_IMPORT[unit] - {unit})]


def test_nothing_points_upwards():
    found = {p.relative_to(PACKAGE).as_posix(): p.read_text("utf-8") for p in PACKAGE.rglob("*.py")}
    assert found
    assert [v for path, source in sorted(found.items()) for v in violations(path, source)] == []


@pytest.mark.parametrize(
    ("path", "source", "culprit"),
    [
        ("scores.py", "from alad import networks", "networks"),
        ("scores.py", "from alad import ALAD", "alad"),
        ("io/files.py", "from ..training.loop import train", "training"),
        ("metrics.py", "def f():\n    import alad.estimators.alad", "estimators"),
        ("experiments/run.py", "from alad.report import render", "report"),
        ("errors.py", "from .metrics import auroc", "metrics"),
        ("__init__.py", "from . import cli", "cli"),
    ],
)
def test_the_checker_sees(path, source, culprit):
    assert violations(path, source) == [f"{path}: imports {culprit}"]


def test_the_checker_sees_a_newcomer():
    assert violations("helpers.py", "") == ["helpers.py: 'helpers' has no place in the picture"]


def test_the_checker_allows_what_the_picture_shows():
    source = "import json\nfrom .arrays import a\nfrom ..errors import InputError"
    assert violations("io/files.py", source) == []


def test_public_names_are_pinned():
    assert tuple(alad.__all__) == PUBLIC == tuple(sorted(PUBLIC))
    assert [name for name in PUBLIC if not hasattr(alad, name)] == []


def test_version_and_changelog_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert alad.__version__ == project["version"]
    assert f"## [{alad.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
