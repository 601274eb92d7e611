"""Groups: things that were found to belong together, joined a few at a time (union-find)."""

from collections.abc import Iterable
from typing import Generic, TypeVar

Member = TypeVar("Member", str, tuple[int, str])


class Groups(Generic[Member]):
    """Members by group. The smallest member names its group, so names do not depend on the order of joining."""

    def __init__(self) -> None:
        self._parent: dict[Member, Member] = {}

    def name(self, member: Member) -> Member:
        """The name of a member's group: itself, when it was joined with no other."""
        while self._parent.setdefault(member, member) != member:
            self._parent[member] = member = self._parent[self._parent[member]]
        return member

    def join(self, members: Iterable[Member]) -> None:
        """Put members, and the groups they are in, into one group."""
        names = sorted({self.name(member) for member in members})
        for other in names[1:]:
            self._parent[other] = names[0]
