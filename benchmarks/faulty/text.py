"""HTTP/1.1 as a misbehaving origin speaks it."""

from benchmarks.faulty.mischief import IN_TEXT, Mischief, body
from benchmarks.faulty.served import Served


class Text(Served):
    """One connection: requests without content, one after the other."""

    _held = b""

    def hear(self, data: bytes) -> None:
        """As `Served` has it."""
        *requests, self._held = (self._held + data).split(b"\r\n\r\n")
        for request in requests:
            self._answer(request.split(b" ", 2)[1].decode())

    def _answer(self, path: str) -> None:
        self.asked += 1
        content = body(path)
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
        middle = len(whole) - len(content) // 2
        mischief = self.mood.decide(IN_TEXT)
        match mischief:
            case None | Mischief.LEAVE | Mischief.UNASKED:
                self.say(whole)
            case Mischief.SLOW:
                self.late(self.say, whole)
            case Mischief.TRUNCATE:
                self.say(whole[:middle])
            case Mischief.PAUSE:
                self.say(whole[:middle])
                self.late(self.say, whole[middle:])
        if mischief is not None:
            self.part(mischief)
