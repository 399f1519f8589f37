"""What `rich` lays out, as text and as HTML: also where it would show it by itself."""

import pytest
from rich.table import Table

from tinygrad_bp.notation.printed import as_html, as_text


def table():
    made = Table("name", box=None)
    made.add_row("[red]σ[/red] < 1")
    return made


@pytest.mark.parametrize("in_a_notebook", [False, True])
def test_it_is_returned_and_not_shown(monkeypatch, capsys, in_a_notebook):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: in_a_notebook)
    assert as_text(table(), width=40) == " name\n σ < 1"
    html = as_html(table(), width=40)
    assert html.startswith("<pre>")
    assert "σ</span> &lt; 1" in html
    assert capsys.readouterr().out == ""


def test_it_is_no_wider_than_asked():
    made = Table("words")
    made.add_row("word " * 40)
    assert max(map(len, as_text(made, width=30).splitlines())) <= 30
