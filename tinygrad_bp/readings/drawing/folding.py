"""Which tensors share a node at the level of layers: those of one visit to a scope.

They were recorded one right after the other, leaves apart. Data flows from earlier to later, so the
picture stays free of cycles, however scopes were entered and left. Tensors are known by their
positions in the record.
"""

from __future__ import annotations

from typing import NamedTuple

from ...notation.symbols import plain_name
from ...record import Record


class Group(NamedTuple):
    """Tensors that share a node, in recording order; a title if it is not one tensor's node."""

    tensors: list[int]
    title: str = ""
    scope: str = ""

    @property
    def last(self) -> int:
        return self.tensors[-1]


def by_visit(record: Record) -> list[Group]:
    # The output keeps its node, and so do leaves, but for unnamed inputs used in one visit only.
    groups: list[Group] = []
    home: dict[int, Group] = {}
    previous = None
    for i, t in enumerate(record.tensors):
        if t.primitive is None:
            continue
        scope = "" if t is record.output else t.scope
        visit = (scope, t.scope.visit)
        if not scope or visit != previous:
            groups.append(Group([], plain_name(scope.rpartition("/")[2]) if scope else "", scope))
        previous = visit
        home[i] = groups[-1]
        groups[-1].tensors.append(i)
    users: dict[int, dict[int, Group]] = {}
    for edge, i in record.inputs.items():
        group = home[edge.step]
        users.setdefault(i, {})[id(group)] = group
    for i, t in enumerate(record.tensors):
        if t.primitive is None:
            visits = list(users.get(i, {}).values())
            inside = t.name is None and not t.requires_grad and len(visits) == 1 and visits[0].title
            if inside:
                visits[0].tensors.append(i)
            else:
                groups.append(Group([i]))
    for group in groups:
        group.tensors.sort()
    return sorted(groups, key=lambda group: group.last)
