"""The plan of a build: which sources need a job, which stay as they are, and which leave the corpus."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from va_widgets.base.errors import reason_of
from va_widgets.base.names import printable_text, unescaped
from va_widgets.base.paths import is_file, is_folder, is_share, open_regular
from va_widgets.corpus.building.jobs import ShardJob, in_folder
from va_widgets.corpus.building.known_files import KnownFiles, SourceId
from va_widgets.corpus.building.request import BuildRequest
from va_widgets.corpus.manifest import Root, Source, source_file
from va_widgets.corpus.sources import SourceFile, SourceGroup, told_apart
from va_widgets.video.decoder_messages import TRIES_AGAIN
from va_widgets.video.picture_kinds import is_animated

_PICTURES_A_SHARD = 256


@dataclass
class Plan:
    """What a build has to do, and all sources of the corpus as they are afterwards, apart from those of the jobs."""

    roots: list[Root]
    sources: dict[SourceId, Source]
    jobs: list[ShardJob] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)  # of the files' contents, by place


def plan_build(
    path: Path, groups: Sequence[SourceGroup], request: BuildRequest, roots: Iterable[Root], sources: Sequence[Source]
) -> Plan:
    """Return the plan of a build in the folder `path`, where the corpus has these `roots` and `sources`."""
    roots = list(roots)
    named = told_apart(groups, _names(roots, groups, sources, path))
    numbers = [_root_number(roots, group.root, path) for group in named]
    known = {(source.root, source.source): source for source in sources}
    # Rows of a former table that could not be used are not reported again: this table may be another.
    plan = Plan(roots, {source_id: source for source_id, source in known.items() if source.root >= 0})
    planner = _Planner(plan, request, known)
    unread = list[tuple[str, str]]()
    for group, given, number in zip(named, groups, numbers, strict=True):
        planner.add_files(group.files, number)
        unread += group.unread
        if request.retire and given.root is not None:
            _retire(plan, number, given.root, group.files)
    for name, reason in [*request.refused, *unread]:
        plan.sources[-1, name] = Source(name, -1, 0, 0, "", "skipped", reason, 0, 0.0)
    if request.retire:
        _retire_listed(plan, planner.known_files, [name for name, _ in unread])
    _remove_renamed(plan, {source.key for job in plan.jobs for _, source in job.files})
    for source_id in planner.known_files.respelled:
        plan.sources.pop(source_id, None)
    return plan


class _Planner:
    """Adds files to a plan; `known` are the sources of the corpus before the build."""

    def __init__(self, plan: Plan, request: BuildRequest, known: dict[SourceId, Source]) -> None:
        self.known_files = KnownFiles(known, plan.roots)
        self._plan = plan
        self._segments = request.segments
        self._known = known

    def add_files(self, files: Iterable[SourceFile], number: int) -> None:
        """Add jobs for the files below a root; those that need none are entered into the plan's sources."""
        plan, pictures = self._plan, list[tuple[SourceFile, Source]]()
        for listed in files:
            root, file = self.known_files.as_known(listed, number)
            if self._is_done(file, root):
                continue
            try:
                key, twin = self.known_files.identify(file, root)
            except OSError as error:
                reason = f"it cannot be read ({printable_text(reason_of(error))})"
                plan.sources[root, file.name] = _source(file, root, "", "skipped", reason)
                continue
            if twin:
                reason = f"it has the same content as {twin}"
                plan.sources[root, file.name] = _source(file, root, key, "skipped", reason)
                continue
            plan.keys[file.place] = key
            if file.picture and not file.remote and _is_animated(Path(file.place)):
                file = replace(file, animated=True)
            source = _source(file, root, key, "", "", shard=self._shard(file, key))
            if file.picture and file.place not in self._segments:
                pictures.append((file, source))
            else:
                plan.jobs.append(ShardJob(source.folder, [(file, source)], self._segments.get(file.place)))
        for start in range(0, len(pictures), _PICTURES_A_SHARD):
            batch = pictures[start : start + _PICTURES_A_SHARD]
            folder = "pictures-" + _digest("".join(source.key for _, source in batch))
            plan.jobs.append(ShardJob(folder, [in_folder(picture, folder) for picture in batch], None))

    def _is_done(self, file: SourceFile, root: int) -> bool:
        """Return whether a file is a source that has not changed and needs no work; enters its key into the plan."""
        former = self._known.get((root, file.name))
        if former is None or former.status == "gone" or (former.size, former.modified) != (file.size, file.modified):
            return False
        self._plan.keys[file.place] = former.key
        if former.status != "skipped":
            return file.picture or former.folder == self._shard(file, former.key)
        if former.reason.endswith(TRIES_AGAIN):
            return False
        # A file that was skipped as a copy is built once the file that it is a copy of is gone.
        return not self.known_files.lost_its_owner(former.key, (root, file.name))

    def _shard(self, file: SourceFile, key: str) -> str:
        """Return the name of a video's shard, which depends on the requested segments."""
        segments = self._segments.get(file.place)
        if segments is None:
            return key
        times = [(segment.start, segment.end, segment.clip_id) for segment in segments]
        return f"{key}-{_digest(repr(times))}"


def _is_animated(file: Path) -> bool:
    """Return whether a picture moves; False if it cannot be read, which its decoder reports."""
    try:
        with open_regular(file) as opened:
            return is_animated(opened)
    except OSError:
        return False


def _names(
    roots: Sequence[Root], groups: Sequence[SourceGroup], sources: Iterable[Source], path: Path
) -> list[tuple[Path, str]]:
    """Return the folder of the root of each source that is a file, where it is now if it was moved, and its name.

    Those of folders that are not there are left out: one that was moved is not told apart from what it was. Shares are
    not looked at.
    """
    named = {number: root.folder for number, root in enumerate(roots) if root.absolute}
    folders = {number: folder for number, folder in named.items() if is_share(folder) or is_folder(folder)}
    for group in groups:
        number = _known_root(roots, group.root, path)
        if group.root is not None and number is not None:
            folders[number] = group.root
    return [(folders[source.root], source.source) for source in sources if source.root in folders]


def _root_number(roots: list[Root], folder: Path | None, path: Path) -> int:
    """Return the index of a folder in `roots`: it is added if it is new, and updated if it was moved."""
    number = _known_root(roots, folder, path)
    if number is None:
        roots.append(Root.of(folder, path))
        return len(roots) - 1
    roots[number] = Root.of(folder, path)
    return number


def _known_root(roots: Sequence[Root], folder: Path | None, path: Path) -> int | None:
    """Return the index of a folder in `roots`; None if it is new."""
    new = Root.of(folder, path)
    # A corpus that was moved or copied together with its videos finds them at the same path relative to itself.
    for name in ("absolute", "relative"):
        for number, root in enumerate(roots):
            if getattr(root, name) == getattr(new, name) and (folder is None) == (not root.absolute):
                return number
    return None


def _retire(plan: Plan, number: int, folder: Path, files: Iterable[SourceFile]) -> None:
    """Mark sources as gone whose files are no longer in their folder; their shards stay, in case they come back.

    `files` are those that the folder holds, of the root `number`.
    """
    present = {file.name for file in files}
    for (root, name), source in list(plan.sources.items()):
        is_known = source.status == "gone" or (root == number and name in present)
        if is_known or root < 0 or not plan.roots[root].absolute:
            continue
        file = source_file(plan.roots[root].folder, name)
        if file.is_relative_to(folder) and _is_gone(file):
            _mark_gone(plan, (root, name))


def _retire_listed(plan: Plan, known_files: KnownFiles, names: Iterable[str]) -> None:
    """Mark sources as gone that a list names, by paths as `names.escaped`, and that are no longer there."""
    for name in names:
        known_id = known_files.source_of(name)
        if known_id in plan.sources and _is_gone(Path(unescaped(name))):
            del plan.sources[-1, name]
            _mark_gone(plan, known_id)


def _mark_gone(plan: Plan, source_id: SourceId) -> None:
    reason = "the file is no longer there; its clips come back with it"
    plan.sources[source_id] = msgspec.structs.replace(plan.sources[source_id], status="gone", reason=reason, clips=0)


def _is_gone(file: Path) -> bool:
    """Return whether a file does not exist; False if its folder cannot be entered now."""
    try:
        return not stat.S_ISREG(file.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def _remove_renamed(plan: Plan, keys: Collection[str]) -> None:
    """Drop the old names of files that exist under another name now; their shards and clip ids stay."""
    for source_id, source in list(plan.sources.items()):
        if source.key not in keys or source.root < 0:
            continue
        if not is_file(source_file(plan.roots[source.root].folder, source.source)):
            del plan.sources[source_id]


def _source(file: SourceFile, root: int, key: str, status: str, reason: str, shard: str = "") -> Source:
    return Source(file.name, root, file.size, file.modified, key, status, reason, 0, 0.0, shard)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
