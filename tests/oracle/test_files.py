"""Files of a model go to PyTorch and come from there; both then compute the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed: pip install "tinygrad_bp[oracle]"'
)
files = pytest.importorskip(
    "safetensors.torch", reason='safetensors is not installed: pip install "tinygrad_bp[io]"'
)
x = np.random.default_rng(0).normal(size=(5, 4))


def our_model(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return bp.nn.Sequential(bp.nn.Linear(4, 6, rng=rng), bp.tanh, bp.nn.Linear(6, 3, rng=rng))


def their_model() -> Any:
    return torch.nn.Sequential(
        torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)
    ).double()


def outputs(ours: Any, theirs: Any) -> tuple[np.ndarray, np.ndarray]:
    return ours(bp.tensor(x)).data, theirs(torch.tensor(x)).detach().numpy()


def test_pytorch_loads_a_file_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    ours, theirs = our_model(1), their_model()
    bp.save(ours.state_dict(), path)
    theirs.load_state_dict(files.load_file(path))
    np.testing.assert_allclose(*outputs(ours, theirs), rtol=1e-13)


def test_we_load_a_file_of_pytorch(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    ours, theirs = our_model(1), their_model()
    assert not np.allclose(*outputs(ours, theirs))  # the negative control
    files.save_file(theirs.state_dict(), path, metadata={"format": "pt"})
    ours.load_state_dict(bp.load(path))
    np.testing.assert_allclose(*outputs(ours, theirs), rtol=1e-13)


def test_part_of_a_state_has_its_path_as_its_name_in_pytorch(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    ours = our_model(1)
    optimizer = bp.optim.SGD(ours.parameters(), lr=0.1, momentum=0.9)
    bp.save({"model": ours.state_dict(), "optimizer": optimizer.state_dict()}, path)
    found = files.load_file(path)
    assert np.array_equal(found["model.0.weight"].numpy(), ours.state_dict()["0.weight"])
    assert "optimizer.states.3.velocity" in found


def test_the_small_floats_of_pytorch_are_loaded_as_float32_exactly(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    bits = torch.arange(2**16, dtype=torch.int32).to(torch.int16)  # every value that there is
    state = {"half": bits.view(torch.float16), "brain": bits.clone().view(torch.bfloat16)}
    files.save_file(state, path)
    loaded = bp.load(path)
    for name, tensor in state.items():
        assert loaded[name].dtype == np.float32
        np.testing.assert_array_equal(loaded[name], tensor.float().numpy())
    bp.tensor(loaded["brain"])


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "int64", "int32", "int16", "int8", "uint8", "bool"]
)
def test_a_type_goes_both_ways(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    array = np.array([[0, 1], [100, 7], [3, 4]], dtype=dtype)
    bp.save({"a": array.T}, path)
    tensor = files.load_file(path)["a"]
    assert str(tensor.dtype) == f"torch.{dtype}"
    np.testing.assert_array_equal(tensor.numpy(), array.T)
    files.save_file({"a": tensor}, path)
    loaded = bp.load(path)["a"]
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array.T)
