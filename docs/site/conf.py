"""The documentation as a site: `sphinx-build -W -b html -c docs/site . site`.

The pages are the Markdown files that also read well without a site; this file only says how they
look. Formulas are MathML, which browsers set themselves, so that the site works offline.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.errors import SphinxError

import tinygrad_bp as bp

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))
import api  # noqa: E402
import packed  # noqa: E402

project = "tinygrad_bp"
version = release = bp.__version__
root_doc = "docs/README"
include_patterns = ["README.md", "CHANGELOG.md", "docs/**", "tinygrad_bp/datasets/*.md"]
exclude_patterns = ["docs/site"]

#: The order of the pages, under the headings of the index.
PAGES = {
    "Learn": "first_steps browser course/README course/reading_the_engine training pytorch engine "
    "worked_problem",
    "Do": "explaining derivation drawing playing derivatives compile grading written "
    "grading_a_class",
    "Understand": "architecture",
    "Look up": "operations api speed benchmarks/results CONTRIBUTING ../README ../CHANGELOG "
    "../tinygrad_bp/datasets/digits.LICENSE ../tinygrad_bp/datasets/pride_and_prejudice.LICENSE",
}

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 3
myst_fence_as_directive = ["math"]
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "none"

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "tinygrad_bp"
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "docs/browser": []},
    "navbar_center": [],  # all pages stand on the left
}
templates_path = ["."]
html_sidebars = {"**": ["contents.html"], "docs/browser": []}
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False


def as_mathml(writer: Any, node: nodes.Element) -> None:
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    writer.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def complete(app: Any, page: str, text: list[str]) -> None:
    if page == root_doc:
        for heading, names in PAGES.items():
            rows = "\n".join(names.split())
            text[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{rows}\n```\n"
    elif page == "docs/api":
        text[0] = api.page()
    elif page == "docs/browser":
        text[0] = text[0].replace("\n## ", f"\n````{{raw}} html\n{packed.page()}````\n\n## ", 1)


def without_folders(app: Any, page: str, text: list[str]) -> None:
    # A link to a folder leads somewhere in the repository; on the site it is just its words.
    def kept(link: re.Match[str]) -> str:
        return link[1] if (ROOT / page).parent.joinpath(link[2]).is_dir() else link[0]

    text[0] = re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", kept, text[0])


def pack(app: Any, error: Exception | None) -> None:
    if error is None and app.builder.name == "html":
        packed.put_into(Path(app.outdir))
        for page in Path(app.outdir).rglob("*.html"):
            for picture in re.findall(r'<img[^>]* src="([^":]+)"', page.read_text("utf-8")):
                if not (page.parent / picture).exists():
                    raise SphinxError(f"{page.name} shows {picture}, and it is not there")


def setup(app: Any) -> None:
    app.connect("build-finished", pack)
    app.connect("source-read", complete)
    app.connect("source-read", without_folders)
    app.add_html_math_renderer("mathml", (as_mathml, None), (as_mathml, None))
