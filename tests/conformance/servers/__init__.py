"""Servers that others wrote, a file each."""
