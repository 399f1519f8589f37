"""Mistakes: what people do wrong, and the wrong rules that reproduce it.

A mistake (`mistake.py`) is a row of the catalogue (`catalogue.py` and `of_functions.py`): a name, a
sentence, a hint, and wrong rules beside the right ones of the table (`wrong_rules.py`). A wrong
rule makes a contribution at one edge of a recorded run (`run.py`), as the right rule does.
"""

from .catalogue import CATALOGUE, named
from .mistake import Fault, Mistake
from .run import Place, Run
