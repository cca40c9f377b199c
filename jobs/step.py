"""spark-submit entry point: one step, with the arguments of ``stackspark step``."""

import sys

from stackspark.cli import exit_code

if __name__ == "__main__":
    sys.exit(exit_code(["step", *sys.argv[1:]], "jobs/step.py"))
