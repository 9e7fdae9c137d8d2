"""Mezzotint against what it is built on and against its peers, on the reader's own machine."""
