"""What `bp.derive` is made of: the lines, their components, and the document in four formats."""
