"""spark-submit entry point: upkeep of a lake, with the arguments of ``stackspark maintain``."""

import sys

from stackspark.cli import exit_code

if __name__ == "__main__":
    sys.exit(exit_code(["maintain", *sys.argv[1:]], "jobs/maintain.py"))
