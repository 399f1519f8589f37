"""Grading: a person's own derivation, judged line by line, and the likely mistake named.

A *submission* (`submission.py`) answers gradients at points; how it does so, nobody else knows. An
*assignment* (`assignment.py`) is a problem, recorded at points that hide nothing (`points.py`,
`hidden.py`). The *catalogue* (`catalogue.py`) is a table of mistakes (`mistakes.py`) with wrong
rules (`wrong_rules.py`) beside the table of right ones, and `planted.py` sweeps a recorded
computation with answers or mistakes in place. The *judge* (`judge.py`) walks backward from the loss
and compares, as precisely as somebody computed (`precision.py`). `grade.py` puts these together;
`findings.py` words what was found, and `report.py` shows it.
"""
