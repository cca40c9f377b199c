"""Origins with what their source and what events tell of a repository -> one of the two."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def prefer_listed(matched: DataFrame) -> DataFrame:
    """Take all that is told of a repository from one place.

    A source that knows the repository's id is believed; of any other origin the events have the
    word.

    Args:
        matched: rows of `match_repositories`, whose origins have a struct `listed` with all that
            the source said of them.

    Returns:
        The columns of `listed`.
    Shuffles: none.
    """
    is_known = F.col("listed.github_id").isNotNull()

    def chosen(name: str) -> Column:
        listed = F.col(f"listed.{name}")
        is_told = name not in ("origin_url", "visit_date") and name in matched.columns
        return F.when(is_known, listed).otherwise(F.col(name)) if is_told else listed

    names = matched.select("listed.*").columns
    return matched.select(*(chosen(name).alias(name) for name in names))
