"""What ``explain`` is made of: the record of a sweep, how it comes about, and how it is shown."""
