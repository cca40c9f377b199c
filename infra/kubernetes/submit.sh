#!/usr/bin/env bash
# Submit a run to Kubernetes with Spark's own submission; from the root of a checkout:
#   infra/kubernetes/submit.sh https://API_SERVER:6443 REGISTRY/stackspark:TAG RECIPE --lake s3a://BUCKET/PREFIX
# The recipe is a built-in one, or a path in the image. Ends when the run has ended; the driver's
# log, with its one line for what went wrong, is that of its pod.
set -euo pipefail
if (($# < 3)); then
  sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
api="$1" image="$2"
shift 2
exec "${SPARK_SUBMIT:-spark-submit}" --master "k8s://$api" --deploy-mode cluster --name stackspark \
  --properties-file "$(dirname "${BASH_SOURCE[0]}")/spark.properties" \
  --conf "spark.kubernetes.container.image=$image" \
  local:///opt/stackspark/jobs/run.py "$@"
