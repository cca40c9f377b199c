from stackspark.sources.base.content import Content
from stackspark.sources.fetching.metrics import FetchCounts


def test_contents_count_their_text_once_if_it_was_fetched() -> None:
    counts = FetchCounts()
    counts.add(requests=2)
    counts.add(requests=1, retries=1)
    counts.add_content(Content("a", "b", 7, "ok"))
    counts.add_content(Content("a", "b", 9_000, "too_large"))
    counts.add_content(Content("a", error_class="missing_object"))
    taken = {"requests": 3, "retries": 1, "contents": 3, "text_bytes": 7, "unusable": 1}
    assert counts.take() == taken
    assert counts.take() == {}
