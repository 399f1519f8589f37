"""Grading: a person's own derivation, judged line by line, and the likely mistake named.

A *submission* (`submission.py`) answers gradients at points; how it does so, nobody else knows. The
*catalogue* (`mistakes.py`) is a table of wrong rules beside the table of right ones, and
`planted.py` sweeps a recorded computation with answers or mistakes in place. The *judge*
(`judge.py`) walks backward from the loss and compares; `grade.py` puts these together, and
`report.py` shows what came out.
"""
