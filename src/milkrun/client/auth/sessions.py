"""What one client has learnt for each set of credentials that its requests came with."""

import asyncio

from milkrun.client.auth.seam import Auth, Clock, Session, TokenClient


class Sessions:
    """Equal credentials have one session, made at their first use.

    Args:
        client: whom sessions ask for requests of their own.
        clock: monotonic seconds.
        size: how many are kept; beyond it the one used longest ago is forgotten, and would learn anew.
    """

    def __init__(self, client: TokenClient, clock: Clock, *, size: int = 4096) -> None:
        self._client = client
        self._clock = clock
        self._size = size
        self._sessions: dict[Auth, Session] = {}

    def of(self, auth: Auth) -> Session:
        """The session of these credentials."""
        session = self._sessions.pop(auth, None) or auth.session(self._client, self._clock)
        if len(self._sessions) >= self._size:
            del self._sessions[next(iter(self._sessions))]  # what it may be fetching ends by itself
        self._sessions[auth] = session
        return session

    async def close(self) -> None:
        """End all that is under way; whoever waits for it gets a UsageError."""
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
        self._sessions.clear()
