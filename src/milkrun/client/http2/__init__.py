"""HTTP/2 (RFC 9113): one connection that carries many exchanges at once, each on a stream of its own."""
