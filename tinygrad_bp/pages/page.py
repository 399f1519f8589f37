"""A template, filled in: as a page of its own that asks for nothing, or as a part of a notebook.

Whatever a template puts into a page is escaped by the template engine, unless it is `Markup`: what
we wrote ourselves, such as a formula in MathML or a picture in SVG.
"""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def write_page(template: str, *, standalone: bool = True, **content: Any) -> str:
    """Return a page of its own: one HTML file with its style in it; text is escaped.

    Examples
    --------
    >>> page = write_page("report", title="<b>", summary="1 & 2", lines=[], notes=[])
    >>> "<title>&lt;b&gt;</title>" in page, "1 &amp; 2" in page
    (True, True)
    """
    found = environment().get_template(f"{template}.html")
    style = safe(read("style.css"))
    return found.render(content, kind=template, style=style, standalone=standalone)


#: For a notebook; its style reaches nothing but itself.
write_part = functools.partial(write_page, standalone=False)


@functools.cache
def environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(read), autoescape=True, trim_blocks=True, undefined=StrictUndefined
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return made


@functools.cache
def read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def safe(written: str) -> Markup:
    # HTML that we wrote ourselves: a template puts it in as it is
    from markupsafe import Markup

    return Markup(written)
