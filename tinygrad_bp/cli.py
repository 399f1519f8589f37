"""The command ``tinygrad-bp``: arguments in, readings out. Each of its commands is a file."""

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from rich.console import Console

from . import __version__
from .commands import derive, draw, explain, grade, inject, play, source, verify

#: In the order of the help. Each has ``add``, its arguments, and ``run``, which returns a status.
COMMANDS: dict[str, ModuleType] = {
    "verify": verify,
    "source": source,
    "derive": derive,
    "explain": explain,
    "draw": draw,
    "play": play,
    "grade": grade,
    "inject": inject,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status, 0 only if all that was checked agrees."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or (argv[0] not in COMMANDS and argv[0] not in ("-h", "--help", "--version")):
        argv = ["verify", *argv]
    options = parser().parse_args(argv)
    if hasattr(sys.stdout, "reconfigure"):  # on a console without a sign, a question mark
        sys.stdout.reconfigure(errors="replace")
    try:
        status: int = COMMANDS[options.command].run(options, Console())
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        Console(stderr=True).print(f"tinygrad-bp: {error}", style="red", markup=False)
        return 2
    return status


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    top = argparse.ArgumentParser(
        prog="tinygrad-bp",
        description="Gradients, recorded and checked. Without a command: verify, with its options.",
        epilog="tinygrad-bp verify --help shows the options: sizes, batch, seed, mistakes, data.",
    )
    top.add_argument("--version", action="version", version=f"tinygrad_bp {__version__}")
    commands = top.add_subparsers(dest="command", required=True)
    for command in COMMANDS.values():
        command.add(commands)
    return top


if __name__ == "__main__":
    sys.exit(main())
