"""The round: what is due, run, judged, stored and told."""
