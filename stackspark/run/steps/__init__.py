"""The steps of a run, one module each; a module's import closure is its step's code."""
