"""How the tables came to be, step by step. A released step never changes; a new one is a new file in `versions`."""
