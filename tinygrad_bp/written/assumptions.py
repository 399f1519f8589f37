"""What a document leaves open: a line is read under every answer, and a right one confirms it.

Which layer a W has, which function f is, whether dZ is of the mean or of each sample: whoever has
to know asks here, with the answers that there can be. Then the line is read again under the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

#: A line is read under at most so many combinations of answers.
MOST_TRIES = 40

#: What a letter may be: the index of a sample, in one line.
INDEX, UNIT = "the index of a sample", "the index of a unit"

#: A question about a letter begins with this: of which layer it counts the units.
OF_UNIT = "the unit "

#: What a letter for a number may be besides, and a number that no line is right with by chance.
OF_ITS_OWN, ITS_NUMBER = "a number of its own", 7.3891

#: What a document may mean by a gradient with an axis of samples.
PER_SAMPLE = "of the loss of each sample, not of their mean"
OF_MEAN = "of the mean loss"
OF_LOSS = {OF_MEAN: False, PER_SAMPLE: True}

NOTHING: Mapping[str, Any] = {}

T = TypeVar("T")


class Try(NamedTuple, Generic[T]):
    right: float  # how many right sides are right
    found: T
    answers: Mapping[str, str]  # to what was asked
    needed: Mapping[str, str]  # of these, without units' letters that no name was read by
    assumed: Mapping[str, str]  # of these, what no line has confirmed so far
    doubted: frozenset[str]  # questions that have answers which are merely possible
    is_possible: bool  # one of these answers is: it is right for certain under no such answer


class Assumptions:
    def __init__(self) -> None:
        self.confirmed: dict[str, str] = {}  # by lines that are right
        self.given: Mapping[str, str] = {}  # the answers to try now
        self.has_tried_all = True  # and has not met the limit
        self.begin()

    def begin(self) -> None:
        self.needed: set[str] = set()  # questions of units' letters that a name was read by
        self.asked: dict[str, str] = {}  # in this try, with the answers; in the order of asking
        self.others: dict[str, Sequence[str]] = {}  # for each question, the answers not taken
        self.resorts: set[str] = set()  # questions whose other answers are tried if nothing else is
        self.whole: set[str] = set()  # questions with all the answers that there can be
        self.possible: dict[str, Collection[str]] = {}  # answers that nobody would expect

    def ask(
        self,
        question: str,
        answers: Mapping[str, Any],
        *,
        settled: bool = False,
        last: bool = False,
        whole: bool = False,
        possible: Mapping[str, Any] = NOTHING,
    ) -> Any:
        """Return what an answer stands for; the one confirmed, or the first, is tried first.

        Where that is ``settled`` by a line that is right, no other is tried any more. As a ``last``
        resort, others are tried only if no line is right without them. If the answers are the
        ``whole`` of what can be, a line that is wrong under each is wrong. So is one that is wrong
        under each answer that is merely ``possible``, too; right it is under none of these.
        """
        answers = {**answers, **possible}
        known = self.confirmed.get(question, "")
        first = known if known in answers else next(iter(answers))
        if question not in self.asked:
            self.asked[question] = self.given.get(question, first)
            is_settled = settled and known in answers
            self.others[question] = [a for a in answers if a != first and not is_settled]
            self.possible[question] = () if is_settled else possible.keys()
            self.resorts |= {question} if last else set()
            self.whole |= {question} if whole else set()
        return answers.get(self.asked[question], answers[first])

    @property
    def has_free_number(self) -> bool:
        """Whether a letter is tried as a number that the network does not have."""
        return OF_ITS_OWN in self.asked.values()

    def every(self, attempt: Callable[[], tuple[float, T]]) -> list[Try[T]]:
        """Make an attempt under all combinations of answers to what is asked in it."""
        waiting, resorts = deque[Mapping[str, str]]([{}]), deque[Mapping[str, str]]()
        found: list[Try[T]] = []
        while len(found) < MOST_TRIES:
            if not waiting and (not resorts or any(one.right >= 1 for one in found)):
                break
            self.given = (waiting or resorts).popleft()
            self.begin()
            found.append(self.tried(*attempt()))
            before = dict(self.given)
            for question, answer in self.asked.items():
                if question not in self.given:
                    for other in self.others[question]:
                        is_last = question in self.resorts or other in self.possible[question]
                        (resorts if is_last else waiting).append(before | {question: other})
                before[question] = answer
        self.given, self.has_tried_all = {}, not waiting and not resorts
        self.begin()
        return found

    def tried(self, right: float, found: T) -> Try[T]:
        assumed = {
            question: answer
            for question, answer in sorted(self.asked.items())
            if question not in self.whole and self.confirmed.get(question) != answer
        }
        doubted = frozenset(question for question, others in self.possible.items() if others)
        is_possible = any(a in self.possible[question] for question, a in self.asked.items())
        needed = {
            question: answer
            for question, answer in self.asked.items()
            if not question.startswith(OF_UNIT) or question in self.needed
        }
        return Try(right, found, self.asked, needed, assumed, doubted, is_possible)

    def confirm(self, tries: Iterable[Try[T]]) -> None:
        """Learn what all tries that are right agree on; letters of indices are used anew."""
        first, *others = (one.needed for one in tries)
        for question, answer in first.items():
            is_same = all(other.get(question, answer) == answer for other in others)
            if is_same and answer != INDEX:
                self.confirmed[question] = answer


def contested(best: Try[T], better: Iterable[Try[T]]) -> dict[str, str]:
    """Return which units' letters, bound by other lines, a line would be better with unbound."""
    return {
        question: answer
        for one in better
        for question, answer in best.answers.items()
        if question.startswith(OF_UNIT) and question in best.doubted
        if one.answers.get(question, answer) != answer
    }
