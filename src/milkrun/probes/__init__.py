"""Kinds of check: one file a kind, one line each in the registry."""
