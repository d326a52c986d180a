"""On which nodes sound is made: on those of one kind of processor, for another one gives other bytes of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streamify.executors.ray.news import Node
from streamify.executors.ray.wire import Card
from streamify.model.task import Task


def is_sound(task: Task) -> bool:
    """Return whether what a task makes differs by the kind of processor (docs/decisions/0003-same-bytes.md)."""
    return task.kind in ("audio", "loudness")


class SoundNodes:
    """The nodes whose processors have the same features as the one on which the first sound was made.

    They are named only on a cluster of several kinds: else Ray chooses among all.
    """

    def __init__(self) -> None:
        self._features: dict[str, tuple[str, ...]] = {}
        self._chosen: tuple[str, ...] | None = None
        self._turn = 0
        self._lost: dict[str, Sequence[Node]] = {}  # by node: the look at the cluster in which it was lost

    def see(self, card: Card) -> None:
        """Note what kind of processor a node has."""
        self._features[card.node] = card.features

    def begin(self, card: Card) -> None:
        """Note that sound is made where a card comes from."""
        self._chosen = card.features

    def suits(self, card: Card) -> bool:
        """Return whether sound may be made where a card comes from."""
        return self._chosen in (None, card.features)

    def is_alike(self, node: str) -> bool:
        """Return whether it is known that sound may be made on a node."""
        return node in self._features and self._chosen in (None, self._features[node])

    def may_be_alike(self, node: str) -> bool:
        """Return whether it is not known that sound may not be made on a node."""
        return node not in self._features or self.is_alike(node)

    def lose(self, node: str, nodes: Sequence[Node]) -> bool:
        """Note that a place was lost which only that node could give; it is left out until the next look at the nodes.

        Return whether the node is among them and was lost in an earlier look already: it cannot be used. Else it has
        perhaps died since.

        Args:
            node: Id.
            nodes: Those of the cluster; another object after each look.
        """
        earlier = self._lost.get(node, nodes)
        self._lost[node] = nodes
        return earlier is not nodes and any(node == other.id for other in nodes)

    def node(self, nodes: Sequence[Node]) -> str | None:
        """Return the id of the node that is next to make sound; ``None``: any.

        Where all nodes of the kind are gone, those are tried whose kind is not known; then another kind is chosen: to
        wait for them could take forever.

        Args:
            nodes: Those of the cluster; another object after each look.
        """
        kinds = {node.id: self._features.get(node.id) for node in nodes}
        if self._chosen is None or all(kind in (None, self._chosen) for kind in kinds.values()):
            return None
        suited = [name for name, kind in kinds.items() if kind == self._chosen]
        if not suited:
            suited = [name for name, kind in kinds.items() if kind is None]
        if not suited:
            self._chosen = None
            return None
        there = [name for name in suited if self._lost.get(name) is not nodes]
        if not there:
            return None
        self._turn += 1
        return there[self._turn % len(there)]
