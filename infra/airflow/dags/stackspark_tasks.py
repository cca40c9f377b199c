"""What the DAGs share: a Spark job of stackspark as a task, and which failures to repeat."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

HOME = Path(os.environ.get("STACKSPARK_HOME", Path(__file__).parents[3]))
BIN = Path(os.environ.get("STACKSPARK_BIN", HOME / ".venv" / "bin"))

LASTING = {2: "the recipe or its arguments are wrong", 4: "a table breaks its contract"}
"""Exit codes of failures that a repetition meets again."""

# The last number that is not 0: a driver in Kubernetes has an exit code besides spark-submit's.
EXIT_CODE = re.compile(r"(?:Error|exit) code is: ([1-9]\d*)")

ENVIRONMENT = """
import json
from stackspark.runtime.jars import cached_jars
from stackspark.runtime.java import find_java
java = find_java()
jars = ",".join(map(str, cached_jars(java, s3a={s3a})))
print(json.dumps({{"java": str(java.path), "jars": jars}}))
"""


@task(task_id="environment")
def describe_environment(params: dict[str, Any] | None = None) -> dict[str, str]:
    """Where Java and the jars of this lake's kind are; fetches the jars the first time."""
    import json  # noqa: PLC0415 - a task carries its imports

    s3a = (params or {})["lake"].startswith("s3")
    command = [str(BIN / "python"), "-c", ENVIRONMENT.format(s3a=s3a)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


class StacksparkOperator(SparkSubmitOperator):
    """Submit one of jobs/ with the arguments that the run's conf asks for."""

    def __init__(self, *, job: str, arguments: Sequence[str], **options: Any) -> None:
        found = "{{ ti.xcom_pull(task_ids='environment')['%s'] }}"
        super().__init__(
            application=str(HOME / "jobs" / job),
            conn_id="stackspark",
            spark_binary=str(BIN / "spark-submit"),
            jars=found % "jars",
            env_vars={"JAVA_HOME": found % "java", "PYSPARK_PYTHON": str(BIN / "python")},
            **options,
        )
        self.arguments = list(arguments)

    def execute(self, context: Any) -> None:
        """Submit the job; fail for good where its exit code says that it would fail again."""
        self.application_args = [*self.arguments, *_said(context["params"])]
        try:
            super().execute(context)
        except AirflowException as error:
            codes = [int(code) for code in EXIT_CODE.findall(str(error))]
            reason = LASTING.get(codes[-1]) if codes else None
            if reason is None:
                raise
            raise AirflowFailException(f"exit code {codes[-1]}: {reason}; see the log") from error


OPTIONS = {"lake": "--lake", "sources": "--source", "settings": "--set", "keep": "--keep"}


def _said(params: Any) -> list[str]:
    """The run's conf as arguments of the command line; the recipe has no option's name."""
    said = [params["recipe"]] if "recipe" in params else []
    for name, option in OPTIONS.items():
        values = params.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            said += [option, str(value)]
    return [*said, "--json"]
