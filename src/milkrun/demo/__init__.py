"""The demo: fifty services of an imagined company, good, bad and slow, for Milkrun to watch."""
