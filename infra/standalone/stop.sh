#!/usr/bin/env bash
# Stop what start.sh started on this machine: infra/standalone/stop.sh [--folder FOLDER]
set -euo pipefail
folder="${TMPDIR:-/tmp}/stackspark-standalone"
if [[ "${1:-}" == --folder && -n "${2:-}" ]]; then
  folder="$2"
elif (($#)); then
  echo "stop.sh: no option $1; see the top of this file" >&2
  exit 2
fi
[[ -s "$folder/pids" ]] || { echo "no cluster was started in $folder"; exit 0; }

# A number may be another process's by now.
is_spark() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -q org.apache.spark.deploy; }

# Workers first, so that they end their executors.
for pid in $(tac "$folder/pids"); do
  is_spark "$pid" || continue
  kill "$pid"
  for _ in $(seq 80); do is_spark "$pid" || break; sleep 0.25; done
  ! is_spark "$pid" || kill -KILL -- "-$pid"
done
rm "$folder/pids"
