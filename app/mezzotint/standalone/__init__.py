"""One machine: every part of an installation as a child of one small supervisor."""
