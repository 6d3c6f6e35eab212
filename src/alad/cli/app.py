"""The table of verbs, and what an error looks like from outside.

====================================  =========  ==========================================
what happened                         exit code  on standard error
====================================  =========  ==========================================
input, model or data set at fault     2          ``error: <one line>``
output not written, losses diverged   1          ``error: <one line>``
wrong usage                           2          the usage
Ctrl-C                                130        how to go on
anything else                         1          the traceback: it is a bug of ours
====================================  =========  ==========================================

A command imports what it works with when it runs.
"""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from alad.cli.bench import app as bench
from alad.cli.fit import fit
from alad.cli.info import info
from alad.cli.look import look
from alad.cli.report import report
from alad.cli.reproduce import app as reproduce
from alad.cli.schema import schema
from alad.cli.score import score
from alad.errors import AladError, DataSetError, InputError, ModelFormatError

CALLERS_FAULT = (InputError, ModelFormatError, DataSetError)
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Verbs(TyperGroup):
    """The commands, with our errors told in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; give an expected error its exit code."""
        try:
            return super().invoke(ctx)
        except AladError as error:
            print("error:", " ".join(str(error).splitlines()), file=sys.stderr)
            raise typer.Exit(2 if isinstance(error, CALLERS_FAULT) else 1) from error
        except KeyboardInterrupt as error:
            print("stopped:", str(error) or "nothing was written.", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog="Each command has its own --help. Models are plain folders: JSON and safetensors.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print("alad", metadata.version("alad"))
        raise typer.Exit


@app.callback()
def verbs(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Adversarially learned anomaly detection for tables and pictures.

    Learn what normal rows look like with fit, then find the strange ones with score:

    - alad fit normal.parquet -o model
    - alad score model new.parquet -o scores.parquet

    A folder of pictures may stand for the table.
    """


app.command()(fit)
app.command()(score)
app.command()(schema)
app.command()(info)
app.command()(report)
app.command()(look)
app.add_typer(reproduce, name="reproduce")
app.add_typer(bench, name="bench")
