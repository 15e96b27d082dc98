"""The plan of a build: which sources need a job, which stay as they are, and which leave the corpus."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from va_widgets.base.errors import reason_of
from va_widgets.base.names import printable_text
from va_widgets.base.paths import is_file
from va_widgets.corpus.building.jobs import ShardJob, in_folder
from va_widgets.corpus.building.known_files import KnownFiles, SourceId
from va_widgets.corpus.building.request import BuildRequest
from va_widgets.corpus.manifest import Root, Source, source_file
from va_widgets.corpus.sources import SourceFile, SourceGroup
from va_widgets.video.decoder_process import KILLED

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
    numbers = [_root_number(roots, group.root, path) for group in groups]
    known = {(source.root, source.source): source for source in sources}
    # Rows of a former table that could not be used are not reported again: this table may be another.
    plan = Plan(roots, {source_id: source for source_id, source in known.items() if source.root >= 0})
    planner = _Planner(plan, request, known)
    unread = list[tuple[str, str]]()
    for group, number in zip(groups, numbers, strict=True):
        planner.add_files(group.files, number)
        unread += group.unread
        if request.retire and group.root is not None:
            _retire(plan, number, group.root, group.files)
    for name, reason in [*request.refused, *unread]:
        plan.sources[-1, name] = Source(name, -1, 0, 0, "", "skipped", reason, 0, 0.0)
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
        # A file that was skipped as a copy is built once the file that it is a copy of is gone.
        return former.reason != KILLED and not self.known_files.lost_its_owner(former.key, (root, file.name))

    def _shard(self, file: SourceFile, key: str) -> str:
        """Return the name of a video's shard, which depends on the requested segments."""
        segments = self._segments.get(file.place)
        if segments is None:
            return key
        times = [(segment.start, segment.end, segment.clip_id) for segment in segments]
        return f"{key}-{_digest(repr(times))}"


def _root_number(roots: list[Root], folder: Path | None, path: Path) -> int:
    """Return the index of a folder in `roots`: it is added if it is new, and updated if it was moved."""
    new = Root.of(folder, path)
    # A corpus that was moved or copied together with its videos finds them at the same path relative to itself.
    for name in ("absolute", "relative"):
        for number, root in enumerate(roots):
            if getattr(root, name) == getattr(new, name) and (folder is None) == (not root.absolute):
                roots[number] = new
                return number
    roots.append(new)
    return len(roots) - 1


def _retire(plan: Plan, number: int, folder: Path, files: Iterable[SourceFile]) -> None:
    """Mark sources as gone whose files are no longer in their folder; their shards stay, in case they come back."""
    present = {file.name for file in files}
    below = {
        other
        for other, root in enumerate(plan.roots)
        if other != number and root.absolute and root.folder.is_relative_to(folder)
    }
    for (root, name), source in list(plan.sources.items()):
        if source.status == "gone" or not (root in below or (root == number and name not in present)):
            continue
        if _is_gone(source_file(plan.roots[root].folder, name)):
            reason = "the file is no longer there; its clips come back with it"
            plan.sources[root, name] = msgspec.structs.replace(source, status="gone", reason=reason, clips=0)


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
