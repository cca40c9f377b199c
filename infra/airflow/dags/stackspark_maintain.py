"""Upkeep of a lake as a DAG: every week small files are joined and old publications removed.

A run that holds the lake makes the task fail, and it is tried again.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param
from stackspark_tasks import StacksparkOperator, describe_environment

with DAG(
    dag_id="stackspark_maintain",
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "lake": Param("lake", type="string", description="Folder of the lake, or s3a://..."),
        "keep": Param(3, type="integer", minimum=1, description="Publications to keep."),
    },
    default_args={"retries": 5, "retry_delay": timedelta(hours=1)},
    doc_md=__doc__,
):
    _ = describe_environment() >> StacksparkOperator(
        task_id="maintain", job="maintain.py", arguments=[]
    )
