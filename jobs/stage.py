"""spark-submit entry point: one stage, with the arguments of ``stackspark stage``."""

import sys

from stackspark.cli import exit_code

if __name__ == "__main__":
    sys.exit(exit_code(["stage", *sys.argv[1:]], "jobs/stage.py"))
