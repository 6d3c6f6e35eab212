"""Pages as Chromium shows them, for the tests that have it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_browser = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")


def shown_by_browser(page: str, folder: Path) -> str:
    """The page as it stands after its scripts have run, which complain of nothing."""
    (folder / "page.html").write_text(page, "utf-8")
    done = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}"),
            *(
                "--hide-scrollbars",
                "--window-size=390,800",
                "--virtual-time-budget=3000",
                "--dump-dom",
            ),
            (folder / "page.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in done.stderr
    return done.stdout
