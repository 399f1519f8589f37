"""The documentation is true: its code runs and prints what it shows, and its links lead somewhere.

In a page, ```python is run, ```text right below it is what it prints, and ```py is a quotation from
the package. A line "..." in an output stands for lines that are left out.

The faults that these checks look for are planted in small pages at the end.
"""

import contextlib
import io
import re
import runpy
import tomllib
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tinygrad_bp.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
INDEX = ROOT / "docs" / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Block(NamedTuple):
    """A fenced block: its language, its text, its first line, and whether it follows another."""

    language: str
    text: str
    line: int
    follows: bool  # with nothing between the two


def blocks(page: str) -> list[Block]:
    found, end = [], 0
    for fence in re.finditer(r"^```(\S*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        line = page.count("\n", 0, fence.start()) + 2
        follows = bool(found) and not page[end : fence.start()].strip()
        found.append(Block(fence[1], fence[2], line, follows))
        end = fence.end()
    return found


def run(page: str) -> None:
    """Run a page's Python blocks in one namespace; what is shown below one is what it prints."""
    namespace = {"__name__": "__main__"}
    for block, after in pairwise([*blocks(page), None]):
        if block.language != "python":
            continue
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(block.text, "example.py", "exec"), namespace)
        except Exception as error:
            error.add_note(f"in the block at line {block.line} of the page")
            raise
        if after is not None and after.follows and after.language == "text":
            output = printed.getvalue()
            assert agrees(after.text, output), f"at line {after.line} is shown other than\n{output}"


def agrees(shown: str, printed: str) -> bool:
    """Compare an output with what is shown of it: a line "..." stands for one line or more."""
    parts = re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)
    return re.fullmatch(r"(?:.*\n)+".join(map(re.escape, parts)) + r"\n?", printed) is not None


def check_links(page: str, folder: Path) -> None:
    """Look for the files that a page links to, and for the headings within a page."""
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", page, flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", prose):
        target, _, heading = "".join(link).partition("#")
        if target.startswith(("https:", "http:")):
            continue
        assert (folder / target).exists(), f"no file {target}"
        if heading:
            text = (folder / target).read_text(encoding="utf-8") if target else page
            assert heading in anchors(text), f"no heading #{heading} in {target or 'the page'}"


def anchors(page: str) -> set[str]:
    """Return the names of a page's headings in links, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing(shown: str, printed: str) -> list[str]:
    """Return the lines shown of a command's output that it does not print; "..." stands for more.

    How small a rounding error is differs between machines, so those are not compared.
    """
    rounding = re.compile(r" *\d\.\de-\d\d")
    printed = rounding.sub("#", printed.replace("0.0e+00", "0.0e-00"))
    parts = rounding.sub("#", shown.replace("0.0e+00", "0.0e-00")).replace("...", "\n").split("\n")
    return [part for part in map(str.strip, parts) if part not in printed]


def unindented(code: str) -> str:
    return "".join(line.lstrip() for line in code.splitlines(keepends=True))


def commands(page: str) -> list[str]:
    return [block.text for block in blocks(page) if block.language == "sh"]


def words(picture: Path) -> list[str]:
    """Return what is written in an SVG picture, wherever a layout program has put it."""
    return sorted(" ".join(ET.parse(picture).getroot().itertext()).split())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_code_runs_and_prints_what_is_shown(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_code_quoted_from_the_package_is_there(path):
    quotes = [block for block in blocks(path.read_text(encoding="utf-8")) if block.language == "py"]
    files = [file.read_text(encoding="utf-8") for file in (ROOT / "tinygrad_bp").rglob("*.py")]
    source = unindented("".join(files))
    for quote in quotes:
        assert unindented(quote.text) in source, f"quoted at line {quote.line}"


SHOWN = [
    (path.name, *block.text.split("\n", 1))
    for path in PAGES
    for block in blocks(path.read_text(encoding="utf-8"))
    if block.text.startswith("$ tinygrad-bp") and "--data" not in block.text  # that takes long
]


@pytest.mark.parametrize(("page", "command", "shown"), SHOWN, ids=lambda text: text[:40])
def test_the_command_prints_what_is_shown(page, command, shown, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    main([*command.split()[2:], "--out", str(tmp_path)])
    assert not missing(shown, capsys.readouterr().out)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    check_links(path.read_text(encoding="utf-8"), path.parent)


def test_the_readme_has_two_commands_of_one_line():
    first, second = commands(README.read_text(encoding="utf-8"))
    for command in (first, second):
        assert command.count("\n") == 1
    assert first.endswith("tinygrad-bp\n")
    assert second.endswith("pytest --quiet -n auto --dist worksteal\n")


def test_the_readme_is_short():
    prose = re.sub(r"^```.*?^```$", "", README.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert len(prose.split()) < 700


def test_every_page_and_picture_is_found():
    """Pages in the README and in the index, schemas in the index, pictures on some page."""
    for file in (ROOT / "docs").iterdir():
        if file.suffix in (".md", ".json") and file.name != "README.md":
            assert f"]({file.name})" in INDEX.read_text(encoding="utf-8"), file.name
        if file.suffix == ".md":
            assert f"](docs/{file.name})" in README.read_text(encoding="utf-8"), file.name
        elif file.suffix in (".svg", ".png"):
            pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
            assert re.search(rf"[(\"/]{re.escape(file.name)}[)\"]", pages), file.name


def test_extras_that_are_named_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    texts = [*PAGES, *(ROOT / "tinygrad_bp").rglob("*.py"), *(ROOT / "docs" / "make").glob("*.py")]
    for file in texts:
        named = re.findall(
            r"(?:tinygrad_bp|[\"']\.)\[([a-z,]+)\]", file.read_text(encoding="utf-8")
        )
        for extra in ",".join(named).split(",") if named else []:
            assert extra in extras, f"{file.name}: [{extra}]"


def test_the_reference_page_is_current():
    made = runpy.run_path(str(ROOT / "docs" / "make" / "operations_page.py"))["page"]()
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert page == made, "run: python docs/make/operations_page.py"


@pytest.mark.parametrize(
    ("page", "picture"),
    [
        (README, "network.svg"),
        (ROOT / "docs" / "first_steps.md", "first_look.svg"),
        (ROOT / "docs" / "drawing.md", "drawing_backward.svg"),
    ],
    ids=lambda value: str(value).rpartition("/")[2],
)
def test_a_picture_is_that_of_the_code_beside_it(page, picture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(page.read_text(encoding="utf-8"))
    assert words(ROOT / "docs" / picture) == words(tmp_path / picture)


def test_the_picture_of_the_worked_problem_is_that_of_the_command(tmp_path, capsys):
    assert main(["--out", str(tmp_path)]) == 0
    assert words(ROOT / "docs" / "worked_problem.svg") == words(tmp_path / "graph.svg")


# ---- The checks can fail ----


def test_a_wrong_output_is_seen():
    right = "```python\nprint(1)\n```\n\n```text\n1\n```\n"
    run(right)
    with pytest.raises(AssertionError, match="at line 6"):
        run(right.replace("text\n1", "text\n2"))


def test_lines_may_be_left_out_where_it_is_said():
    assert agrees("a\n...\nd\n", "a\nb\nc\nd\n")
    assert agrees("...\nd\n", "c\nd\n")
    assert agrees("a\n...\n", "a\nb\n")
    assert not agrees("a\nd\n", "a\nb\nd\n")
    assert not agrees("a\n...\nd\n", "a\nd\n")  # nothing is left out
    assert not agrees("a\n...\nc\n", "a\nb\nd\n")
    assert not agrees("b\n...\n", "a\nb\nc\n")


def test_a_text_that_does_not_follow_directly_is_no_output():
    run("```python\nprint(1)\n```\nProse.\n```text\n2\n```\n")


def test_an_error_is_seen_with_its_place():
    with pytest.raises(NameError) as raised:
        run("Prose.\n\n```python\nunknown\n```\n")
    assert raised.value.__notes__ == ["in the block at line 4 of the page"]


def test_blocks_share_a_namespace():
    run("```python\nx = 1\n```\n\n```python\nprint(x)\n```\n\n```text\n1\n```\n")


@pytest.mark.parametrize("link", ["[a](nowhere.md)", "[a](#nothing)", '<img src="none.svg">'])
def test_a_broken_link_is_seen(link, tmp_path):
    check_links("# Title\n[a](#title) [b](https://example.org) `[c](code)`", tmp_path)
    with pytest.raises(AssertionError, match=r"^no (file|heading) "):
        check_links(f"# Title\n{link}", tmp_path)


def test_a_line_that_the_command_does_not_print_is_seen():
    printed = "│ L  │   1.1e-16 │ agree │\n12 agree, 39% off\n"
    assert not missing("│ L  │   2.2e-16 │ agree │\n...\n12 agree, ...\n", printed)
    assert missing("│ L  │   2.2e-16 │ WRONG │\n", printed) == ["│ L  │# │ WRONG │"]
    assert missing("12 agree, 40% ...\n", printed) == ["12 agree, 40%"]


def test_commands_are_found():
    assert commands("```sh\na\n```\n```console\nb\n```\n```sh\nc\nd\n```\n") == ["a\n", "c\nd\n"]


def test_a_changed_number_in_a_picture_is_seen(tmp_path):
    picture = (ROOT / "docs" / "first_look.svg").read_text(encoding="utf-8")
    assert ">1.12<" in picture
    changed = tmp_path / "changed.svg"
    changed.write_text(picture.replace(">1.12<", ">1.13<"), encoding="utf-8")
    assert words(changed) != words(ROOT / "docs" / "first_look.svg")
