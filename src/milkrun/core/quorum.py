"""Several locations, one state: each location counts for itself, and enough of them decide.

An endpoint is as bad as at least *quorum* of its voters find it. A voter is a location that has settled on a state
and has reported lately; one that is blind (`unknown`) keeps its last vote until that is too old, so that losing sight
decides nothing. Without a quorum of its own, it is a majority of the voters.
"""

from collections.abc import Sequence

import msgspec

from milkrun.core.outcome import Outcome
from milkrun.core.streaks import SEVERITY, Streaks

_LEVELS = (Outcome.UP, Outcome.DEGRADED, Outcome.DOWN)


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """What one location has seen, and whether it is blind now. A blind report is no vote.

    `seen` is the last vote's slot, rounded down to half of what counts as lately, so that steady locations leave the
    same value behind.
    """

    location: str
    streaks: Streaks = Streaks()
    blind: bool = False
    seen: int = 0


def rounded(slot: int, lately: int) -> int:
    """A slot as `Track.seen` has it."""
    return slot - slot % (lately // 2)


def replaced(tracks: Sequence[Track], track: Track) -> tuple[Track, ...]:
    """All tracks with this one in the place of its location's, in the order of locations."""
    others = [each for each in tracks if each.location != track.location]
    return tuple(sorted([*others, track], key=_location))


def vote(tracks: Sequence[Track], *, at: int, quorum: int | None, lately: int) -> Streaks:
    """What the locations together come to: the state that enough of them find, and the streaks enough of them have."""
    settled = [track for track in tracks if track.streaks.settled is not Outcome.UNKNOWN]
    voters = [track.streaks for track in settled if at - track.seen < lately] or [track.streaks for track in settled]
    if not voters:
        return Streaks()
    needed = min(quorum or len(voters) // 2 + 1, len(voters))
    against = len(voters) - needed + 1
    return Streaks(
        settled=_LEVELS[_from_the_top([SEVERITY[each.settled] for each in voters], needed)],
        worse=(
            _from_the_top([each.worse[0] for each in voters], needed),
            _from_the_top([each.worse[1] for each in voters], needed),
        ),
        better=(
            _from_the_top([each.better[0] for each in voters], against),
            _from_the_top([each.better[1] for each in voters], against),
        ),
    )


def all_blind(tracks: Sequence[Track], *, at: int, lately: int) -> bool:
    """Whether nobody sees anything: every location is blind, or was when it was last heard of."""
    return all(track.blind or at - track.seen >= lately for track in tracks)


def _from_the_top(numbers: list[int], place: int) -> int:
    return sorted(numbers, reverse=True)[place - 1]


def _location(track: Track) -> str:
    return track.location
