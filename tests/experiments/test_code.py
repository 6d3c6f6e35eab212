"""The digest of the code behind a number: what changes it, what does not."""

from __future__ import annotations

import pytest

from alad.estimators import DETECTORS
from alad.experiments import code
from alad.experiments.code import _reached, code_digest

TOY = '''"""A detector."""

from __future__ import annotations

import numpy as np

from alad.parts import scale
from ..helpers import deep


class Toy:
    """Scores."""

    factor: float = 2.0
    """What scores are multiplied by."""

    def score(self, x: float) -> float:
        """Give a score."""
        return scale(x) * deep.shift(self.factor)
'''

PACKAGE = {
    "__init__.py": "from alad.estimators.toy import Toy",
    "datasets/__init__.py": "from alad.datasets import kdd99",
    "datasets/kdd99.py": "ROWS = 5",
    "metrics.py": "def f1(): return 0.5",
    "estimators/__init__.py": "from alad.estimators.toy import Toy",
    "estimators/toy.py": TOY,
    "estimators/other.py": "from alad.unused import nothing",
    "parts/__init__.py": "from alad.parts.scaling import scale",
    "parts/scaling.py": "def scale(x):\n    return x + 1\n",
    "helpers/__init__.py": "",
    "helpers/deep.py": "def shift(x):\n    import alad.late\n    return alad.late.by(x)\n",
    "late.py": "def by(x): return x",
    "unused.py": "nothing = None",
}


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A small package; its one detector is Toy."""
    for path, source in PACKAGE.items():
        write(tmp_path, path, source)
    toy = type("Toy", (), {"__module__": "alad.estimators.toy"})
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    monkeypatch.setattr(code, "DETECTORS", {"Toy": toy})
    return tmp_path


def write(folder, path, source):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")


def digest():
    """The digest of Toy as its files are now."""
    return code_digest.__wrapped__("Toy")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("estimators/toy.py", TOY.replace("= 2.0", "= 2.5")),
        ("estimators/toy.py", TOY.replace("* deep", "+ deep")),
        ("parts/__init__.py", "from alad.parts.scaling import scale as scale, scale as old"),
        ("parts/scaling.py", "def scale(x):\n    return x + 2\n"),
        ("helpers/deep.py", PACKAGE["helpers/deep.py"].replace("by(x)", "by(-x)")),
        ("late.py", "def by(x): return -x"),  # imported within a function
        ("datasets/kdd99.py", "ROWS = 6"),
        ("metrics.py", "def f1(): return 0.75"),
        ("metrics.py", "def f1(): return '0.5'"),
    ],
)
def test_it_changes_with_the_code_that_is_reached(package, path, source):
    before = digest()
    write(package, path, source)
    assert digest() != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A detector.", "A detector, reworded."),
        ("Scores.", "Scores of rows."),
        ("Give a score.", "Give a score.\n\n        At length."),
        ("What scores are multiplied by.", "A factor."),
        ('\n    """What scores are multiplied by."""', ""),
        ("= 2.0", "= 2.0  # as in the paper"),
        ("scale(x) * deep", "(\n            scale(x) * deep"),
        ("\n\n\nclass", "\n# of rows\nclass"),
    ],
)
def test_it_stays_with_docstrings_comments_and_layout(package, old, new):
    before = digest()
    source = TOY.replace(old, new)
    assert source != TOY
    if "(\n" in new:
        source = source.rstrip() + "\n        )\n"
    write(package, "estimators/toy.py", source)
    assert digest() == before


@pytest.mark.parametrize("path", ["estimators/other.py", "unused.py", "estimators/new.py"])
def test_it_stays_when_what_is_not_reached_changes(package, path):
    before = digest()
    write(package, path, "changed = True")
    assert digest() == before


def test_a_module_does_not_reach_all_of_the_package_around_it(package):
    before = digest()
    write(package, "estimators/__init__.py", "from alad.estimators import other, toy")
    assert digest() == before


def test_a_text_that_is_used_is_no_docstring():
    assert code._bare("x = 'a'") != code._bare("x = 'b'")
    assert code._bare("f('a')") != code._bare("f('b')")
    assert code._bare("def f():\n    'a'") == code._bare("def f():\n    'b'")


def test_syntax_is_written_without_what_only_some_versions_of_python_have():
    """As ``type_params``, from 3.12: empty fields are left out."""
    assert code._bare("class A: x = 1") == (
        "('Module', [('body', [('ClassDef', [('name', 'A'), ('body', [('Assign', [('targets', "
        "[('Name', [('id', 'x'), ('ctx', ('Store', []))])]), ('value', ('Constant', [('value', "
        "1)]))])])])])])"
    )


def test_every_detector_has_a_digest():
    for name in DETECTORS:
        found = code_digest(name)
        assert len(found) == 12
        assert int(found, 16) >= 0
    modules = {cls.__module__ for cls in DETECTORS.values()}
    assert len({code_digest(name) for name in DETECTORS}) == len(modules)


def reached_by(detector):
    roots = (DETECTORS[detector].__module__, "alad.datasets", "alad.metrics")
    return {module.removeprefix("alad.") for module in _reached(roots)}


def test_alad_rests_on_all_that_makes_its_numbers():
    assert reached_by("ALAD") >= {
        *("objectives.alad", "networks.layers", "networks.models", "networks.presets"),
        *("training.loop", "training.step", "training.state", "training.randomness"),
        *("scores.alad", "preprocessing.scaling", "preprocessing.moments", "preprocessing.table"),
        *("preprocessing.learning.tables", "preprocessing.learning.columns", "metrics"),
        *("datasets.kdd99", "datasets.arrhythmia", "datasets._protocols"),
        *("estimators.alad", "estimators._adversarial", "estimators._network"),
        "estimators._detector",
    }


def test_a_detector_does_not_rest_on_the_others_nor_on_what_shows_them():
    for name, cls in DETECTORS.items():
        own = cls.__module__.removeprefix("alad.")
        found = reached_by(name)
        others = {c.__module__.removeprefix("alad.") for c in DETECTORS.values()} - {own}
        assert own in found
        assert found & others == set()
        assert [m for m in found if m.split(".")[0] in ("cli", "report", "experiments")] == []
