"""Which tensors share a node of the picture, where not each has one of its own.

Folded are always tensors that were recorded one right after the other, leaves apart. Data flows
from earlier to later, so the picture stays free of cycles, however scopes were entered and left.
Tensors are known by their positions in the record.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from ...notation.symbols import plain_name
from ...record import Edge, Record

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


def operands(record: Record) -> dict[Edge, int]:
    """Return every operand of every step, whether a gradient flows along it or not."""
    return {
        Edge(i, place): record.place[x.id]
        for i, t in enumerate(record.tensors)
        for place, x in enumerate(t.inputs)
        if x is not None
    }


def fold(record: Record, level: str, most: int) -> tuple[list[Group], str]:
    """Return the groups in the order of their last tensors, and a note if there were too many.

    At the level "layers" scopes are collapsed; at others, only if there are too many tensors. There
    are at most ``most`` groups: if need be, the earliest tensors are one. There are fewer where
    edges would cross more than `MOST_ROWS`.
    """
    uses = operands(record)
    groups, note = fold_to(record, uses, level, most)
    while rows_crossed(ends(groups, uses)) > MOST_ROWS and len(groups) > 2:
        most = min(most, len(groups)) * 3 // 4
        groups, note = fold_to(record, uses, level, most)
    return groups, note


def fold_to(
    record: Record, uses: dict[Edge, int], level: str, most: int
) -> tuple[list[Group], str]:
    count = len(record.tensors)
    groups = [Group([i]) for i in range(count)]
    note = ""
    if count > most and level != "layers":
        note = f"{count:,} tensors are more than the {most} that are drawn one by one"
    if level == "layers" or note:
        groups = by_visit(record, uses)
        if note and len(groups) < count:
            note += ": scopes are collapsed"
    if len(groups) > most:
        note = note or f"{len(groups):,} nodes are more than the {most} that are drawn"
        groups = latest(record, groups, uses, most)
        note += f"{',' if ':' in note else ':'} the earliest are one node"
    return groups, note


def ends(groups: list[Group], uses: dict[Edge, int]) -> list[tuple[int, int]]:
    """Return the edges between groups, each known by its last tensor."""
    home = {i: group.last for group in groups for i in group.tensors}
    edges = dict.fromkeys((home[i], home[edge.step]) for edge, i in uses.items())
    return [(tail, head) for tail, head in edges if tail != head]


def rows_crossed(edges: Iterable[tuple[Hashable, Hashable]]) -> int:
    """Return how many rows edges cross, all together: they come by the recording of heads.

    What is computed stands in the row below the lowest of its operands, a leaf just above the first
    of what is computed from it.
    """
    edges = list(edges)
    row: dict[Hashable, int] = {}
    for tail, head in edges:
        row[head] = max(row.get(head, 0), row.get(tail, 0) + 1)
    leaves: dict[Hashable, int] = {}
    for tail, head in edges:
        if tail not in row:
            leaves[tail] = min(leaves.get(tail, row[head]), row[head] - 1)
    row |= leaves
    return sum(row[head] - row[tail] for tail, head in edges)


def by_visit(record: Record, uses: dict[Edge, int]) -> list[Group]:
    """Fold what was recorded in one visit to a scope: operations that no other scope parts.

    The output keeps its node, and so do leaves, but for unnamed inputs used in one visit only.
    """
    tensors = record.tensors
    groups: list[Group] = []
    home: dict[int, Group] = {}
    visited = None
    for i, t in enumerate(tensors):
        if t.primitive is None:
            continue
        visit = (t.scope, getattr(t, "visit", ()))
        if not t.scope or visit != visited or t is record.output:
            scope = "" if t is record.output else t.scope
            visited = visit if scope else None
            title = plain_name(scope.rpartition("/")[2]) if scope else ""
            groups.append(Group([], title, scope))
        groups[-1].tensors.append(i)
        home[i] = groups[-1]

    users: dict[int, dict[int, Group]] = {}  # of each leaf, the groups, by their first tensors
    for edge, i in uses.items():
        if tensors[i].primitive is None:
            group = home[edge.step]
            users.setdefault(i, {})[group.tensors[0]] = group
    for i, t in enumerate(tensors):
        if t.primitive is not None:
            continue
        visits = list(users.get(i, {}).values())
        shown = t.name is not None or t.requires_grad or len(visits) != 1 or not visits[0].title
        if shown:
            groups.append(Group([i]))
        else:
            visits[0].tensors.append(i)
    for group in groups:
        group.tensors.sort()
    return sorted(groups, key=lambda group: group.last)


def latest(record: Record, groups: list[Group], uses: dict[Edge, int], most: int) -> list[Group]:
    """Keep the latest groups with the leaves that they use, and fold what came before into one."""
    leaves = {g.last: g for g in groups if record.tensors[g.last].primitive is None and not g.title}
    used: dict[int, set[int]] = {}  # leaves, by the step that uses them
    for edge, i in uses.items():
        if i in leaves:
            used.setdefault(edge.step, set()).add(i)
    shown: dict[int, Group] = {}
    for group in reversed(groups):
        if group.last in leaves:
            continue
        more = {group.last: group}
        more |= {leaf: leaves[leaf] for i in group.tensors for leaf in used.get(i, ())}
        if len(shown | more) >= most:
            break
        shown |= more
    shown = shown or {groups[-1].last: groups[-1]}
    rest = sorted(i for group in groups if group.last not in shown for i in group.tensors)
    every = [Group(rest, f"{len(rest):,} earlier tensors"), *shown.values()]
    return sorted(every, key=lambda group: group.last)
