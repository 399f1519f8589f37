"""What was read, written by our own printer: so a misreading is seen, and never silent."""

from __future__ import annotations

import ast

from ..engine import Primitive
from ..notation.alphabets import LATEX, TEXT
from ..notation.pieces import Level, Piece, joined
from ..notation.printer import Printer
from ..notation.trees import shaped
from ..table import TABLE
from .network import Network


class WrittenPrinter(Printer):
    """A printer that also writes entries, sums over letters, and the derivative of a function."""

    def write_Subscript(self, node: ast.Subscript) -> Piece:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        letters = str(self.look("between letters")).join(self.write(part).text for part in parts)
        base = self.write(node.value)
        return Piece(self.look("with letters", base, letters=letters), scalar=True)

    def write_Call(self, node: ast.Call) -> Piece:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "over":
            letters = self.write(node.func.value).text
            body = self.within(self.write(node.args[0]), Level.REDUCTION)
            return Piece(joined([self.look("sum over", letters), body]), Level.REDUCTION, True)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "prime":
            inside = self.bracketed(self.write(node.args[0]).parts)
            name = getattr(node.func.value, "attr", getattr(node.func.value, "id", ""))
            row = TABLE.get(name)
            head = self.head(name, row if isinstance(row, Primitive) else None)
            return Piece(joined([head, "′", inside]))
        return super().write_Call(node)


class Shown:
    """Makes the leaves of the trees that are shown, and prints the trees."""

    def __init__(self, network: Network) -> None:
        self.network, names = network, network.run.names
        self.text, self.latex = dict(names.text_symbols), dict(names.latex_symbols)

    def tensor(self, name: str) -> ast.expr:
        t = self.network.run.tensors[self.network.position[name]]
        return shaped(ast.Name(self.network.run.names.identifier(t)), t.shape)

    def gradient(self, name: str) -> ast.expr:
        t = self.network.run.tensors[self.network.position[name]]
        return shaped(ast.Name(self.network.run.names.gradient(t)), t.shape)

    def local(self, out: str, inn: str) -> ast.expr:
        run, position = self.network.run, self.network.position
        above, below = run.tensors[position[out]], run.tensors[position[inn]]
        name = f"d{run.names.identifier(above)}_d{run.names.identifier(below)}"
        self.text[name] = f"∂{run.names.text(above)}/∂{run.names.text(below)}"
        symbols = run.names.latex(above), run.names.latex(below)
        self.latex[name] = r"\frac{{\partial {}}}{{\partial {}}}".format(*symbols)
        return ast.Name(name)

    def printed(self, tree: ast.expr, latex: bool = False) -> str:
        alphabet, symbols = (LATEX, self.latex) if latex else (TEXT, self.text)
        return WrittenPrinter(alphabet, symbols).write(tree).text


def entry(tree: ast.expr, entries: tuple[int | str, ...]) -> ast.expr:
    keys = [ast.Name(e) if isinstance(e, str) else ast.Constant(e) for e in entries]
    return shaped(ast.Subscript(tree, ast.Tuple([*keys])), ()) if entries else tree


def binary(left: ast.expr, op: ast.operator, right: ast.expr, shape: tuple[int, ...]) -> ast.expr:
    return shaped(ast.BinOp(left, op, right), () if shape == (1, 1) else shape)


def transposed(tree: ast.expr) -> ast.expr:
    return ast.Attribute(tree, "mT")


def sum_over(letters: tuple[str, ...], body: ast.expr) -> ast.expr:
    return shaped(ast.Call(ast.Attribute(ast.Name(", ".join(letters)), "over"), [body], []), ())
