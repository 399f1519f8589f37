"""Grading: a person's own derivation, judged line by line, and the likely mistake named.

A submission (`submission.py`) answers gradients at points; if it is a stranger's file, a process of
its own does (`isolated.py`). An assignment (`assignment.py`) is a problem, recorded at a few
points, and `hidden.py` says what those cannot show. The judge (`judge.py`) walks backward from the
loss and compares the answers with the truth and with what follows from them at each point
(`sheet.py`), as precisely as they were computed (`precision.py`). `findings.py` words what was
found, `report.py` shows it, and `grade.py` puts these together; `classroom.py` does so for a class.
`inject.py` goes the other way: it makes a mistake, and shows what becomes of the gradients.
"""
