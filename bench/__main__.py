"""`scripts/bench`: one bench, its table on standard output, and in a file of Markdown if asked for."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from bench import machine, tools

ROUNDS = {"edge": 7, "origin": 5, "overload": 3, "memory": 1}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure Mezzotint on this machine.")
    parser.add_argument("bench", choices=ROUNDS)
    parser.add_argument("--rounds", type=int, help="how often each pair is measured (default: some minutes' worth)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    arguments = parser.parse_args()
    try:
        report = import_module(f"bench.{arguments.bench}").bench(arguments.rounds or ROUNDS[arguments.bench])
    except tools.Missing as missing:
        sys.exit(f"scripts/bench: {missing}")
    text = report.markdown(machine.facts())
    if arguments.markdown:
        arguments.markdown.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
