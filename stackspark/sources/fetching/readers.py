"""Readers of one unit of requests: a repository, an archive, or files below a folder."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from stackspark.sources.archives.archive import member_bytes, open_archive
from stackspark.sources.base.content import Content, Request, changed, failed, make_content
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.local_files import open_file
from stackspark.sources.base.members import Member
from stackspark.sources.canaries import KIND as CANARIES
from stackspark.sources.canaries import read_canaries
from stackspark.sources.git.repository import Repository

Reader = Callable[[str, Iterable[Request], int, Limits], Iterator[Content]]


def read_git(
    location: str, requests: Iterable[Request], max_text_bytes: int, limits: Limits
) -> Iterator[Content]:
    """Read blobs of a repository, in the order of their pack."""
    try:
        repository = Repository(location, limits)
    except (SourceFault, OSError) as error:
        yield from _all_failed(requests, _as_fault(error))
        return
    try:
        for request in requests:
            yield _blob(repository, request, max_text_bytes)
    finally:
        repository.close()


def read_archive(
    location: str, requests: Iterable[Request], max_text_bytes: int, limits: Limits
) -> Iterator[Content]:
    """Read members of an archive, streaming it once; members that nobody asked for are skipped."""
    wanted = {position: list(group) for position, group in groupby(requests, _position)}
    try:
        with open_archive(location, limits) as members:
            while wanted:
                member = next(members)
                if member.position in wanted:
                    yield from _member(wanted[member.position], member, max_text_bytes)
                    del wanted[member.position]
    except (SourceFault, OSError) as error:
        yield from _all_failed(itertools.chain(*wanted.values()), _as_fault(error))
    except StopIteration:
        fault = SourceFault("missing_member", "the archive had more members when it was listed")
        yield from _all_failed(itertools.chain(*wanted.values()), fault)


def read_directory(
    location: str, requests: Iterable[Request], max_text_bytes: int, _limits: Limits
) -> Iterator[Content]:
    """Read files and links below a directory; a link's content is its target's name."""
    return _files(location, requests, max_text_bytes, follow=False)


def read_environment(
    location: str, requests: Iterable[Request], max_text_bytes: int, _limits: Limits
) -> Iterator[Content]:
    """Read files of installed distributions; some installers make each a link to their cache."""
    return _files(location, requests, max_text_bytes, follow=True)


READERS: dict[str, Reader] = {
    "git": read_git,
    "archive": read_archive,
    "dir": read_directory,
    "python-env": read_environment,
    CANARIES: read_canaries,
}


def _blob(repository: Repository, request: Request, max_text_bytes: int) -> Content:
    try:
        length, _ = repository.objects.size(request.content_id)
        chunks = repository.objects.chunks(request.content_id)
        return make_content(request.content_id, length, chunks, max_text_bytes)
    except SourceFault as fault:
        return failed(request.content_id, fault)


def _member(requests: list[Request], member: Member, max_text_bytes: int) -> Iterator[Content]:
    first, *others = requests
    try:
        yield make_content(first.content_id, *_open_member(member), max_text_bytes)
    except SourceFault as fault:
        if fault.error_class != "corrupt_member":
            raise
        yield failed(first.content_id, fault)
    for request in others:
        yield changed(request.content_id, first.content_id)


def _open_member(member: Member) -> tuple[int, Iterator[bytes]]:
    if member.kind == "symlink":
        target = member_bytes(member)
        return len(target), iter((target,))
    return member.length_bytes, member.chunks()


def _files(
    location: str, requests: Iterable[Request], max_text_bytes: int, *, follow: bool
) -> Iterator[Content]:
    folder = os.fsencode(location)
    for request in requests:
        try:
            with open_file(folder, request.member or b"", follow=follow) as file:
                content = make_content(
                    request.content_id, file.length_bytes, file.chunks, max_text_bytes
                )
            yield content
        except SourceFault as fault:
            yield failed(request.content_id, fault)


def _all_failed(requests: Iterable[Request], fault: SourceFault) -> Iterator[Content]:
    for request in requests:
        yield failed(request.content_id, fault)


def _as_fault(error: SourceFault | OSError) -> SourceFault:
    return error if isinstance(error, SourceFault) else SourceFault("unreadable", str(error))


def _position(request: Request) -> int:
    return request.position
