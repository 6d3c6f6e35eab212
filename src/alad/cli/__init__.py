"""The command line: ``alad fit``, ``alad score``, ``alad info``, ``alad reproduce``."""

import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command that ``sys.argv`` gives, and exit."""
    from alad.cli.app import app

    signal.signal(signal.SIGTERM, _leave)
    app(prog_name="alad")


def _leave(number: int, frame: FrameType | None) -> None:
    """End as an error would, so that what is half-written goes; as shells count signals."""
    sys.exit(128 + number)
