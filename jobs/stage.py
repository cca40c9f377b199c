"""spark-submit entry point: one stage, with the arguments of ``stackspark stage``."""

import sys

from stackspark.cli import app, exit_code

if __name__ == "__main__":
    sys.exit(exit_code(lambda: app(["stage", *sys.argv[1:]], prog_name="jobs/stage.py")))
