"""Milkrun's benchmarks: ratios within one run, against a bare loop and against its peers."""
