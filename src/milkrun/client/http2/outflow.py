"""The contents of requests on their way out: as much as windows and socket allow, a frame of each in turn."""

from collections.abc import Callable

from milkrun.client.http2.session import Session


class _Parcel:
    """A piece of one stream's content; `last` says that the stream ends with it."""

    __slots__ = ("last", "on_gone", "rest")

    def __init__(self, data: bytes, *, last: bool, on_gone: Callable[[], None]) -> None:
        self.rest = memoryview(data)
        self.last = last
        self.on_gone = on_gone


class Outflow:
    """The contents under way on one connection.

    Args:
        session: keeps the windows.
        flush: hands what the session has prepared to the transport, which may call `hold` at once.

    Attributes:
        held: whether the transport is full.
    """

    def __init__(self, session: Session, flush: Callable[[], None]) -> None:
        self._session = session
        self._flush = flush
        self._parcels: dict[int, _Parcel] = {}
        self._gone: list[Callable[[], None]] = []
        self.held = False

    def send(self, number: int, data: bytes, *, last: bool, on_gone: Callable[[], None]) -> None:
        """Send a stream's next piece, after the one before has gone; `on_gone` is called once the transport has it."""
        self._parcels[number] = _Parcel(data, last=last, on_gone=on_gone)
        self.pump()

    def drop(self, number: int) -> None:
        """The stream is over: nothing of it is sent any more."""
        self._parcels.pop(number, None)

    def mark(self, on_gone: Callable[[], None]) -> None:
        """Call this once the transport has let go what it has got so far: at once if it is not full."""
        if self.held:
            self._gone.append(on_gone)
        else:
            on_gone()

    def hold(self) -> None:
        """The transport is full."""
        self.held = True

    def resume(self) -> None:
        """The transport has room again."""
        self.held = False
        gone, self._gone = self._gone, []
        for on_gone in gone:
            on_gone()
        self.pump()

    def pump(self) -> None:
        """Send what can be sent now."""
        while self._parcels and not self.held:
            moved = [number for number in tuple(self._parcels) if self._send_frame(number)]
            if not moved:
                return
            self._flush()
            for number in moved:
                self._settle(number)

    def _send_frame(self, number: int) -> bool:
        parcel, session = self._parcels[number], self._session
        if not session.is_open(number):
            return False
        size = min(len(parcel.rest), session.local_flow_control_window(number), session.max_outbound_frame_size)
        if size <= 0 and parcel.rest:
            return False
        piece, parcel.rest = parcel.rest[:size], parcel.rest[size:]
        session.send_data(number, piece, end_stream=parcel.last and not parcel.rest)
        return True

    def _settle(self, number: int) -> None:
        parcel = self._parcels.get(number)
        if parcel is not None and not parcel.rest:
            del self._parcels[number]
            self.mark(parcel.on_gone)
