"""The verbs of the command line: what each checks, runs, publishes and answers."""
