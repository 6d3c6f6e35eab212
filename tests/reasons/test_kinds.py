"""Reasons of tables with times, addresses and ports: values whose features are rarities."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from alad import KNN
from alad.reasons import explain


@pytest.fixture(scope="module")
def flows() -> pl.DataFrame:
    """Two services, each with hosts and a time of its own, and client ports of all kinds."""
    random = np.random.default_rng(0)
    is_web = random.random(600) < 0.7
    return pl.DataFrame(
        {
            "at": [
                f"26/Nov/2026:{9 if web else 22}:{i % 50:02d}:00 +0000"
                for i, web in enumerate(is_web)
            ],
            "dst": [
                f"10.0.0.{i % 2}" if web else f"192.168.7.{i % 9}" for i, web in enumerate(is_web)
            ],
            "src_port": random.integers(50_000, 50_300, 600),
            "dst_port": np.where(is_web, 443, 22),
            "bytes": np.where(is_web, 5000, 100) + random.normal(size=600),
        }
    )


@pytest.fixture(scope="module")
def detector(flows) -> KNN:
    return KNN(random_state=0).fit(flows)


def test_what_is_expected_is_the_neighbours(detector, flows):
    """Not the commonest value of each column, whatever the row is like."""
    expected = explain(detector, flows).expected
    is_web = flows["dst_port"] == 443
    for of, at, network, port in (
        (is_web, "Thu ~09", "10.0.0.", "443"),
        (~is_web, "Thu ~2", "192", "22"),
    ):
        rows = expected.filter(of)
        assert rows["at"].str.starts_with(at).all()
        assert rows["dst"].str.starts_with(network).all()
        assert (rows["dst_port"] == port).all()


def test_a_port_is_rare_and_not_extreme(detector, flows):
    row = flows[:1].with_columns(dst_port=pl.lit(4444), src_port=pl.lit(59_999))
    reasons = explain(detector, row)
    text = " ".join(filter(None, (reasons.text(0, k) for k in range(5))))
    assert re.search(r"dst_port 4444 \(expected (443|22); none of 600 normals is as rare\)", text)
    assert not re.search(r"_port \d+ \([^)]*extreme", text)


def test_a_client_port_is_like_all_others_of_its_range(detector, flows):
    place = flows.columns.index("src_port")
    assert (explain(detector, flows).rarity[:, place] == 1).all()  # however often each came
