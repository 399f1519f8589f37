"""What the command line offers: a command a file, with its arguments and what it runs."""
