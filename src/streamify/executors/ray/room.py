"""What nodes have left for more places, as far as this driver knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from streamify.executors.ray.news import Node
from streamify.executors.ray.place import Place


class Room(NamedTuple):
    """What a node has left; less than nothing, where more was asked for."""

    cores: int
    memory: int
    """Bytes."""

    def holds(self, memory: int) -> bool:
        """Return whether there is room for a place of so much memory."""
        return self.cores >= 1 and self.memory >= memory

    def without(self, memory: int) -> Room:
        """Return what is left beside a place of so much memory."""
        return Room(self.cores - 1, self.memory - memory)


def left_on(nodes: Iterable[Node], places: Iterable[Place]) -> dict[str, Room]:
    """Return what each node, by its id, has left beside its places and those that were asked for on it alone."""
    left = {node.id: Room(node.cores, node.memory) for node in nodes}
    for place in places:
        node = place.on
        if node in left and not place.dismissed:
            left[node] = left[node].without(place.memory)
    return left
