"""The steps of a run, forward and backward, and the rows that say what happens in each.

`explain` prints these rows and `play` shows them one by one, so both say the same.
"""
