"""Readers of one unit of requests: a repository, an archive, or files below a folder."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import groupby
from operator import attrgetter

from stackspark.sources.archives.archive import member_bytes, open_archive
from stackspark.sources.base.content import (
    Content,
    Request,
    changed_content,
    failed_content,
    make_content,
)
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
    with closing(repository):
        for request in requests:
            yield _blob(repository, request, max_text_bytes)


def read_archive(
    location: str, requests: Iterable[Request], max_text_bytes: int, limits: Limits
) -> Iterator[Content]:
    """Read members of an archive, which is streamed once; members without a request are skipped."""
    by_position = groupby(requests, attrgetter("position"))
    wanted = {position: list(group) for position, group in by_position}
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


def read_files(
    location: str,
    requests: Iterable[Request],
    max_text_bytes: int,
    _limits: Limits,
    *,
    follow: bool,
) -> Iterator[Content]:
    """Read files below a folder; the content of a link that is not followed is its target's name.

    Installed distributions need links followed: some installers make each file a link to a cache.
    """
    folder = os.fsencode(location)
    for request in requests:
        try:
            with open_file(folder, request.member or b"", follow=follow) as file:
                content = make_content(request.content_id, *file, max_text_bytes)
            yield content
        except SourceFault as fault:
            yield failed_content(request.content_id, fault)


READERS: dict[str, Reader] = {
    "git": read_git,
    "archive": read_archive,
    "dir": partial(read_files, follow=False),
    "python-env": partial(read_files, follow=True),
    CANARIES: read_canaries,
}


def _blob(repository: Repository, request: Request, max_text_bytes: int) -> Content:
    try:
        length, _ = repository.objects.size(request.content_id)
        chunks = repository.objects.chunks(request.content_id)
        return make_content(request.content_id, length, chunks, max_text_bytes)
    except SourceFault as fault:
        return failed_content(request.content_id, fault)


def _member(requests: list[Request], member: Member, max_text_bytes: int) -> Iterator[Content]:
    first, *others = requests
    try:
        yield make_content(first.content_id, *_open_member(member), max_text_bytes)
    except SourceFault as fault:
        if fault.error_class != "corrupt_member":
            raise
        yield failed_content(first.content_id, fault)
    for request in others:
        yield changed_content(request.content_id, first.content_id)


def _open_member(member: Member) -> tuple[int, Iterator[bytes]]:
    if member.kind == "symlink":
        target = member_bytes(member)
        return len(target), iter((target,))
    return member.length_bytes, member.chunks()


def _all_failed(requests: Iterable[Request], fault: SourceFault) -> Iterator[Content]:
    for request in requests:
        yield failed_content(request.content_id, fault)


def _as_fault(error: SourceFault | OSError) -> SourceFault:
    return error if isinstance(error, SourceFault) else SourceFault("unreadable", str(error))
