from pyspark.sql import SparkSession

from stackspark.licenses.expression_columns import names_a_license

DECLARING = ["LICENSE", "license.txt", "MIT-LICENSE", "COPYING.md", "License.MIT", "legal"]
OTHER = [
    # Names of the published list that mention licences, programs, pictures, and other names.
    *("README.md", "about.html", "NOTICE", "guidelines", "license.js", "mit_parser.py"),
    *("LICENSE.JSON", "foo.txt", "main.c", "licenses.yaml", "license.png", "copying.GIF", "é"),
]


def test_names_a_license(spark: SparkSession) -> None:
    names = spark.createDataFrame([(name,) for name in [*DECLARING, *OTHER]], "name string")
    declaring = names.filter(names_a_license("name")).collect()
    assert [row.name for row in declaring] == DECLARING
