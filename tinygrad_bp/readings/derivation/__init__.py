"""What ``derive`` is made of.

- `lines`: the equations and gradients as expressions, each evaluated from its text;
- `matrix_form`, `index_form`: the two documents that are written from them; `conventions`, `given`,
  `remarks`, `values`: what both say besides, and the numbers beside the symbols;
- `components`: one component of an expression; `indices`: which entry it is of; `sums`: what is
  left of a sum with a Kronecker delta in it; `jacobian`: the cases of a local derivative;
  `composed`: components put into each other; `component_writers`: components on paper;
- `trees`, `simplify`, `tidied`: expressions with parts replaced; `rounding`: how exact a line can
  be;
- `document`: Markdown, LaTeX, HTML and plain text.
"""
