"""From DOT to SVG, PNG or PDF, by a layout program: the system's ``dot``, or ``graphviz-pure``."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sysconfig
import xml.etree.ElementTree as ET
from pathlib import Path

from .looks import PAGE

#: What a layout program is told for each format.
FLAGS = {".svg": ["-Tsvg"], ".png": ["-Tpng", "-Gdpi=144"], ".pdf": ["-Tpdf"]}

SECONDS_TO_LAY_OUT = 60.0
INSTALL = 'A picture needs a layout program: pip install "tinygrad_bp[draw]"'
SVG = "http://www.w3.org/2000/svg"
TEXT = f"{{{SVG}}}text"

#: What one word of a line may have, and another not.
LOOKS_OF_WORDS = ("font-weight", "fill")


def laid_out(dot: str, suffix: str) -> bytes:
    """Run the layout program on a DOT text and return the picture.

    Raises
    ------
    RuntimeError
        If there is no layout program, it cannot write the format, fails, or takes too long.
    """
    program = layout_program()
    if Path(program).stem == "graphviz-pure":
        if suffix == ".pdf":
            raise RuntimeError(
                "graphviz-pure writes no PDF. Install Graphviz, whose program dot does "
                "(https://graphviz.org/download), or save as .svg."
            )
        if suffix == ".png":  # its fonts lack the sign, and have this letter, which looks the same
            dot = dot.replace("⊙", "ʘ")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [program, *FLAGS[suffix]], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    ) as process:
        try:
            picture, complaint = process.communicate(dot.encode(), SECONDS_TO_LAY_OUT)
        except subprocess.TimeoutExpired:
            raise RuntimeError(
                f"{program} was stopped: it took more than {SECONDS_TO_LAY_OUT:g} s to lay the "
                "graph out. Draw a smaller part of the computation, or save the text as .dot."
            ) from None
        finally:
            if process.poll() is None:
                stop(process)
    if process.returncode != 0:
        raise RuntimeError(
            f"{program} failed with status {process.returncode}: "
            f"{complaint.decode(errors='replace').strip()}"
        )
    return picture


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a program that was started in a session of its own, and what it has started itself."""
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def layout_program() -> str:
    """Return the path of the layout program; pip puts ``graphviz-pure`` beside Python's scripts."""
    program = (
        shutil.which("dot")
        or shutil.which("graphviz-pure")
        or shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
    )
    if program is None:
        raise RuntimeError(INSTALL)
    return program


def described(svg: bytes, title: str, description: str) -> str:
    """Return an SVG with a title and a description, for those who hear it read.

    The titles that layout programs give to nodes and edges, such as ``n0->n1``, say nothing to a
    reader, and are taken out.
    """
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.fromstring(svg)
    for group in root.iter(f"{{{SVG}}}g"):
        for useless in group.findall(f"{{{SVG}}}title"):
            group.remove(useless)
        if (group.get("class") or "").startswith("node"):
            join_words(group)
    raise_titles(root)
    root.set("role", "img")
    for place, (tag, words) in enumerate([("title", title), ("desc", description)]):
        element = ET.Element(f"{{{SVG}}}{tag}")
        element.text = words
        element.tail = "\n"
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode") + "\n"


def raise_titles(root: ET.Element) -> None:
    """Put the titles of frames above the edges that cross them, with a border of the page's colour.

    A layout program draws frames first, and lets edges run through their titles.
    """
    titles = ET.Element(f"{{{SVG}}}g", {"class": "titles"})
    for frame in root.iterfind(f".//{{{SVG}}}g[@class='cluster']"):
        for title in frame.findall(TEXT):
            title.attrib |= {"stroke": PAGE, "stroke-width": "4", "paint-order": "stroke"}
            titles.append(title)
            frame.remove(title)
    root[-1].append(titles)


def join_words(node: ET.Element) -> None:
    """Put each line of words in the middle of its node, as one text where it is of several looks.

    A layout program places texts by the widths of the letters that it reckons with, and those that
    a reader sees are of other widths. Numbers stay in their columns.
    """
    lines: list[list[ET.Element]] = []
    for text in node.findall(TEXT):
        if lines and goes_on(lines[-1][-1], text):
            lines[-1].append(text)
        else:
            lines.append([text])
    columns = False  # below, value and gradient stand side by side
    for first, *others in lines:
        if others:
            words = [ET.Element(f"{{{SVG}}}tspan", looks_of(word)) for word in (first, *others)]
            for word, old in zip(words, (first, *others), strict=True):
                word.text = old.text
            for look in looks_of(first):
                del first.attrib[look]
            for other in others:
                node.remove(other)
            first.text = None
            first.extend(words)
        beside = [other for other, *_ in lines if other.get("y") == first.get("y")]
        columns = columns or len(beside) > 1
        heading = others or looks_of(first) or not is_number(first.text or "")
        if heading and not columns:
            centre(first, node)


def is_number(text: str) -> bool:
    """Say whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def goes_on(text: ET.Element, further: ET.Element) -> bool:
    """Say whether a text is part of the same line as the one before: there is a space between."""
    parted = (text.text or "").endswith(" ") or (further.text or "").startswith(" ")
    return parted and text.get("y") == further.get("y")


def looks_of(word: ET.Element) -> dict[str, str]:
    """Return how a word is set, where that is not as usual."""
    return {look: word.attrib[look] for look in LOOKS_OF_WORDS if look in word.attrib}


def centre(text: ET.Element, node: ET.Element) -> None:
    """Put a text in the middle of its node."""
    outline = next(child for child in node if child.get("points") or child.get("d"))
    numbers = re.findall(r"-?[\d.]+", outline.get("points", "") + outline.get("d", ""))
    across = [float(x) for x in numbers[::2]]
    text.set("x", f"{(min(across) + max(across)) / 2:.2f}")
    text.set("text-anchor", "middle")
    text.attrib.pop("textLength", None)
