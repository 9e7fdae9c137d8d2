"""Mezzotint: a self-hosted image platform. Upload once, ask for any picture of it by URL."""

__version__ = "0.1.0"
