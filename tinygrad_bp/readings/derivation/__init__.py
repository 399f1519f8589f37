"""What ``derive`` is made of, in the order in which a run becomes a document.

- `lines`: the equations and gradients of a `Record` as expressions; `tidy`: as a person leaves
  them; `evaluation`: each is evaluated from its text, and has to give the engine's number;
- `matrix_form`, `index_form`: the document with whole arrays, and with components; `remarks`: the
  sentences between the lines; `document`: Markdown, LaTeX, HTML and plain text;
- of components: `indices`, which entry one is; `components`, how it is found; `jacobian`, the cases
  of a local derivative; `component_printer`, how all that is written.
"""
