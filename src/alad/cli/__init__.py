"""The command line: ``alad fit``, ``alad score``, ``alad info``, ``alad reproduce``."""


def main() -> None:
    """Run the command that ``sys.argv`` gives, and exit."""
    from alad.cli.app import app

    app(prog_name="alad")
