"""spark-submit entry point: a whole recipe, with the arguments of ``stackspark run``."""

import sys

from stackspark.cli import app, exit_code

if __name__ == "__main__":
    sys.exit(exit_code(lambda: app(["run", *sys.argv[1:]], prog_name="jobs/run.py")))
