"""The steps of a run, and the rows that say what happens in each: of `explain` and of `play`."""
