"""The table of verbs, and what an error looks like from outside.

====================================  =========  ==========================================
what happened                         exit code  on standard error
====================================  =========  ==========================================
input, model or data set at fault     2          ``error: <one line>``
output not written, losses diverged   1          ``error: <one line>``
wrong usage                           2          ``error: <one line>``
Ctrl-C                                130        how to go on
anything else                         1          the traceback: it is a bug of ours
====================================  =========  ==========================================

A command imports what it works with when it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from alad.cli.bench import app as bench
from alad.cli.cite import cite
from alad.cli.drift import drift
from alad.cli.example import example
from alad.cli.explain import explain
from alad.cli.export import export
from alad.cli.fit import fit
from alad.cli.info import info
from alad.cli.look import look
from alad.cli.recalibrate import recalibrate
from alad.cli.report import report
from alad.cli.reproduce import app as reproduce
from alad.cli.schema import schema
from alad.cli.score import score
from alad.cli.show import say
from alad.errors import AladError, DataSetError, InputError, ModelFormatError

CALLERS_FAULT = (InputError, ModelFormatError, DataSetError)
UsageError: Any = typer.BadParameter.__mro__[1]  # typer exports no more than the one below it
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Verbs(TyperGroup):
    """The commands, with our errors told in one line."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read what stands before the command."""
        with _told():
            return super().make_context(*args, **kwargs)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command; its help is to show that a flag takes no value."""
        found = super().get_command(ctx, cmd_name)
        for command in (found, *getattr(found, "commands", {}).values()) if found else ():
            _show_flags((*command.params, command.get_help_option(ctx)))
        return found

    def get_params(self, ctx: Any) -> Any:
        """Give what stands before a command."""
        params = super().get_params(ctx)
        _show_flags(params)
        return params

    def invoke(self, ctx: Any) -> Any:
        """Read a command's own options, and run it."""
        with _told():
            return super().invoke(ctx)


def _show_flags(options: Iterable[Any]) -> None:
    """Leave out of a help what kind of value a flag takes: it takes none."""
    for option in options:
        if getattr(option, "is_flag", False):
            option.metavar = ""


@contextmanager
def _told() -> Iterator[None]:
    """Say an expected error in one line, and give it its exit code."""
    try:
        yield
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise  # it is the help
        say("error: " + " ".join(_usage(error).split()))
        raise typer.Exit(2) from error
    except AladError as error:
        say("error: " + " ".join(str(error).splitlines()))
        raise typer.Exit(2 if isinstance(error, CALLERS_FAULT) else 1) from error
    except KeyboardInterrupt as error:
        say(f"stopped: {str(error) or 'nothing was written.'}")
        raise typer.Exit(INTERRUPTED) from error


def _usage(error: Any) -> str:
    """What was wrong with a command line, in the words of our other errors."""
    path = error.ctx.command_path if error.ctx else "alad"
    said = error.format_message().replace("Value error, ", "").rstrip(".") + "."
    if missing := re.match(r"Missing (argument|option|command) ?(.*?)\.", said):
        what = missing[2].replace("' / '", " or ").replace("'", "")
        return f"Expected {what or 'a command'}; got none. `{path} --help` says what it is."
    return f"Expected a command line as `{path} --help` shows it; {said[:1].lower()}{said[1:]}"


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
app.command()(explain)
app.command()(schema)
app.command()(info)
app.command()(report)
app.command()(look)
app.command()(example)
app.command()(drift)
app.command()(recalibrate)
app.command()(export)
app.command()(cite)
app.add_typer(reproduce, name="reproduce")
app.add_typer(bench, name="bench")
