"""The handwritten solution as it stands in a text file, read and graded line by line.

Nothing is transcribed: `bp.grade` reads the LaTeX in docs/handwritten_derivation.txt. The cases of
the softmax, which it gives as alternatives, are each judged alone, and summed. Run, this file
prints

    line  45  wrong: put right by the next side
    line  71  i ≠ j: softmax-off-diagonal; i = j: softmax-diagonal; both, summed: right
    line  85  i ≠ j: carried forward; i = j: carried forward; both, summed: right
    line 101  i ≠ j: wrong-sign; i = j: carried forward; both, summed: softmax-wrong-sign
"""

from pathlib import Path

import tinygrad_bp as bp

SOURCE = Path(__file__).parents[1] / "docs" / "handwritten_derivation.txt"

for side in bp.grade(SOURCE).written:
    if side.verdict == "wrong":
        print(f"line {side.line:3}  wrong: {side.reason}")
    elif side.verdict == "cases as alternatives":
        print(f"line {side.line:3}  {side.reason.rpartition('. ')[2]}")
