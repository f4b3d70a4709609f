"""Milkrun is killed again and again under load, and afterwards its books are compared with what really happened."""
