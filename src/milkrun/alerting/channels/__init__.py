"""Channels: one kind a file."""
