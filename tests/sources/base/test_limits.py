import pytest

from stackspark.errors import InvalidParamsError
from stackspark.sources.base.limits import Limits
from stackspark.sources.fetching.fetch import FetchParams
from stackspark.sources.listing.list_sources import ListSourcesParams


def test_params_reject_nonsense() -> None:
    with pytest.raises(InvalidParamsError, match="num_tasks > 0; found 0"):
        ListSourcesParams(num_tasks=0)
    with pytest.raises(InvalidParamsError, match="fetch_batch_bytes > 0; found -1"):
        FetchParams(fetch_batch_bytes=-1)
    with pytest.raises(InvalidParamsError, match="limit max_ratio must be positive; found 0"):
        Limits(max_ratio=0)
