"""How `source` writes a module: the record, its lines, and the functions they call."""
