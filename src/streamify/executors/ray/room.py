"""What nodes have left for more places, as far as this driver knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from streamify.executors.ray.news import Node
from streamify.executors.ray.place import Place
from streamify.executors.ray.wire import Shape


def left_on(nodes: Iterable[Node], places: Iterable[Place]) -> dict[str, Shape]:
    """Return what each node, by its id, has left beside its places and those that were asked for on it alone."""
    left = {node.id: Shape(cores=node.cores, memory=node.memory) for node in nodes}
    for place in places:
        node = place.on
        if node in left and not place.dismissed:
            left[node] = left[node].without(place.shape)
    return left
