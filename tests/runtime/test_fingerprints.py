"""Keys of steps: what they are made of."""

from pathlib import Path

import pytest

from stackspark.runtime import fingerprints


def test_another_contract_is_another_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A table that was held to the old one must not be taken over."""
    schema = tmp_path / "files.yaml"
    monkeypatch.setattr(fingerprints, "schemas_folder", lambda: tmp_path)
    keys = set()
    for rule in ("length_bytes >= 0", "length_bytes > 0"):
        schema.write_text(rule)
        fingerprints.code_hash.cache_clear()
        keys.add(fingerprints.fingerprint("fetch", ["listing"], {}))
    fingerprints.code_hash.cache_clear()
    assert len(keys) == 2
