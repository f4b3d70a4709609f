"""Somebody who may see the pages, and an address that everybody can reach."""

import base64

import bcrypt

from milkrun.config.settings import BasicAuth

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the rule is about
AUTH = BasicAuth(username="ada", password_bcrypt=bcrypt.hashpw(b"secret", bcrypt.gensalt(rounds=4)))


def header(text: str) -> str:
    """The Authorization header for a name and a password, as `ada:secret`."""
    return "Basic " + base64.b64encode(text.encode()).decode()
