"""What lies under a model's name and is none: a Git LFS pointer, a web page, nothing at all."""

from pathlib import Path

from helpers.files.description import Description
from helpers.files.reading import Unreadable


def recognise(path: Path, head: bytes) -> bool:
    """Whether it is one of these, by its content."""
    return not path.is_dir() and (not head or _pointer(head) or _page(head))


def describe(path: Path, head: bytes) -> Description:
    """Raise what it is.

    Raises:
        Unreadable: in any case.
    """
    if not head:
        raise Unreadable(f"{path} is empty; expected a model, weights or a checkpoint")
    if _pointer(head):
        raise Unreadable(
            f"{path} is a Git LFS pointer, not the file that it points to: run git lfs pull"
        )
    raise Unreadable(
        f"{path} is a web page (HTML), not a model: the download gave a page, download it again"
    )


def _pointer(head: bytes) -> bool:
    return head.startswith(b"version https://git-lfs.github.com/spec/")


def _page(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml"))
