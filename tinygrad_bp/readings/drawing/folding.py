"""Which tensors share a node of the picture, where not each has one of its own.

Folded are always tensors that were recorded one right after the other, leaves apart. Data flows
from earlier to later, so the picture stays free of cycles, however scopes were entered and left.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from ...tensor import Tensor

#: Edges reach over so many rows at most, all together: beyond, no layout program is done in time.
MOST_ROWS = 8000


class Group(NamedTuple):
    """Tensors that share a node, in recording order; a title if it is more than a tensor's node."""

    tensors: list[Tensor]
    title: str = ""


def folded(tensors: list[Tensor], level: str, most: int) -> tuple[list[Group], str]:
    """Return the groups in the order of their last tensors, and a note if there were too many.

    Parameters
    ----------
    tensors
        In recording order; the last is the output.
    level
        At "layers", scopes are collapsed; at others, only if there are too many tensors.
    most
        There are at most so many groups: where it must be, the earliest tensors are one. There are
        fewer where edges would reach over more than `MOST_ROWS`.
    """
    groups, note = folded_to(tensors, level, most)
    while rows_crossed(ends(groups)) > MOST_ROWS and len(groups) > 2:
        most = min(most, len(groups)) * 3 // 4
        groups, note = folded_to(tensors, level, most)
    return groups, note


def folded_to(tensors: list[Tensor], level: str, most: int) -> tuple[list[Group], str]:
    """Return at most so many groups, and a note if there were too many."""
    groups = [Group([t]) for t in tensors]
    note = ""
    if len(groups) > most and level != "layers":
        note = f"{len(groups):,} tensors are more than the {most} that are drawn one by one"
    if level == "layers" or note:
        groups = by_scope(tensors)
        if note and len(groups) < len(tensors):
            note += ": scopes are collapsed"
    if len(groups) > most:
        note = note or f"{len(groups):,} nodes are more than the {most} that are drawn"
        groups = latest(groups, most)
        note += f"{',' if ':' in note else ':'} the earliest are one node"
    return groups, note


def ends(groups: list[Group]) -> list[tuple[int, int]]:
    """Return the edges between groups, each known by the id of its last tensor."""
    home = {t.id: group.tensors[-1].id for group in groups for t in group.tensors}
    operands = [(x, t) for g in groups for t in g.tensors for x in t.inputs if x is not None]
    edges = {(home[x.id], home[t.id]): None for x, t in operands if home[x.id] != home[t.id]}
    return list(edges)


def rows_crossed(edges: Sequence[tuple[Hashable, Hashable]]) -> int:
    """Return over how many rows edges reach, all together: they come by the recording of heads.

    What is computed stands in the row below the lowest of its operands, a leaf just above the first
    of what is computed from it.
    """
    row: dict[Hashable, int] = {}
    for tail, head in edges:
        row[head] = max(row.get(head, 0), row.get(tail, 0) + 1)
    leaves: dict[Hashable, int] = {}
    for tail, head in edges:
        if tail not in row:
            leaves[tail] = min(leaves.get(tail, row[head]), row[head] - 1)
    row |= leaves
    return sum(row[head] - row[tail] for tail, head in edges)


def by_scope(tensors: list[Tensor]) -> list[Group]:
    """Fold what was recorded in one visit to a scope: operations that no other scope parts.

    The output keeps its node, and so do leaves, but for unnamed inputs used in one visit only.
    """
    groups: list[Group] = []
    home: dict[int, Group] = {}  # by id
    current = Group([])
    scope = ""
    for t in tensors:
        if t.primitive is None:
            continue
        if not t.scope or t.scope != scope or t is tensors[-1]:
            scope = "" if t is tensors[-1] else t.scope
            current = Group([], scope)
            groups.append(current)
        current.tensors.append(t)
        home[t.id] = current

    visits: dict[int, set[int]] = {}  # by id of a leaf, the groups that use it, by their first ids
    for t in tensors:
        for x in t.inputs:
            if x is not None and x.primitive is None:
                visits.setdefault(x.id, set()).add(home[t.id].tensors[0].id)
    firsts = {group.tensors[0].id: group for group in groups}
    for t in tensors:
        if t.primitive is not None:
            continue
        users = [firsts[key] for key in visits.get(t.id, ())]
        own = t.name is not None or t.requires_grad or len(users) != 1 or not users[0].title
        if own:
            groups.append(Group([t]))
        else:
            users[0].tensors.append(t)
    for group in groups:
        group.tensors.sort(key=recorded)
    return sorted(groups, key=lambda group: recorded(group.tensors[-1]))


def latest(groups: list[Group], most: int) -> list[Group]:
    """Keep the latest groups, with the leaves that they use, and fold what came before into one."""
    leaves = {g.tensors[0].id: g for g in groups if g.tensors[0].primitive is None and not g.title}
    kept: dict[int, Group] = {}  # by the last tensor's id
    for group in reversed(groups):
        last = group.tensors[-1]
        if last.id in leaves:
            continue
        used = {x.id for t in group.tensors for x in t.inputs if x is not None and x.id in leaves}
        more = {last.id: group} | {key: leaves[key] for key in used}
        if len(kept | more) >= most:
            break
        kept |= more
    output = groups[-1]
    kept = kept or {output.tensors[-1].id: output}
    rest = [t for g in groups if g.tensors[-1].id not in kept for t in g.tensors]
    rest.sort(key=recorded)
    every = [Group(rest, f"{len(rest):,} earlier tensors"), *kept.values()]
    return sorted(every, key=lambda group: recorded(group.tensors[-1]))


def recorded(t: Tensor) -> int:
    """Return when a tensor was recorded."""
    return t.id
