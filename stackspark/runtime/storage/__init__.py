"""Files and objects, on local disk or in S3."""
