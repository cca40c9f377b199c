#!/usr/bin/env bash
# Start a Spark standalone cluster from the pip package: a master and workers on this machine.
#
#   infra/standalone/start.sh [--workers 2] [--cores 1] [--memory 2g]
#   infra/standalone/start.sh --host 10.0.0.5 --workers 0        # only the master, for other machines
#   infra/standalone/start.sh --master spark://10.0.0.5:7077     # on another machine: workers for it
#
# PYTHON names the interpreter that has stackspark; by default .venv of this checkout. Process ids,
# logs and the work folders of executors go to FOLDER; stop.sh with the same --folder ends them.
# Nobody is asked for a password: anyone who reaches the port can run code, so bind to a private net.
set -euo pipefail
repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
host=127.0.0.1 port=7077 master="" workers=2 cores=1 memory=2g
folder="${TMPDIR:-/tmp}/stackspark-standalone"

fail() { echo "start.sh: $1" >&2; exit "$2"; }

while (($#)); do
  (($# >= 2)) || fail "$1 needs a value" 2
  case "$1" in
    --host) host="$2" ;;
    --port) port="$2" ;;
    --master) master="$2" ;;
    --workers) workers="$2" ;;
    --cores) cores="$2" ;;
    --memory) memory="$2" ;;
    --folder) folder="$2" ;;
    *) fail "no option $1; see the top of this file" 2 ;;
  esac
  shift 2
done

PYTHON="${PYTHON:-$repository/.venv/bin/python}"
[[ -x "$PYTHON" ]] || fail "no Python at $PYTHON; run make test once, or say PYTHON=/path/to/python" 5
places="$("$PYTHON" -c '
import pyspark
from stackspark.runtime.java import find_java
print(find_java().path, *pyspark.__path__, sep="\n")')" || fail "stackspark or Java is missing; see stackspark doctor" 5
JAVA_HOME="$(sed -n 1p <<<"$places")" SPARK_HOME="$(sed -n 2p <<<"$places")"
export JAVA_HOME SPARK_HOME SPARK_LOCAL_IP="$host" PYSPARK_PYTHON="$PYTHON"

mkdir -p "$folder"
[[ ! -s "$folder/pids" ]] || fail "a cluster was started in $folder; stop it first" 6

# launch NAME CLASS ARGUMENTS...: a daemon that outlives this script.
launch() {
  local name="$1"
  shift
  setsid "$SPARK_HOME/bin/spark-class" "$@" >"$folder/$name.log" 2>&1 </dev/null &
  echo "$!" >>"$folder/pids"
}

# wait_for LOG PATTERN COUNT: until a daemon has said so, or has ended, or a minute is over.
wait_for() {
  for _ in $(seq 240); do
    (($(grep -c -- "$2" "$folder/$1.log" || true) >= $3)) && return
    kill -0 "$(tail -n 1 "$folder/pids")" 2>/dev/null || break
    sleep 0.25
  done
  tail -n 5 "$folder/$1.log" >&2
  "$repository/infra/standalone/stop.sh" --folder "$folder"
  fail "$1 did not start; its log is $folder/$1.log" 5
}

if [[ -z "$master" ]]; then
  master="spark://$host:$port"
  launch master org.apache.spark.deploy.master.Master --host "$host" --port "$port" --webui-port 0
  wait_for master "New state: ALIVE" 1
fi
for ((number = 1; number <= workers; number++)); do
  launch "worker-$number" org.apache.spark.deploy.worker.Worker --host "$host" --webui-port 0 \
    --cores "$cores" --memory "$memory" --work-dir "$folder/work-$number" "$master"
  wait_for "worker-$number" "Successfully registered with master" 1
done
echo "$master"
