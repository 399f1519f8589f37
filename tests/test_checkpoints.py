"""What is saved is loaded bit for bit; a torn or hostile file raises and changes nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import saving

pytest.importorskip(
    "safetensors", reason='safetensors is not installed: pip install "tinygrad_bp[io]"'
)


def everything() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "w": rng.normal(size=(3, 2)),
        "transposed": rng.normal(size=(3, 2)).T,
        "every second": np.arange(10)[::2],
        "big-endian": np.arange(3, dtype=">f8"),
        "float32": np.float32([0.1, np.inf, np.nan]),
        "empty": np.zeros((0, 3)),
        "number": np.array(1.5),
        "flags": np.array([True, False]),
        **{name: np.array([0, 7], name) for name in ("int8", "uint16", "int32", "uint64")},
        "../x": np.ones(1),
        "numbers": {"float": 0.1, "int": 2**127, "tiny": 5e-324, "true": True, "none": None},
        "not finite": [float("inf"), -float("inf"), float("nan")],
        "list": [1, [np.zeros(2), {"deep": np.ones(2)}], "text", []],
        "naïve $": "π\n\0",
        "no items": {},
    }


def native(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("="))


def same(a: Any, b: Any) -> bool:
    """Compare two states bit for bit, their types too."""
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, np.ndarray)
            and a.shape == b.shape
            and native(a).dtype == native(b).dtype
            and native(a).tobytes() == native(b).tobytes()
        )
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


def test_what_is_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.safetensors"
    bp.save(everything(), path)
    assert same(everything(), bp.load(path))
    assert os.listdir(tmp_path) == ["new"]
    assert os.listdir(path.parent) == ["a.safetensors"]


def test_the_comparison_sees_one_bit_and_one_type() -> None:
    changed = everything()
    changed["w"][2, 1] = np.nextafter(changed["w"][2, 1], 1)
    assert same(everything(), everything())
    assert not same(everything(), changed)
    assert not same(1, 1.0)
    assert not same(np.zeros(1), np.zeros(1, np.float32))
    assert not same({"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_tensors_tuples_and_numbers_of_numpy_become_arrays_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    w = bp.tensor([1.0, 2.0], requires_grad=True)
    bp.save({"w": w, "betas": (0.9, 0.99), "loss": np.float64(0.5), "n": np.int32(3)}, str(path))
    expected = {"w": w.data, "betas": [0.9, 0.99], "loss": 0.5, "n": np.array(3, np.int32)}
    loaded = bp.load(str(path))
    assert same(expected, loaded)
    loaded["w"][0] = 9.0  # it can be changed, and nothing hears of it
    assert w.data.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([1.0], TypeError, "save takes a dict, such as model.state_dict.., then the path"),
        ("a.safetensors", TypeError, "save takes a dict"),
        ({1: 2.0}, TypeError, "a key of a saved dict must be text"),
        ({"a": {"b": {"$array": "x"}}}, TypeError, r"see state\['a'\]\['b'\], with \['\$array'\]"),
        ({"a": [0, {1, 2}]}, TypeError, r"state\['a'\]\['1'\] is \{1, 2\}, which cannot be saved"),
        ({"f": print}, TypeError, r"state\['f'\] is <built-in function print>, which cannot"),
        ({"c": np.zeros(2, complex)}, TypeError, "which cannot be saved"),
        ({"o": np.array([print])}, TypeError, "which cannot be saved"),
        ({"t": np.array(["text"])}, TypeError, "which cannot be saved"),
        ({"a.b": np.ones(1), "a": {"b": np.ones(1)}}, ValueError, "cannot be called 'a.b'"),
        ({"__metadata__": np.ones(1)}, ValueError, "cannot be called '__metadata__'"),
    ],
)
def test_what_cannot_be_saved_is_said_and_no_file_is_made(
    state: Any, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        bp.save(state, tmp_path / "a.safetensors")
    assert os.listdir(tmp_path) == []


def test_a_file_says_by_its_name_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'m.pt': the name must end in .safetensors"):
        bp.save({"w": np.ones(1)}, tmp_path / "m.pt")
    assert not list(tmp_path.iterdir())


def test_saving_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    bp.save({"w": np.ones(3)}, path)
    before = path.read_bytes()

    def full(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:20])
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="full"):
        bp.save({"w": np.zeros(3)}, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.safetensors"]


# --- torn and hostile files -----------------------------------------------------------------------


def file_of(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """Write the format by hand: the length of the header, the header, the data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def tensor(start: int = 0, end: int = 8, dtype: str = "F64", shape: Any = (1,)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def layout(text: str, **tensors: Any) -> bytes:
    """Write a file with a layout of ours in its header."""
    return file_of({"__metadata__": {"tinygrad_bp": text}, **tensors}, b"\0" * 8 * len(tensors))


def good() -> bytes:
    return layout('{"w": {"$array": "w"}}', w=tensor())


DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a complete safetensors file"),
    "one byte": (b"\0", "not a complete safetensors file"),
    "cut in the length": (good()[:7], "not a complete safetensors file"),
    "cut after the length": (good()[:8], "not a complete safetensors file"),
    "cut in the header": (good()[:40], "not a complete safetensors file"),
    "cut after the header": (good()[:-8], "not a complete safetensors file"),
    "cut in the data": (good()[:-1], "not a complete safetensors file"),
    "more than whole": (good() + b"\0", "not a complete safetensors file"),
    "first byte changed": (b"\xff" + good()[1:], "not a complete safetensors file"),
    "huge header": (file_of({}, length=2**63), "not a complete safetensors file"),
    "largest header": (file_of({}, length=2**64 - 1), "not a complete safetensors file"),
    "header of zeros": (bytes(64), "not a complete safetensors file"),
    "not JSON": (file_of(b"{w: 1}"), "not a complete safetensors file"),
    "not UTF-8": (file_of(b'{"\xff": 1}'), "not a complete safetensors file"),
    "no object": (file_of([1, 2]), "not a complete safetensors file"),
    "NaN in the header": (file_of(b'{"w": NaN}'), "not a complete safetensors file"),
    "nested deep": (file_of(b'{"w":' * 100_000), "not a complete safetensors file"),
    "offsets overlap": (file_of({"a": tensor(), "b": tensor(4, 12)}, bytes(12)), "not a complete"),
    "offsets with a gap": (file_of({"a": tensor(), "b": tensor(16, 24)}, bytes(24)), "complete"),
    "offsets out of range": (file_of({"w": tensor(0, 80)}, bytes(8)), "not a complete"),
    "offsets backwards": (file_of({"w": tensor(8, 0)}, bytes(8)), "not a complete"),
    "negative offsets": (file_of({"w": tensor(-8, 0)}, bytes(8)), "not a complete"),
    "wrong shape": (file_of({"w": tensor(shape=(2,))}, bytes(8)), "not a complete"),
    "shape overflows": (file_of({"w": tensor(shape=(2**62, 2**62))}, bytes(8)), "not a complete"),
    "negative shape": (file_of({"w": tensor(shape=(-1,))}, bytes(8)), "not a complete"),
    "too many axes": (file_of({"w": tensor(shape=[1] * 100)}, bytes(8)), "cannot be loaded: "),
    "endless axes of nothing": (
        file_of({"w": tensor(0, 0, shape=(0, 2**40, 2**22))}), "cannot be loaded: "
    ),
    "unknown type": (file_of({"w": tensor(dtype="Q8")}, bytes(8)), "not a complete"),
    "type that NumPy has not": (
        file_of({"w": tensor(0, 8, "F8_E4M3", (8,))}, bytes(8)), "'w' has the type F8_E4M3"
    ),
    "complex numbers": (file_of({"w": tensor(0, 8, "C64")}, bytes(8)), "cannot be loaded: "),
    "metadata twice": (file_of(b'{"__metadata__": {}, "__metadata__": {}}'), "not a complete"),
    "metadata is a tensor": (file_of({"__metadata__": tensor()}, bytes(8)), "not a complete"),
    "metadata is a number": (file_of({"__metadata__": {"tinygrad_bp": 1}}), "not a complete"),
    "layout not JSON": (layout("{w}"), "cannot be loaded: "),
    "layout empty": (layout(""), "cannot be loaded: "),
    "layout a list": (layout("[]"), "it is no dict"),
    "layout an array": (layout('{"$array": "w"}', w=tensor()), "it is no dict"),
    "layout nested deep": (layout('{"a":' * 100_000 + "1" + "}" * 100_000), "recursion"),
    "layout of lists nested deep": (layout("[" * 100_000 + "]" * 100_000), "recursion"),
    "layout with an endless number": (layout(f'{{"a": {"9" * 5000}}}'), "cannot be loaded: "),
    "layout with a missing array": (layout('{"a": {"$array": "w"}}'), "stands for nothing"),
    "layout with an array twice": (
        layout('{"a": {"$array": "w"}, "b": {"$array": "w"}}', w=tensor()), "stands for nothing"
    ),
    "layout without an array": (layout("{}", w=tensor()), "it has no place for 'w'"),
    "layout with a list for a name": (layout('{"a": {"$array": ["w"]}}', w=tensor()), "nothing"),
    "layout with more beside an array": (
        layout('{"a": {"$array": "w", "b": 1}}', w=tensor()), "stands for nothing"
    ),
    "pickle": (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x05posix\x94.", "not a complete"),
    "zip, as torch.save": (b"PK\x03\x04" + bytes(60), "it looks like a file of torch.save"),
    "text": (b"import os\nos.system('true')\n" * 10, "not a complete safetensors file"),
}  # fmt: skip


class Model:
    """What is there before a file is loaded, and must be there afterwards."""

    def __init__(self) -> None:
        self.w = bp.tensor([1.0, 2.0], requires_grad=True)
        self.optimizer = bp.optim.Adam([self.w])

    def load(self, path: Path) -> None:
        state = bp.load(path)
        self.w.data = state["w"]
        self.optimizer.load_state_dict(state["optimizer"])


def assert_refused(path: Path, message: str, call: Callable[[Path], Any] = bp.load) -> None:
    """Load a file, which must raise the one type, name the file, and change nothing."""
    folder = {file: file.lstat().st_mtime_ns for file in path.parent.iterdir()}
    model = Model()
    before = model.w.data, model.optimizer.state_dict()
    for read in (call, model.load):
        with pytest.raises(bp.CheckpointError) as caught:
            read(path)
        text = str(caught.value)
        assert text.startswith(f"{path} cannot be loaded: ")
        assert message in text
        assert text.endswith(".")
        assert len(text) < len(str(path)) + 400
    assert same(list(before), [model.w.data, model.optimizer.state_dict()])
    assert folder == {file: file.lstat().st_mtime_ns for file in path.parent.iterdir()}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(name: str, tmp_path: Path) -> None:
    content, message = DAMAGED[name]
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    assert_refused(path, message)


def test_files_written_by_hand_are_loaded(tmp_path: Path) -> None:
    """The negative control of the test above."""
    path = tmp_path / "a.safetensors"
    for content, expected in (
        (good(), {"w": np.zeros(1)}),
        (file_of({"w": tensor()}, bytes(8)), {"w": np.zeros(1)}),
        (file_of({"__metadata__": {"format": "pt"}, "w": tensor()}, bytes(8)), {"w": np.zeros(1)}),
        (file_of({"../x": tensor()}, bytes(8)), {"../x": np.zeros(1)}),
        (file_of({"f": tensor(0, 4, "BOOL", (4,))}, b"\0\1\2\xff"), {"f": np.arange(4) > 0}),
        (layout('{"a": -Infinity}'), {"a": -float("inf")}),
        (file_of({}), {}),
        (file_of({"__metadata__": None}), {}),
    ):
        path.write_bytes(content)
        assert same(expected, bp.load(path))
        assert os.listdir(tmp_path) == ["a.safetensors"]


def test_every_cut_of_a_real_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    bp.save(everything(), path)
    content = path.read_bytes()
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(bp.CheckpointError):
            bp.load(path)


def test_a_changed_byte_in_the_header_is_refused_or_loads_a_dict(tmp_path: Path) -> None:
    """A byte of a name or a number may be another, but nothing else than our error is raised."""
    path = tmp_path / "a.safetensors"
    bp.save(everything(), path)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(500):
        changed = bytearray(content)
        changed[rng.integers(8 + int.from_bytes(content[:8], "little"))] = rng.integers(256)
        path.write_bytes(changed)
        try:
            assert isinstance(bp.load(path), dict)
        except bp.CheckpointError:
            refused += 1
    assert refused > 250


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    missing = "there is no such file, or it is a folder or a device"
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "loop", "dangling", "pipe", "nothing", "no/folder"):
        assert_refused(tmp_path / name, missing) if name != "no/folder" else None
    with pytest.raises(bp.CheckpointError, match=missing):
        bp.load("/dev/zero")


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(good())

    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert_refused(path, "Permission denied")


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(good())
    (tmp_path / "link.safetensors").symlink_to("a.safetensors")
    bp.save({"v": np.ones(1)}, tmp_path / "link.safetensors")
    assert (tmp_path / "link.safetensors").is_symlink()
    assert same({"v": np.ones(1)}, bp.load(tmp_path / "a.safetensors"))


def test_without_safetensors_the_error_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['safetensors'] = None\n"
        "import tinygrad_bp as bp\n"
        "for call in (lambda: bp.save({}, 'a'), lambda: bp.load('a')):\n"
        "    try: call()\n"
        "    except ImportError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    (line,) = set(run.stdout.splitlines())
    assert line == "Checkpoints need safetensors: pip install safetensors"
    assert os.listdir(tmp_path) == []


def test_no_pickle_is_loaded() -> None:
    program = (
        "import sys, tinygrad_bp.checkpoints, safetensors.numpy\n"
        "print({'torch', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "set()\n"
    source = (Path(saving.__file__).parent / "checkpoints.py").read_text(encoding="utf-8")
    assert not {"pickle", "eval(", "exec("} & set(source.split())
