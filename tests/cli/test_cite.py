"""``alad cite``: BibTeX of what a model rests on, from one list."""

from __future__ import annotations

import json

import pytest

import alad as package
from alad.cli.citations import OF_DETECTOR, PAPERS, bibtex, entries
from alad.estimators import DETECTORS


def test_without_a_model_alads_paper_and_the_software_are_cited(alad):
    out = alad.good("cite").out
    assert out.startswith(
        "@inproceedings{alad,\n  title = {Adversarially Learned Anomaly Detection},"
    )
    assert "@software{alad-software," in out
    assert f"  version = {{{package.__version__}}}," in out


def test_of_a_model_its_detectors_paper_is_cited(alad, model):
    said = json.loads(alad.good("cite", model, "--json").out)
    assert list(said) == ["mahalanobis", "alad-software"]
    assert said["mahalanobis"]["year"] == "1936"


def test_what_is_no_model_is_refused(alad):
    alad.refused("Expected a model .*", "cite", "absent")


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_cites_what_its_documentation_names(name):
    references = (DETECTORS[name].__doc__ or "").partition("References")[2]
    (first, *_) = entries(name).values()
    said = " ".join(references.split())
    assert first["title"] in said
    assert first["year"] in said


def test_every_paper_is_of_a_detector_and_whole():
    assert {paper for papers in OF_DETECTOR.values() for paper in papers} == set(PAPERS)
    text = bibtex(PAPERS)
    assert text.count("@") == len(PAPERS)
    assert text.count("{") == text.count("}")
    assert all({"type", "title", "author", "year"} <= set(paper) for paper in PAPERS.values())
