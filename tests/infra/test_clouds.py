"""What Kubernetes and EMR Serverless are given, held against the schemas of those who read it."""

import json
import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.session
import kubernetes_validate
import pyspark
import pytest
import yaml
from botocore.validate import ParamValidator
from kubernetes_server import api_server
from places import REPOSITORY

from stackspark.lake.locks import LEASE_SECONDS
from stackspark.recipe.load import load_recipe
from stackspark.runtime.java import find_java

INFRA = REPOSITORY / "infra"
KUBERNETES = INFRA / "kubernetes"
MANIFESTS = [
    (path.name, document)
    for path in sorted(KUBERNETES.glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]
REQUESTS = {"application.json": "CreateApplication", "job_run.json": "StartJobRun"}


def _json(name: str) -> Any:
    return json.loads((INFRA / "emr" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("version", ["1.31", "1.37"])
def test_manifests_keep_the_schemas_of_kubernetes(version: str) -> None:
    assert {name for name, _ in MANIFESTS} == {
        "driver-pod.yaml", "executor-pod.yaml", "namespace.yaml",
    }  # fmt: skip
    for _, document in MANIFESTS:
        kubernetes_validate.validate(document, version, strict=True)


def test_schema_of_kubernetes_sees_a_wrong_field() -> None:
    (pod,) = (document for name, document in MANIFESTS if name == "executor-pod.yaml")
    wrong = pod | {"spec": pod["spec"] | {"restartPolice": "Never"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.31", strict=True)


def test_properties_name_what_the_manifests_make() -> None:
    lines = (KUBERNETES / "spark.properties").read_text(encoding="utf-8").splitlines()
    given = dict(line.split() for line in lines if line and not line.startswith("#"))
    made = {(each["kind"], each["metadata"].get("name")) for _, each in MANIFESTS}
    assert ("Namespace", given["spark.kubernetes.namespace"]) in made
    account = given["spark.kubernetes.authenticate.driver.serviceAccountName"]
    assert ("ServiceAccount", account) in made
    for role in ("driver", "executor"):
        template = INFRA.parent / given[f"spark.kubernetes.{role}.podTemplateFile"]
        (pod,) = yaml.safe_load_all(template.read_text(encoding="utf-8"))
        assert pod["spec"]["containers"][0]["name"] == f"spark-kubernetes-{role}"


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_keep_the_model_of_emr_serverless(name: str) -> None:
    service = botocore.session.get_session().get_service_model("emr-serverless")
    shape = service.operation_model(REQUESTS[name]).input_shape
    report = ParamValidator().validate(_json(name), shape)
    assert not report.has_errors(), report.generate_report()
    wrong = ParamValidator().validate(_json(name) | {"nmae": 1}, shape)
    assert wrong.has_errors()


@pytest.mark.parametrize("name", ["policy.json", "trust.json"])
def test_policies_name_actions_and_no_more_than_they_need(name: str) -> None:
    document = _json(name)
    assert document["Version"] == "2012-10-17"
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        assert "Resource" in statement or "Principal" in statement
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            assert re.fullmatch(r"(s3|sts):[A-Z]\w+", action)


@pytest.mark.parametrize("kind", ["kubernetes", "emr"])
def test_images_hold_the_detector_that_the_recipes_name(kind: str) -> None:
    assert load_recipe("default", ()).license_texts.detector == "scancode"
    image = (INFRA / kind / "Dockerfile").read_text(encoding="utf-8")
    assert "--constraint /build/constraints.txt '/build[licenses]'" in image


@pytest.mark.parametrize("name", ["stackspark_run", "stackspark_maintain"])
def test_airflow_tries_for_longer_than_a_killed_run_holds_a_lake(name: str) -> None:
    """On another machine its lock is free only when the lease is over."""
    dag = (INFRA / "airflow" / "dags" / f"{name}.py").read_text(encoding="utf-8")
    said = re.search(r'"retries": (\d+), "retry_delay": timedelta\((\w+)=(\d+)\)', dag)
    assert said
    delay = timedelta(**{said[2]: int(said[3])})
    assert int(said[1]) * delay > timedelta(seconds=LEASE_SECONDS)


def test_submission_hands_recipe_and_settings_on(tmp_path: Path) -> None:
    """What Spark's submission is called with; a program that prints it stands in its place."""
    echo = tmp_path / "spark-submit"
    echo.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    echo.chmod(0o755)
    done = subprocess.run(
        [KUBERNETES / "submit.sh", "https://api:6443", "registry/stackspark:1", "default",
         "--lake", "s3a://bucket/lake", "--set", "exports=[ids, files]"],
        env=os.environ | {"SPARK_SUBMIT": str(echo)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert said[:4] == ["--master", "k8s://https://api:6443", "--deploy-mode", "cluster"]
    assert "spark.kubernetes.container.image=registry/stackspark:1" in said
    assert said[-6:] == [
        "local:///opt/stackspark/jobs/run.py", "default", "--lake", "s3a://bucket/lake",
        "--set", "exports=[ids, files]",
    ]  # fmt: skip


def test_executors_get_their_numbered_options(tmp_path: Path) -> None:
    """The entrypoint, with a program in the place of Java."""
    java = tmp_path / "java"
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)
    names = (
        "DRIVER_URL", "EXECUTOR_ID", "EXECUTOR_CORES", "APPLICATION_ID", "EXECUTOR_POD_IP",
        "RESOURCE_PROFILE_ID", "EXECUTOR_POD_NAME",
    )  # fmt: skip
    environment = {f"SPARK_{name}": name.lower() for name in names}
    environment |= {"SPARK_EXECUTOR_MEMORY": "4g", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment |= {"SPARK_JAVA_OPT_0": "-Da=1 2", "SPARK_JAVA_OPT_1": "-Db=3"}
    done = subprocess.run(
        [KUBERNETES / "entrypoint.sh", "executor"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert said[:4] == ["-Da=1 2", "-Db=3", "-Xms4g", "-Xmx4g"]
    assert said[said.index("--driver-url") + 1] == "driver_url"
    assert said[said.index("--podName") + 1] == "executor_pod_name"


@pytest.mark.integration
def test_spark_submits_a_driver_that_kubernetes_would_take(tmp_path: Path) -> None:
    """Spark's own submission, with our settings and template, against a server that keeps it."""
    submit = tmp_path / "spark-submit"
    program, wait = f"{pyspark.__path__[0]}/bin/spark-submit", "submission.waitAppCompletion=false"
    submit.write_text(f'#!/bin/sh\nexec {program} --conf spark.kubernetes.{wait} "$@"\n')
    submit.chmod(0o755)
    environment = {name: os.environ[name] for name in ("PATH", "HOME")}
    environment |= {"SPARK_SUBMIT": str(submit), "JAVA_HOME": str(find_java().path)}
    environment |= {"SPARK_HOME": pyspark.__path__[0]}
    with api_server() as server:
        done = subprocess.run(
            [KUBERNETES / "submit.sh", server.url, "registry/stackspark:1", "default",
             "--lake", "s3a://bucket/lake"],
            env=environment, cwd=INFRA.parent, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        (pod,) = server.of_kind("Pod")
    kubernetes_validate.validate(pod, "1.31", strict=True)
    (container,) = pod["spec"]["containers"]
    assert server.paths.count("/api/v1/namespaces/stackspark/pods") == 1
    assert pod["spec"]["serviceAccountName"] == "stackspark"
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["image"] == "registry/stackspark:1"
    assert container["args"][0] == "driver"
    assert container["args"][-4:] == [
        "local:///opt/stackspark/jobs/run.py", "default", "--lake", "s3a://bucket/lake",
    ]  # fmt: skip
