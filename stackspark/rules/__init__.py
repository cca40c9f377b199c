"""The rules: which verdicts there are, in which order, and how they are judged."""
