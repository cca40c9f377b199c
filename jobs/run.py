"""spark-submit entry point: a whole recipe, with the arguments of ``stackspark run``."""

import sys

from stackspark.cli import exit_code

if __name__ == "__main__":
    sys.exit(exit_code(["run", *sys.argv[1:]], "jobs/run.py"))
