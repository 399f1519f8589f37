"""Passes: each is a function from a program to one that computes the same, with less to do."""

from .common import share_common
from .constants import fold_constants
from .dead import drop_dead
from .exact import simplify

PASSES = (simplify, fold_constants, simplify, share_common, drop_dead)
