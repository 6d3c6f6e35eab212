"""The README's picture of the report: ``python -m benchmarks.report_picture``.

Draws the figures of the first table as ``alad report`` does from the stored results, and writes
what Chromium (the command ``chromium``) shows of them as ``docs/images/report.png``. A test
compares the numbers that the file says it shows with the stored ones.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from alad.experiments.summary import summarise
from alad.metrics import mean_and_sd_as_text
from alad.report.page import render
from benchmarks.tables import RESULTS, ROOT

PICTURE = ROOT / "docs" / "images" / "report.png"
WIDTH, TALL = 1000, 4000
MARGIN = 16
# The bars and curves; the README has the table itself.
ALONE = """<style>
body > :not(section), section > :is(h3, details, .wide:not(.figure), .wide:not(.figure) ~ *) {
  display: none;
}
h2 { margin: .4rem 0; border: 0; }
</style></head>"""


def main() -> None:
    """Draw the page, take its picture and cut off what is empty around it."""
    summary = summarise(RESULTS / "tabular")
    first = summary["tables"][0]
    panel = summary["panels"][0] | {"training": []}
    page = render(summary | {"tables": [first], "one_class": [], "panels": [panel]})
    with tempfile.TemporaryDirectory() as folder:
        shot = photographed(page.replace("</head>", ALONE), Path(folder))
    filled = shot.crop(ImageOps.invert(shot).getbbox())
    said = PngInfo()
    said.add_text("Description", in_words(first))
    ImageOps.expand(filled, MARGIN, "white").save(PICTURE, pnginfo=said, optimize=True)


def in_words(table: Mapping[str, Any]) -> str:
    """F1 of each row that a table shows."""
    rows = [row for row in table["rows"] if row["ours"]]
    return "; ".join(f"{row['label']} {mean_and_sd_as_text(row['ours']['f1'])}" for row in rows)


def photographed(page: str, folder: Path) -> Image.Image:
    """Give what Chromium shows of a page, in a window that is tall enough for it."""
    (folder / "page.html").write_text(page, "utf-8")
    subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            "--disable-lcd-text",  # its coloured edges make the file half as large again
            *(f"--user-data-dir={folder / 'profile'}", f"--window-size={WIDTH},{TALL}"),
            *(f"--screenshot={folder / 'page.png'}", (folder / "page.html").as_uri()),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return Image.open(folder / "page.png").convert("RGB")


if __name__ == "__main__":
    main()
