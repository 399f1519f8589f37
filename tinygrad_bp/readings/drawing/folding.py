"""Which tensors share a node of the picture, where not each has one of its own.

Folded are always tensors that were recorded one right after the other, leaves apart. Data flows
from earlier to later, so the picture stays free of cycles, however scopes were entered and left.
Tensors are known by their positions in the record.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from ...notation.symbols import plain_name
from ...record import Record

#: How many rows all edges cross together, at most: beyond, no layout program is done in time.
MOST_ROWS = 8000


class Group(NamedTuple):
    """Tensors that share a node, in recording order; a title if it is not one tensor's node."""

    tensors: list[int]
    title: str = ""
    scope: str = ""

    @property
    def last(self) -> int:
        return self.tensors[-1]


def fold(record: Record, level: str, most: int) -> tuple[list[Group], str]:
    """Return the groups in the order of their last tensors, and a note if there were too many.

    At the level "layers" scopes are collapsed; at others, only if there are too many tensors. If
    need be, the earliest tensors are one group; there are fewer than ``most`` where edges would
    cross more than `MOST_ROWS`.
    """
    count = len(record.tensors)
    while True:
        groups, note = [Group([i]) for i in range(count)], ""
        if count > most and level != "layers":
            note = f"{count:,} tensors are more than the {most} that are drawn one by one"
        if level == "layers" or note:
            groups = by_visit(record)
            if note and len(groups) < count:
                note += ": scopes are collapsed"
        if len(groups) > most:
            note = note or f"{len(groups):,} nodes are more than the {most} that are drawn"
            groups = latest(record, groups, most)
            note += f"{',' if ':' in note else ':'} the earliest are one node"
        home = {i: group.last for group in groups for i in group.tensors}
        ends = dict.fromkeys((home[i], home[edge.step]) for edge, i in record.inputs.items())
        edges = [(tail, head) for tail, head in ends if tail != head]
        if rows_crossed(edges) <= MOST_ROWS or len(groups) <= 2:
            return groups, note
        most = min(most, len(groups)) * 3 // 4


def rows_crossed(edges: Sequence[tuple[Hashable, Hashable]]) -> int:
    # Edges are sorted by when their heads were recorded. What is computed stands in the row below
    # the lowest of its operands, a leaf just above the first of what is computed from it.
    row: dict[Hashable, int] = {}
    for tail, head in edges:
        row[head] = max(row.get(head, 0), row.get(tail, 0) + 1)
    leaves: dict[Hashable, int] = {}
    for tail, head in edges:
        if tail not in row:
            leaves[tail] = min(leaves.get(tail, row[head]), row[head] - 1)
    row |= leaves
    return sum(row[head] - row[tail] for tail, head in edges)


def by_visit(record: Record) -> list[Group]:
    # One visit to a scope is folded: operations that no other scope parts. The output keeps its
    # node, and so do leaves, but for unnamed inputs used in one visit only.
    groups: list[Group] = []
    home: dict[int, int] = {}
    previous = None
    for i, t in enumerate(record.tensors):
        if t.primitive is None:
            continue
        scope = "" if t is record.output else t.scope
        visit = (scope, t.scope.visit)
        if not scope or visit != previous:
            groups.append(Group([], plain_name(scope.rpartition("/")[2]) if scope else "", scope))
        previous = visit
        home[i] = len(groups) - 1
        groups[-1].tensors.append(i)

    users: dict[int, set[int]] = {}
    for edge, i in record.inputs.items():
        users.setdefault(i, set()).add(home[edge.step])
    for i, t in enumerate(record.tensors):
        if t.primitive is not None:
            continue
        visits = [groups[n] for n in users.get(i, ())]
        if t.name is None and not t.requires_grad and len(visits) == 1 and visits[0].title:
            visits[0].tensors.append(i)
        else:
            groups.append(Group([i]))
    for group in groups:
        group.tensors.sort()
    return sorted(groups, key=lambda group: group.last)


def latest(record: Record, groups: list[Group], most: int) -> list[Group]:
    leaves = {g.last: g for g in groups if record.tensors[g.last].primitive is None and not g.title}
    used: dict[int, list[int]] = {}  # leaves, by the step that uses them
    for edge, i in record.inputs.items():
        if i in leaves:
            used.setdefault(edge.step, []).append(i)
    shown = {groups[-1].last: groups[-1]}
    for group in reversed(groups):
        if group.last in leaves:
            continue
        more = {leaf: leaves[leaf] for i in group.tensors for leaf in used.get(i, ())}
        more[group.last] = group
        if len(shown | more) >= most:
            break
        shown |= more
    rest = sorted(i for group in groups if group.last not in shown for i in group.tensors)
    every = [Group(rest, f"{len(rest):,} earlier tensors"), *shown.values()]
    return sorted(every, key=lambda group: group.last)
