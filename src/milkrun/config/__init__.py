"""Configuration: frozen settings, and the one reader of YAML."""
