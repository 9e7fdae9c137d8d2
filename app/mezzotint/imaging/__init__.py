"""Bytes and a plan to bytes."""
