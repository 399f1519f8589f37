"""How much the grader takes on: from a submission, and in its search for the mistakes in one."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Limits:
    """What a submission may use; a ValueError if none could be run within that."""

    seconds: float = 10.0  # for its answers at all points together, after Python has started
    memory: int = 1024  # in MB, beyond what Python and NumPy take
    output: int = 1_000_000  # the bytes that it may print

    def __post_init__(self) -> None:
        if not 0 < self.seconds < inf:
            raise ValueError(f"the seconds must be more than 0 and finite, not {self.seconds}")
        if self.memory < 64:
            raise ValueError(f"the memory must be at least 64 MB, not {self.memory}")
        if self.output < 0:
            raise ValueError(f"the output must be at least 0 bytes, not {self.output}")


#: A source file of more bytes is no derivation.
LARGEST_SOURCE = 1_000_000

#: The entries of an answer that are delivered. Of a larger quantity it is twice its own, so that a
#: gradient that was not summed still arrives and can be named.
LARGEST_ANSWER = 2_000

#: The answers to no quantity of the problem that are listed; of more, their number is said.
MOST_STRAYS = 20

#: The characters that are shown of a reason, which quotes several pieces of a submission.
LONGEST_REASON = 1000

#: A wrong formula may agree with the right one at one point by chance, but not at three.
POINTS = 3

#: A problem that fails at a point, as a logarithm does, is tried at this many.
MOST_DRAWS = 30

#: The edges between an answer and the nearest others at which each mistake is tried: with about
#: three to a layer, those of thirty layers, or three steps of an LSTM. To say what the points
#: cannot show, fewer, in the lines nearest to the loss: it is done for every gradient.
MOST_EDGES = 100
FEW_EDGES = 8
MOST_LINES = 40

#: The explanations of the answers that are followed at the same time.
MOST_STORIES = 8

#: The contributions that are computed for one submission: about 10 seconds.
MOST_WORK = 600_000

#: The pairs of mistakes that are tried for one line: about a second.
MOST_PAIRS = 32_000

#: An answer of a wrong shape is carried on into the lines after it, unless it has this many times
#: the entries of its quantity: from line to line it could grow without end.
MOST_GROWTH = 100

#: A gradient that was not answered is solved for up to this many entries; it takes their cube.
MOST_UNKNOWNS = 256
