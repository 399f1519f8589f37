"""How a recorded computation is written down: names for its tensors, and expressions for its steps.

- `numbers`: numbers, arrays, shapes, lists in words, strangers' text, and the limits of printing;
- `trees`: expressions, as syntax trees of NumPy code that know their shapes; constants in them;
- `operations`: what the text of an operation says; `steps`: a step, its rule, its composition;
- `symbols`, `names`: what the tensors are called, in code, LaTeX and plain text;
- `alphabets`, `pieces`, `printer`: an expression as mathematics, in plain text or LaTeX;
- `formula`: an expression with the names of a run, in every language, in symbols or with numbers;
- `mathml`: LaTeX as MathML, for pages.
"""
