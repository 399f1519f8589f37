"""What the page "Try it in the browser" loads, put into the site.

Its own files are in ``browser/``. tinygrad_bp and what it needs go into one archive, as they are
installed here, so that what runs in the browser is what was tested here. Only Pyodide, its NumPy
and Viz.js come from elsewhere: from public addresses, or from the folder that ``fetch.py`` fills.
"""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

ROOT = Path(__file__).parents[2]
FILES = Path(__file__).parent / "browser"

#: All that tinygrad_bp needs to read and grade, but for NumPy. MarkupSafe does without its C.
PACKAGES = ("graphviz", "jinja2", "latex2mathml", "markupsafe", "rich")


#: Where ``fetch.py`` puts what the page otherwise loads from public addresses.
PYODIDE = Path(__file__).parent / "pyodide"


def page() -> str:
    """Return the page's own part, as HTML."""
    text = (FILES / "page.html").read_text(encoding="utf-8")
    return text.replace('data-folder=""', 'data-folder="pyodide/"') if PYODIDE.exists() else text


def put_into(site: Path) -> None:
    """Put the page's files, the archive and, where it was fetched, Pyodide into a site."""
    folder = site / "_static" / "browser"
    shutil.copytree(FILES, folder, dirs_exist_ok=True)
    if PYODIDE.exists():
        shutil.copytree(PYODIDE, folder / "pyodide", dirs_exist_ok=True)
    with ZipFile(folder / "packages.zip", "w", ZIP_DEFLATED) as archive:
        for path in sorted((ROOT / "tinygrad_bp").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(ROOT))
        for package in PACKAGES:
            for file in distribution(package).files or ():
                if ".." not in file.parts and file.suffix not in (".pyc", ".so", ".pyd"):
                    archive.write(file.locate(), file.as_posix())
