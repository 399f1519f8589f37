"""A file that is saved is complete or not there, whoever writes or reads at the same time."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tinygrad_bp as bp
from tinygrad_bp import saving
from tinygrad_bp.readings.play import Player


def loss() -> bp.Tensor:
    x = bp.tensor([1.0, 2.0], requires_grad=True, name="x")
    return (x * x).sum().named("L")


SAVED: dict[str, Callable[[Path], Any]] = {
    "a.dot": lambda path: bp.draw(loss()).save(path),
    "a.html": lambda path: Player("<!DOCTYPE html>").save(path),
    "a.txt": lambda path: bp.explain(loss()).save(path),
    "a.json": lambda path: bp.explain(loss()).to_json(path),
    "a.py": lambda path: bp.source(loss()).save(path),
}


@pytest.mark.parametrize("name", SAVED)
def test_every_reading_is_saved_whole_or_not_at_all(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_text("as it was")
    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_bytes", full_after_one_byte)
        broken.setattr(Path, "write_text", full_after_one_byte)
        with pytest.raises(OSError, match="full"):
            SAVED[name](path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["as it was"]
    SAVED[name](path)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert path.read_text(encoding="utf-8") != "as it was"


def full_after_one_byte(path: Path, *_: Any, **__: Any) -> None:
    with path.open("w") as file:
        file.write("x")
    raise OSError("the disk is full")


def disturbed(write: Callable[[Path, str], Any], folder: Path) -> set[str]:
    """Have three writers write a file at once, and return what a reader saw that none wrote."""
    path, contents = folder / "page.html", [letter * 200_000 for letter in "abc"]
    write(path, contents[0])
    seen, failed, done = set(), [], threading.Event()

    def writer(content: str) -> None:
        try:
            for _ in range(40):
                write(path, content)
        except OSError as error:
            failed.append(str(error))

    def reader() -> None:
        while not done.is_set():
            seen.add(path.read_text())

    reading = threading.Thread(target=reader)
    writing = [threading.Thread(target=writer, args=(content,)) for content in contents]
    for thread in (reading, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    reading.join()
    return (seen - set(contents)) | set(failed)


def test_writers_at_the_same_time_do_not_disturb_a_reader(tmp_path: Path) -> None:
    assert disturbed(saving.written_to, tmp_path) == set()
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_a_writer_that_writes_in_place_is_seen(tmp_path: Path) -> None:
    assert disturbed(lambda path, content: path.write_text(content), tmp_path) != set()


def test_writers_that_share_the_name_of_a_part_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "the same")
    assert disturbed(saving.written_to, tmp_path) != set()


def test_a_link_is_followed_and_permissions_are_kept(tmp_path: Path) -> None:
    file, link = tmp_path / "file.txt", tmp_path / "link.txt"
    file.write_text("as it was")
    file.chmod(0o640)
    link.symlink_to("file.txt")
    saving.written_to(link, "Δ")
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == "Δ"
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    saving.written_to(pipe, "text")
    assert os.read(reading, 10) == b"text"
    os.close(reading)
    with pytest.raises(IsADirectoryError):
        saving.written_to(tmp_path, "text")
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


def test_the_name_must_end_in_a_form() -> None:
    with pytest.raises(ValueError, match=r"^a page cannot be saved as 'a': the name must end in "
                       r"one of \.txt, \.md\.$"):  # fmt: skip
        saving.save("a", "a page", {".txt": str, ".md": str})
    with pytest.raises(ValueError, match=r"the name must end in \.md\.$"):
        saving.save("a.txt", "a page", {".md": str})
