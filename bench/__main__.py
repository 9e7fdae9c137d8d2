"""`scripts/bench`: one bench, its table on standard output, and in a file of Markdown if asked for."""

from __future__ import annotations

import argparse
import re
import sys
from importlib import import_module
from pathlib import Path

from bench import machine, tools

ROUNDS = {"edge": 5, "origin": 5, "overload": 3, "memory": 1}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure Mezzotint on this machine.")
    parser.add_argument("bench", choices=ROUNDS)
    parser.add_argument("--rounds", type=int, help="how often each pair is measured (default: some minutes' worth)")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="put the table there too, in place of an older one"
    )
    arguments = parser.parse_args()
    try:
        report = import_module(f"bench.{arguments.bench}").bench(arguments.rounds or ROUNDS[arguments.bench])
    except tools.Missing as missing:
        sys.exit(f"scripts/bench: {missing}")
    text = report.markdown(machine.facts())
    if arguments.markdown:
        there = arguments.markdown.read_text() if arguments.markdown.exists() else ""
        arguments.markdown.write_text(with_section(there, text))
    sys.stdout.write(text)


def with_section(page: str, section: str) -> str:
    """`page` with `section` in place of the one of the same heading, or behind all others."""
    heading = section.partition("\n")[0]
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    places = [number for number, part in enumerate(parts) if part.startswith(f"{heading}\n")]
    if not places:
        return f"{page.rstrip()}\n\n{section}".lstrip()
    parts[places[0]] = section + "\n" * (places[0] < len(parts) - 1)
    return "".join(parts)


if __name__ == "__main__":
    main()
