"""The commands of ``tinygrad-bp``, a file each: what it is given, and what it writes."""
