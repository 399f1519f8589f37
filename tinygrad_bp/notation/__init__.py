"""How a recorded computation is written down: names for its tensors, and expressions for its steps.

- `expressions`: a step as a Python syntax tree of NumPy code, from the operation's own text;
- `literals`: the settings and constants in it;
- `rules`: the backward rule of a step, as such trees; `twins`: what an operation is composed of;
- `names`, `symbols`: what the tensors are called, in code, LaTeX and plain text;
- `writer`, `latex`, `text`: the printers; as NumPy code, a tree prints itself (``ast.unparse``);
- `mathml`: LaTeX as MathML, for pages.
"""
