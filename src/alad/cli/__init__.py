"""The command line: ``alad fit``, ``alad score``, ``alad info``, ``alad reproduce``."""

import os
import signal
import sys
import warnings
from types import FrameType


def main() -> None:
    """Run the command that ``sys.argv`` gives, and exit."""
    if sys.stderr is None:  # closed by whoever started us: notes go nowhere, the work goes on
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    from alad.cli.arenas import keep_few_arenas
    from alad.errors import UnlikeFitWarning

    warnings.simplefilter("ignore", UnlikeFitWarning)  # commands note it for a whole file
    keep_few_arenas()
    from alad.cli.app import app

    for name in ("SIGTERM", "SIGHUP"):  # not all systems have the second, a terminal that closes
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as by nohup
            signal.signal(number, _leave)
    app(prog_name="alad")


def _leave(number: int, frame: FrameType | None) -> None:
    """End as an error would, so that what is half-written goes; as shells count signals."""
    sys.exit(128 + number)
