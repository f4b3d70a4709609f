"""What Gatus's configuration has and Milkrun does not build yet. Such a key is a warning, never an error."""

# By the name of the section a key stands in; "" is the top of the file.
NOT_BUILT_KEYS: dict[str, frozenset[str]] = {
    "": frozenset(
        {
            "announcements",
            "concurrency",
            "connectivity",
            "debug",
            "disable-monitoring-lock",
            "external-endpoints",
            "metrics",
            "remote",
            "skip-invalid-config-update",
            "suites",
            "tunneling",
            "ui",
        }
    ),
    "endpoints": frozenset(
        {
            "always-run",
            "extra-labels",
            "graphql",
            "ssh",
            "store",
            "ui",
        }
    ),
    "client": frozenset(
        {
            "identity-aware-proxy",
            "kerberos",
            "store-cookies",
            "tunnel",
        }
    ),
    "storage": frozenset({"caching", "maximum-number-of-events", "maximum-number-of-results", "path", "type"}),
    "tls": frozenset({"renegotiation"}),
    "web": frozenset({"read-buffer-size", "tls"}),
    "security": frozenset({"api", "oidc"}),
}

# Kinds of check, by the scheme of their URL.
NOT_BUILT_SCHEMES = frozenset(
    {"dns", "domain", "grpc", "grpcs", "icmp", "sctp", "sftp", "ssh", "starttls", "tcp", "tls", "udp", "ws", "wss"}
)
