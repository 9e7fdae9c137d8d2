"""The nouns: frozen values without I/O; the standard library is all they import."""
