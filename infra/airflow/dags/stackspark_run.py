"""A run of a recipe as a DAG: one task per step, then the publication.

Each task is a Spark job that takes over what is done, so a retry, or a run of the DAG that is
repeated, goes on where the one before it stopped. A broken contract or a wrong recipe fails a task
without a retry, for it would break again; nothing is published then.

What a run is about comes by its conf:
`airflow dags trigger stackspark_run --conf '{"recipe": "default", "sources": ["git:/srv/code"]}'`.
Airflow's environment holds no Spark: `STACKSPARK_HOME` names the checkout with jobs/, and
`STACKSPARK_BIN` the bin folder of the environment with stackspark. The connection `stackspark`
says which master to submit to.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param, chain
from stackspark_tasks import StacksparkOperator, describe_environment

# `stackspark.run.pipeline.STEPS`, which Airflow's environment cannot import; a test compares them.
STEPS = (
    "list",
    "fetch",
    "scan",
    "licenses",
    "verdicts",
    "near_duplicates",
    "checks",
    "documents",
    "export",
)

PARAMS = {
    "recipe": Param("default", type="string", description="A built-in recipe or a YAML file."),
    "lake": Param("lake", type="string", description="Folder of the lake, or s3a://BUCKET/PREFIX."),
    "sources": Param([], type="array", items={"type": "string"}, description="KIND:LOCATION"),
    "settings": Param([], type="array", items={"type": "string"}, description="KEY=VALUE"),
}

with DAG(
    dag_id="stackspark_run",
    schedule=None,
    catchup=False,
    # One run at a time may write to a lake.
    max_active_runs=1,
    params=PARAMS,
    # Longer together than the lease of 15 minutes that a killed run may hold the lake for.
    default_args={"retries": 3, "retry_delay": timedelta(minutes=6)},
    doc_md=__doc__,
):
    steps = [
        StacksparkOperator(task_id=step, job="step.py", arguments=[step, "--recipe"])
        for step in STEPS
    ]
    chain(
        describe_environment(),
        *steps,
        StacksparkOperator(task_id="publish", job="run.py", arguments=[]),
    )
