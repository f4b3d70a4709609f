"""One request and its response on a connection, whatever it speaks: the seam between pool, sender and protocols."""
