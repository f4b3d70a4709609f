"""HTTP/1.1: what is read of it, and the connection that carries one exchange after the other."""
