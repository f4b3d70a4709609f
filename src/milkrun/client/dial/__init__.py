"""From an origin to an open connection: which way, to which address, with which TLS; each phase timed."""
