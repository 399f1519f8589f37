"""LaTeX as MathML, which browsers show without a script.

The formulas of a long derivation differ in the numbers of their names, as in v_{17}, and in little
else. So a formula is converted once with these numbers left open, and they are put in afterwards.
"""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ET

NUMBER_BELOW = re.compile(r"(?<=_\{)\d+(?=\})")

#: Private characters of Unicode, other than those of `readings.steps.typeset`, stand for numbers.
MARK = 0xF0000
MARKED = re.compile("<mi>([\U000f0000-\U000ffffd])</mi>")

#: In a name, such as out.weight, a full stop is a letter; as an operator, it has a space after it.
STOP_IN_NAME = re.compile('(</m[in]>)<mo>&#x0002E;</mo>(?=<mi mathvariant="normal">)')

#: A comma before a closing bracket, as in (3,), has no space after it.
LAST_COMMA = re.compile(r"<mo>(,|&#x0002C;)</mo>(?=<mo[^>]*>(\)|&#x00029;)</mo>)")

#: A minus after another operator is a sign, and has no space after it. A bracket that closes ends a
#: row.
SIGN = re.compile("(<mo[^>]*>[^<]*</mo>)<mo>(−|&#x02212;)</mo>")


def mathml(latex: str, display: bool = False) -> str:
    r"""Return the MathML; displayed, it stands on a line of its own, with tall fractions.

    >>> mathml("v_{17}") == mathml("v_{4}").replace("4", "17")
    True
    >>> "<mo>" in mathml(r"\mathrm{out.weight}")
    False
    >>> 'form="prefix"' in mathml("a = -2"), 'form="prefix"' in mathml("(a) - 2")
    (True, False)
    """
    numbers: dict[str, str] = {}

    def left_open(number: re.Match[str]) -> str:
        mark = chr(MARK + len(numbers))
        numbers[mark] = f"<mn>{number[0]}</mn>"
        return mark

    shape = converted(NUMBER_BELOW.sub(left_open, latex), display)
    written, found = MARKED.subn(lambda mark: numbers.get(mark[1], ""), shape)
    # in words, such as \text{v_{17}}, a mark is no name
    return written if found == len(numbers) else converted(latex, display)


@functools.lru_cache(maxsize=10_000)
def converted(latex: str, display: bool) -> str:
    from latex2mathml.converter import convert  # takes long to import

    written = str(convert(latex, display="block" if display else "inline"))
    written = written.replace(NAMESPACE, "")  # HTML knows it
    written = STOP_IN_NAME.sub(r'\1<mi mathvariant="normal">.</mi>', written)
    written = LAST_COMMA.sub(r'<mo rspace="0em">,</mo>', written)
    written = in_brackets(written) if BRACKET.search(written) else written
    return SIGN.sub(r'\1<mo form="prefix">\2</mo>', written)


# ---- brackets that grow ----

BRACKETS = {"(": (")", "round"), "[": ("]", "square"), "‖": ("‖", "double"), "|": ("|", "single")}
BRACKET = re.compile(r"<mo[^>]*>(&#x00028;|&#x0005B;|&#x02016;|&#x0007C;|[(\[|‖])</mo>")
SCRIPTS = {"msup", "msub", "msubsup"}
UNSEEN = re.compile(r"[\xa0\u2000-\u206f]")  # spaces and the like
NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'


def in_brackets(written: str) -> str:
    """Return MathML in which what stands in brackets is an ``mrow`` with the class of its brackets.

    Few fonts have brackets that grow, so a page draws them as borders where what is in them is
    tall.
    """
    root = ET.fromstring(written)
    for parent in list(root.iter()):
        group(parent)
    text = ET.tostring(root, encoding="unicode")
    return UNSEEN.sub(lambda sign: f"&#{ord(sign[0])};", text)


def group(parent: ET.Element) -> None:
    opened: list[tuple[int, str, str]] = []
    done: list[ET.Element] = []
    for child in parent:
        scripted = child.tag in SCRIPTS
        sign = (child[0] if scripted else child).text or ""
        if opened and sign == opened[-1][1]:
            start, _, kind = opened.pop()
            row = ET.Element("mrow", {"class": kind})
            row.extend([*done[start:], child[0] if scripted else child])
            if scripted:
                child[0] = row
            done[start:] = [child if scripted else row]
        else:
            if sign in BRACKETS and child.tag == "mo":
                opened.append((len(done), *BRACKETS[sign]))
            done.append(child)
    parent[:] = done
