import pytest

from stackspark.texts.lfs_pointers import is_lfs_pointer

VERSION = "version https://git-lfs.github.com/spec/v1\n"
OID = f"oid sha256:{'4d' * 32}\n"
POINTER = f"{VERSION}{OID}size 12345\n"


@pytest.mark.parametrize(
    "text",
    [
        POINTER,
        POINTER.rstrip(),
        f"\n{POINTER}\n",
        POINTER.replace("\n", "\r\n"),
        POINTER.replace("git-lfs", "hawser"),
        POINTER.replace("https://git-lfs.github.com/spec/v1", "http://git-media.io/v/2"),
        f"{VERSION}ext-0-foo sha256:{'ab' * 32}\next-1-bar sha256:{'cd' * 32}\n{OID}size 0\n",
        f"{VERSION}{OID}size 123456789012\nx-new-key some value\n",
    ],
)
def test_pointers(text: str) -> None:
    assert is_lfs_pointer(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version 1\n",
        VERSION,
        f"{OID}size 1\n",  # no version
        f"{VERSION}size 1\n",
        f"{VERSION}{OID}",
        f"{VERSION}{OID}size many\n",
        f"{VERSION}{OID.replace('sha256', 'sha1')}size 1\n",
        f"{VERSION}{OID.replace('4d4d', '4d')}size 1\n",
        f"A pointer looks so:\n{POINTER}",
        f"{POINTER}\nand a text that goes on\n",
        POINTER + " " * 1024,  # too long for one
    ],
)
def test_what_is_no_pointer(text: str) -> None:
    assert not is_lfs_pointer(text.encode())
