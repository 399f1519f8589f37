"""From DOT to SVG, PNG or PDF, by a layout program: the system's ``dot``, or ``graphviz-pure``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from .looks import PAGE

FLAGS = {".svg": ["-Tsvg"], ".png": ["-Tpng", "-Gdpi=144"], ".pdf": ["-Tpdf"]}
SECONDS_TO_LAY_OUT = 60.0
INSTALL = "A picture needs a layout program: pip install graphviz-pure"
SVG = "http://www.w3.org/2000/svg"
TEXT = f"{{{SVG}}}text"

#: Where a process cannot have others, as in a browser, a function from DOT to SVG is put here.
in_process: Callable[[str], str] | None = None


def lay_out(dot: str, suffix: str) -> bytes:
    # RuntimeError: no layout program, or it cannot write the format, fails, or takes too long
    if in_process is not None and suffix == ".svg":
        return in_process(dot).encode()
    program = layout_program()
    if Path(program).stem == "graphviz-pure" and suffix == ".png":
        dot = dot.replace("⊙", "ʘ")  # its fonts lack the sign, and have this letter, which is alike
    command = [program, *FLAGS[suffix]]
    try:
        done = subprocess.run(
            command, input=dot.encode(), capture_output=True, timeout=SECONDS_TO_LAY_OUT
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"{program} was stopped: it took more than {SECONDS_TO_LAY_OUT:g} s to lay the graph "
            "out. Draw a smaller part of the computation, or save the text as .dot."
        ) from None
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"{program} failed with status {done.returncode}: {complaint}")
    return done.stdout


def layout_program() -> str:
    # pip puts ``graphviz-pure`` beside Python's scripts
    program = (
        shutil.which("dot")
        or shutil.which("graphviz-pure")
        or shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
    )
    if program is None:
        raise RuntimeError(INSTALL)
    return program


def described(svg: bytes, title: str, description: str) -> ET.Element:
    """Return an SVG with a title and a description, for those who hear it read.

    The titles that layout programs give to nodes and edges, such as ``n0->n1``, are taken out.
    Those of frames are put above the edges that cross them, with a border of the page's colour: a
    layout program draws frames first, and lets edges run through their titles.
    """
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.fromstring(svg)
    titles = ET.Element(f"{{{SVG}}}g", {"class": "titles"})
    for group in root.findall(f".//{{{SVG}}}g"):
        for useless in group.findall(f"{{{SVG}}}title"):
            group.remove(useless)
        if (group.get("class") or "").startswith("node"):
            centre_words(group)
        elif group.get("class") == "cluster":
            for text in group.findall(TEXT):
                text.attrib |= {"stroke": PAGE, "stroke-width": "4", "paint-order": "stroke"}
                titles.append(text)
                group.remove(text)
    root[-1].append(titles)
    root.set("role", "img")
    for place, (tag, words) in enumerate([("title", title), ("desc", description)]):
        root.insert(place, ET.Element(f"{{{SVG}}}{tag}"))
        root[place].text, root[place].tail = words, "\n"
    return root


def write_svg(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode") + "\n"


def centre_words(node: ET.Element) -> None:
    # a layout program places them by the widths of other letters than those that a reader sees
    outline = next(child for child in node if child.get("points") or child.get("d"))
    across = re.findall(r"-?[\d.]+", outline.get("points", "") + outline.get("d", ""))[::2]
    middle = (min(map(float, across)) + max(map(float, across))) / 2
    for text in node.findall(TEXT):
        if re.fullmatch(r"value|gradient|-?[\d.]+", text.text or ""):
            return
        text.attrib |= {"x": f"{middle:.2f}", "text-anchor": "middle"}
        text.attrib.pop("textLength", None)
