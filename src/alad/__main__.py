"""``python -m alad``: the command line."""

from alad.cli import main

if __name__ == "__main__":
    main()
