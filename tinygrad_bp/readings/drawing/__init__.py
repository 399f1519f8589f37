"""A picture of a computation: `folding`, `picture` as plain data, three notations, `layout`."""
