"""From DOT to SVG, PNG or PDF, by a layout program: the system's ``dot``, or ``graphviz-pure``."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sysconfig
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE

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
    if Path(program).stem == "graphviz-pure":
        if suffix == ".pdf":
            raise RuntimeError(
                "graphviz-pure writes no PDF. Install Graphviz, whose program dot does "
                "(https://graphviz.org/download), or save as .svg."
            )
        if suffix == ".png":  # its fonts lack the sign, and have this letter, which looks the same
            dot = dot.replace("⊙", "ʘ")
    command = [program, *FLAGS[suffix]]
    with subprocess.Popen(  # in a session of its own, to be stopped with all that it starts
        command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
    ) as process:
        try:
            picture, complaint = process.communicate(dot.encode(), SECONDS_TO_LAY_OUT)
        except subprocess.TimeoutExpired:
            raise RuntimeError(
                f"{program} was stopped: it took more than {SECONDS_TO_LAY_OUT:g} s to lay the "
                "graph out. Draw a smaller part of the computation, or save the text as .dot."
            ) from None
        finally:
            if process.poll() is None and os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            elif process.poll() is None:
                process.kill()
    if process.returncode != 0:
        raise RuntimeError(
            f"{program} failed with status {process.returncode}: "
            f"{complaint.decode(errors='replace').strip()}"
        )
    return picture


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
        element = ET.Element(f"{{{SVG}}}{tag}")
        element.text = words
        element.tail = "\n"
        root.insert(place, element)
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
