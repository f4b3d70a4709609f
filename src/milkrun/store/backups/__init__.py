"""A database into a file and back, verified both ways.

A backup is a file of SQLite's, whatever it is of: it can be restored into either database, and be looked into.
"""
