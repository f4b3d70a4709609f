"""Authentication: basic, bearer, digest, OAuth 2.0 client credentials.

`Basic` and `Bearer` are one header each, known when a request is prepared. The others are `Auth`: a client keeps a
`Session` for each in its `Sessions`, asks it before a request is sent, and shows it every response.
"""

from milkrun.client.auth.client_credentials import ClientCredentials
from milkrun.client.auth.credentials import Basic, Bearer
from milkrun.client.auth.digest import Digest
from milkrun.client.auth.seam import Auth, Session, TokenClient
from milkrun.client.auth.sessions import Sessions

__all__ = ["Auth", "Basic", "Bearer", "ClientCredentials", "Digest", "Session", "Sessions", "TokenClient"]
