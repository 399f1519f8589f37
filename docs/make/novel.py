"""Make tinygrad_bp/datasets/pride_and_prejudice.txt from the copy in the R package janeaustenr.

    Rscript -e 'writeLines(janeaustenr::prideprejudice)' | python docs/make/novel.py [FILE]

Only the first twelve chapters are kept.
"""

import re
import sys
from pathlib import Path

PACKAGED = Path(__file__).parents[2] / "tinygrad_bp" / "datasets" / "pride_and_prejudice.txt"


def make(novel: str, file: Path) -> None:
    """Write the chapters before the 13th, with no more than one blank line between two others."""
    chapters = novel[novel.index("Chapter 1\n") : novel.index("Chapter 13\n")]
    text = re.sub(r"\n{3,}", "\n\n", chapters).strip() + "\n"
    file.write_text(text, encoding="ascii", newline="\n")
    print(f"{file}: {len(text)} characters")


if __name__ == "__main__":
    make(sys.stdin.read(), Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGED)
