"""Rows and keys: PostgreSQL and Redis, and nothing that decides."""
