"""One module per part, each with `part(layout, settings) -> Part`."""
