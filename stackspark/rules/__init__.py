"""The rules: which verdicts there are, one module per family."""
