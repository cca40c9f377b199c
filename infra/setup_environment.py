"""Fill .venv with stackspark, editable, every version as constraints.txt pins it.

The Makefile calls this with the machine's own Python, so it uses the standard library only. uv
installs (seconds where pip takes minutes); pip does where uv cannot be had.
"""

import argparse
import ast
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
VENV_PYTHON = REPOSITORY / ".venv" / "bin" / "python"
CONSTRAINTS = REPOSITORY / "constraints.txt"
UV_VERSION = "0.13.9"
ENVIRONMENT_EXIT_CODE = 5
DEFAULT = f"{REPOSITORY}[licenses]"
"""The package with what the built-in recipes need: their detector of licences."""

# What a machine tells pip (variable or configuration file) and the variable that tells uv the same.
PIP_SETTINGS_OF_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}


def main() -> int:
    """Bring .venv up to date, or write constraints.txt anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="with the tools of the dev group")
    parser.add_argument("--pin", action="store_true", help="write constraints.txt anew")
    arguments = parser.parse_args()
    try:
        if arguments.pin:
            pin()
        else:
            install(with_dev=arguments.dev)
    except subprocess.CalledProcessError as error:
        print(
            f"set-up stopped: `{' '.join(map(str, error.cmd[:6]))} ...` failed with "
            f"{error.returncode}; its output is above. Is the package index reachable?",
            file=sys.stderr,
        )
        return ENVIRONMENT_EXIT_CODE
    return 0


def install(*, with_dev: bool) -> None:
    """Install the package and, where asked for, the dev group into .venv."""
    if not VENV_PYTHON.exists() or not runs(VENV_PYTHON):
        print("creating .venv", flush=True)
        venv.EnvBuilder(with_pip=True, clear=True).create(REPOSITORY / ".venv")
    print(f"installing stackspark{' and the dev group' if with_dev else ''}", flush=True)
    install_requirements("--editable", DEFAULT, *(dev_group() if with_dev else ()))
    if not finds_java():
        print("no Java 17 or 21 on this machine: installing the extra `java`", flush=True)
        install_requirements("--editable", f"{REPOSITORY}[java,licenses]")


def install_requirements(*requirements: str) -> None:
    """Install into .venv, pinned, with uv or else with pip."""
    installer = uv_installer() or [str(VENV_PYTHON), "-m", "pip", "install", "--quiet"]
    command = [*installer, "--constraint", str(CONSTRAINTS), *requirements]
    subprocess.run(command, check=True, env=uv_environment(), cwd=REPOSITORY)


def pin() -> None:
    """Write constraints.txt: one exact version of everything, core, extras and dev group."""
    command = [
        str(VENV_PYTHON),
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--upgrade",
    ]
    command += ["--python-version", "3.11", "--no-annotate", "--no-header", "--no-emit-index-url"]
    command += [
        "--all-extras",
        "--group",
        "dev",
        "--output-file",
        str(CONSTRAINTS),
        "pyproject.toml",
    ]
    subprocess.run(command, check=True, env=uv_environment(), cwd=REPOSITORY)
    pins = CONSTRAINTS.read_text(encoding="utf-8")
    header = "# Exact versions of the tested environment; `make constraints` writes this file.\n"
    CONSTRAINTS.write_text(header + pins, encoding="utf-8")


def runs(python: Path) -> bool:
    """Whether an interpreter still starts; it does not after its base was removed."""
    return subprocess.run([str(python), "-c", ""], check=False, capture_output=True).returncode == 0


def finds_java() -> bool:
    """Whether the package finds a Java to start Spark with, or is told to do without."""
    find_java = "from stackspark.runtime.java import find_java; find_java()"
    search = [str(VENV_PYTHON), "-c", find_java]
    return (
        os.environ.get("STACKSPARK_NO_JAVA_FALLBACK") == "1"
        or subprocess.run(search, check=False, capture_output=True).returncode == 0
    )


def dev_group() -> list[str]:
    """Requirements of the dev group; the pip that a new venv brings cannot read groups itself."""
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    return list(document["dependency-groups"]["dev"])


def uv_installer() -> list[str] | None:
    """The command that installs with uv, or None where uv cannot be had."""
    uv = VENV_PYTHON.with_name("uv")
    if not uv.exists():
        pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", f"uv=={UV_VERSION}"]
        subprocess.run(pip, check=False, capture_output=True)
    if not uv.exists():
        return None
    return [str(uv), "pip", "install", "--quiet", "--python", str(VENV_PYTHON)]


def uv_environment() -> dict[str, str]:
    """The environment, with what the machine tells pip said to uv where it was told nothing."""
    listing = subprocess.run(
        [str(VENV_PYTHON), "-m", "pip", "config", "list"],
        check=False,
        capture_output=True,
        text=True,
    ).stdout
    settings = dict(os.environ)
    for name, quoted in re.findall(r"^\S*\.([a-z-]+)=('.*'|\".*\")$", listing, flags=re.MULTILINE):
        variable = PIP_SETTINGS_OF_UV.get(name)
        value = said_to_uv(name, ast.literal_eval(quoted).split())
        if variable and value:
            settings.setdefault(variable, value)
    return settings


def said_to_uv(name: str, values: list[str]) -> str:
    """A setting of pip as uv reads it: uv stops at a folder of links that is missing, pip not."""
    if name == "find-links":
        return ",".join(link for link in values if "://" in link or Path(link).is_dir())
    return " ".join(values)


if __name__ == "__main__":
    sys.exit(main())
