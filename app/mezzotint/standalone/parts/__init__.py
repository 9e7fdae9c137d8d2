"""One module per part, each with `part(layout, settings) -> Part`; None where these settings need no such part."""
