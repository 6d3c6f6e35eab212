"""The code of docs/export.md, run as a reader would."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl

from alad import Mahalanobis
from alad.export import to_onnx

PAGE = Path(__file__).resolve().parents[2] / "docs" / "export.md"


def test_the_page_scores_rows_without_alad(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pl.DataFrame(
        {"bytes": [1000.0, None, 1400.0, 900.0], "proto": ["tcp", "udp", "tcp", None]}
    )
    detector = Mahalanobis().fit(frame)
    Path("model.onnx").write_bytes(to_onnx(detector).SerializeToString())
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        exec(block, names)
    new = pl.DataFrame({"bytes": [1200.0, None, 9e9], "proto": ["tcp", None, "never seen"]})
    np.testing.assert_allclose(names["score"], -detector.score_samples(new))
    assert names["is_anomaly"].tolist() == (detector.predict(new) < 0).tolist()
