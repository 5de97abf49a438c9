"""Spreading costs over supporters without overloading anyone: a maximum flow in whole numbers.

Importing this module imports numba: do it late.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.compiler import machine_code

Whole = NDArray[np.int64]


@machine_code
def _levels(
    first: Whole, member: Whole, class_first: Whole, class_edge: Whole, owner: Whole,
    flow: Whole, need: Whole, room: Whole, level: Whole, class_level: Whole, queue: Whole,
) -> bool:  # fmt: skip
    """Number nodes by their distance from projects in need; tell whether room is in reach.

    In the queue a project is its number, and a class its number with all bits turned.
    """
    level[:] = -1
    class_level[:] = -1
    head, tail, found = 0, 0, False
    for p in range(len(need)):
        if need[p] > 0:
            level[p] = 0
            queue[tail] = p
            tail += 1
    while head < tail:
        node = queue[head]
        head += 1
        if node >= 0:
            for edge in range(first[node], first[node + 1]):
                c = member[edge]
                if class_level[c] < 0:
                    class_level[c] = level[node] + 1
                    found = found or room[c] > 0
                    queue[tail] = ~c
                    tail += 1
        else:
            c = ~node
            for j in range(class_first[c], class_first[c + 1]):
                edge = class_edge[j]
                if flow[edge] > 0 and level[owner[edge]] < 0:
                    level[owner[edge]] = class_level[c] + 1
                    queue[tail] = owner[edge]
                    tail += 1
    return found


@machine_code
def _push(
    source: int, first: Whole, member: Whole, class_first: Whole, class_edge: Whole, owner: Whole,
    flow: Whole, need: Whole, room: Whole, level: Whole, class_level: Whole,
    at: Whole, class_at: Whole, path: Whole,
) -> None:  # fmt: skip
    """Send what one project needs along shortest ways, until all of them are blocked.

    ``path`` holds edges, forwards and backwards in turn; ``at`` and ``class_at`` say how far each
    node has looked through its edges.
    """
    while need[source] > 0:
        length, p = 0, source
        while True:
            edge = at[p]
            while edge < first[p + 1] and class_level[member[edge]] != level[p] + 1:
                edge += 1
            at[p] = edge
            if edge == first[p + 1]:
                if length == 0:
                    return
                length -= 1
                c = member[path[length]]
                class_at[c] += 1
            else:
                path[length] = edge
                length += 1
                c = member[edge]
            # Now at a class: is there room, or a project that can give way?
            forth = False
            while not forth:
                if room[c] > 0:
                    break
                j = class_at[c]
                while j < class_first[c + 1] and (
                    flow[class_edge[j]] <= 0 or level[owner[class_edge[j]]] != class_level[c] + 1
                ):
                    j += 1
                class_at[c] = j
                if j < class_first[c + 1]:
                    path[length] = class_edge[j]
                    length += 1
                    p = owner[class_edge[j]]
                    forth = True
                else:
                    length -= 1
                    p = owner[path[length]]
                    at[p] += 1
                    forth = True
            if not forth:
                break
        amount = min(need[source], room[c])
        for place in range(1, length, 2):
            amount = min(amount, flow[path[place]])
        for place in range(length):
            flow[path[place]] += amount if place % 2 == 0 else -amount
        need[source] -= amount
        room[c] -= amount


@machine_code
def spread(
    first: Whole, member: Whole, class_first: Whole, class_edge: Whole, owner: Whole,
    need: Whole, room: Whole,
) -> Any:  # fmt: skip
    """Spread the needs of projects over the room of their supporters' classes, as far as it goes.

    Parameters
    ----------
    first, member : int64 arrays
        The classes that support project ``p`` are ``member[first[p]:first[p + 1]]``; the places in
        ``member`` are the edges.
    class_first, class_edge : int64 arrays
        The edges of class ``c`` are ``class_edge[class_first[c]:class_first[c + 1]]``.
    owner : int64 array
        The project of each edge.
    need, room : int64 arrays
        What each project has to spread and each class can take; used up.

    Returns
    -------
    bool array, shape (projects,)
        None if all was spread. Otherwise the projects that are in one another's way: together they
        need more than all their supporters can take.
    """
    flow = np.zeros(len(member), dtype=np.int64)
    level = np.empty(len(need), dtype=np.int64)
    class_level = np.empty(len(room), dtype=np.int64)
    queue = np.empty(len(need) + len(room), dtype=np.int64)
    path = np.empty(2 * len(need) + 2, dtype=np.int64)
    while _levels(
        first, member, class_first, class_edge, owner, flow, need, room, level, class_level, queue
    ):  # fmt: skip
        at, class_at = first[:-1].copy(), class_first[:-1].copy()
        for p in range(len(need)):
            if level[p] == 0:
                _push(
                    p, first, member, class_first, class_edge, owner, flow, need, room,
                    level, class_level, at, class_at, path,
                )  # fmt: skip
    return level >= 0
