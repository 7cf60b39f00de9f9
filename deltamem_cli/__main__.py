"""`python -m deltamem_cli` and the command `deltamem`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; an error that a person can mend is one sentence, a bug keeps its traceback."""
    from deltamem_cli.cli import app

    app(prog_name="deltamem")


if __name__ == "__main__":
    main()
