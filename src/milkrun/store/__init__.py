"""History and state that survive: one Store protocol, SQLite behind it."""
