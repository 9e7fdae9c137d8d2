"""`python -m mezzotint`: the operator's command."""

from mezzotint.cli import main

main()
