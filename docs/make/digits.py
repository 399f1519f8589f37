"""Make tinygrad_bp/datasets/digits.npz from the copy of the digits inside scikit-learn.

    pip install scikit-learn
    python docs/make/digits.py [FILE]

scikit-learn is needed only here; the package never imports it. With one version of NumPy and zlib
the file comes out the same to the byte; with any version its arrays do, and the tests check them.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits  # type: ignore[import, unused-ignore]

PACKAGED = Path(__file__).parents[2] / "tinygrad_bp" / "datasets" / "digits.npz"


def make(file: Path) -> None:
    """Write `images`, uint8 (1797, 64) from 0 to 16, and `labels`, uint8 (1797,), to `file`."""
    source = load_digits()
    images = source.data.astype(np.uint8)
    labels = source.target.astype(np.uint8)
    # A byte must hold what scikit-learn gives as floats and wide integers, without loss.
    assert np.array_equal(images, source.data)
    assert np.array_equal(labels, source.target)
    np.savez_compressed(file, images=images, labels=labels)
    print(f"{file}: {len(labels)} images, {file.stat().st_size} bytes")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGED)
