"""List, export, import or remove the answers that are kept on this computer."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from marlin_edit.analysis import ModelIdentity
from marlin_edit.commands import Function, Run, as_command, grouped_option, json_option
from marlin_edit.errors import ExitCode, MarlinEditError, UsageError
from marlin_edit.files import refuse_existing, staged
from marlin_edit.inference.store import Choice, Kept, Key, Store, answers_in, store_path
from marlin_edit.json_values import checked_object, checked_text, parsed_json, utf8_text
from marlin_edit.settings import Group
from marlin_edit.text import counted
from marlin_edit.timebase import Span, parse_seconds, seconds_text
from marlin_edit.video_model import Answer, Question, QuestionKind, Terms

_UNITS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}


class StoreGroup(click.Group):
    """`store` alone, or with options only, is `store show`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; without a subcommand they are those of `show`."""
        alone = not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)
        if alone and not ctx.resilient_parsing:  # which is how a shell asks what may come next
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("store", cls=StoreGroup)
def command() -> None:
    """List, export, import or remove the answers that are kept on this computer.

    Each answer of a model is kept, so that the same question about the same media, window and model is not asked again.
    `marlin-edit store` alone lists them by media and model. `--no-store` on a command turns this off.

    \b
    Examples:
      marlin-edit store
      marlin-edit store prune --older-than 30d
    """


def choice_options(function: Function) -> Function:
    """--media and --model, as `media: str | None` and `model: str | None`."""
    function = grouped_option(
        Group.WHAT, "--model", "model", metavar="NAME", help="Only answers of this model: its name, or NAME@REVISION."
    )(function)
    return grouped_option(
        Group.WHAT, "--media", "media", metavar="FILE", help="Only answers about this file, or one that had this name."
    )(function)


@as_command("store show")
@choice_options
@json_option
def show(run: Run, media: str | None, model: str | None) -> None:
    """List the answers by media and model, and show where they are kept.

    \b
    Examples:
      marlin-edit store show
      marlin-edit store show --media interview.mov --json
    """
    with closing(_store(run)) as store:
        groups: dict[tuple[str, str, str, str, str], _Group] = {}
        for kept in store.answers(_choice(media, model)):
            identity = kept.key.model
            key = (kept.key.media, identity.name, identity.revision, identity.profile, identity.dtype)
            group = groups.setdefault(key, _Group(kept))
            group.answers += 1
            if kept.asked_at >= group.last.asked_at:
                group.last = kept
        found = sorted(groups.values(), key=lambda group: -group.last.asked_at)
        total = sum(group.answers for group in found)
        if run.json:
            run.console.answer(
                {
                    "path": store.path,
                    "size": store.size(),
                    "answers": total,
                    "kept": [
                        {
                            "media": {"fingerprint": group.last.key.media, "path": group.last.path},
                            "model": _model(group.last),
                            "answers": group.answers,
                            "last_asked": _moment(group.last),
                        }
                        for group in found
                    ],
                    "set_aside": store.set_aside(),
                    "exit_code": 0,
                }
            )
            return
        if found:
            run.console.table(
                ("answers", "model", "last asked", "media"),
                [
                    (str(group.answers), str(group.last.key.model), _moment(group.last)[:16], group.last.path)
                    for group in found
                ],
            )
            run.console.lines("")
        state = _size(store.size()) if store.exists() else "not there yet"
        run.console.lines(f"{counted(total, 'answer')} in {store.path} ({state})")
        for path in store.set_aside():
            run.console.lines(f"set aside: {path}")


@as_command("store export", settings=["overwrite"])
@grouped_option(Group.OUTPUT, "-o", "--output", metavar="FILE", help="File to write. Without it, or with `-`, stdout.")
@choice_options
@json_option
def export(run: Run, output: str | None, media: str | None, model: str | None) -> None:
    """Export the answers as JSON lines, one line per answer; with --json as one document.

    \b
    Examples:
      marlin-edit store export -o answers.jsonl
      marlin-edit store export --model demo --json
    """
    path = None if output in (None, "-") else Path(str(output))
    overwrite = run.settings.value("overwrite", bool)
    if path is not None:
        refuse_existing([path], overwrite)
    with closing(_store(run)) as store:
        answers = (_document(kept) for kept in store.answers(_choice(media, model)))
        if path is None:
            if run.json:
                run.console.answer({"schema": _SCHEMA, "answers": list(answers)})
            else:
                for answer in answers:
                    run.console.data(_line(answer))
            return
        count = 0
        with staged(path, overwrite, may_be_empty=True) as temporary, temporary.open("w", encoding="utf-8") as file:
            for answer in answers:
                file.write(_line(answer))
                count += 1
    if run.json:
        run.console.answer({"files": [path], "answers": count, "exit_code": 0})
    run.console.receipt(f"wrote {path}: {counted(count, 'answer')}")


@as_command("store prune")
@grouped_option(Group.WHAT, "--all", "everything", is_flag=True, show_default=False, help="Remove every answer.")
@grouped_option(
    Group.WHAT,
    "--older-than",
    "age",
    metavar="AGE",
    callback=lambda _, __, given: None if given is None else parse_age(given),
    help="Remove answers that are older: hours (12h), days (30d) or weeks (4w).",
)
@choice_options
@grouped_option(
    Group.OUTPUT, "--dry-run", is_flag=True, show_default=False, help="Report how many it would be; remove nothing."
)
@json_option
def prune(run: Run, everything: bool, age: int | None, media: str | None, model: str | None, dry_run: bool) -> None:
    """Remove all answers, or those that match every option that is given.

    \b
    Examples:
      marlin-edit store prune --media interview.mov
      marlin-edit store prune --all --dry-run
    """
    chosen = age is not None or media is not None or model is not None
    if everything == chosen:
        raise UsageError("Say which answers to remove: --all, or --older-than, --media and --model.")
    choice = _choice(media, model, None if age is None else time.time() - age)
    with closing(_store(run)) as store:
        before = store.size()
        count = sum(1 for _ in store.answers(choice)) if dry_run else store.remove(None if everything else choice)
        freed = 0 if dry_run else max(0, before - store.size())
    if run.json:
        run.console.answer({"removed": 0 if dry_run else count, "meant": count, "freed": freed, "exit_code": 0})
    elif dry_run:
        run.console.lines(f"would remove {counted(count, 'answer')}")
    else:
        run.console.lines(f"removed {counted(count, 'answer')}, {_size(freed)}")


@as_command("store import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@grouped_option(
    Group.OUTPUT, "--dry-run", is_flag=True, show_default=False, help="Report how many there are; keep nothing."
)
@json_option
def import_answers(run: Run, files: tuple[Path, ...], dry_run: bool) -> ExitCode:
    """Take in the answers of other stores: their files (.sqlite), or what `store export` wrote (.jsonl).

    So the stores of several computers become one. An answer that is here already stays; the same question cannot have
    two answers, so another answer to it is named, and what is here stays too. The files are only read.

    \b
    Examples:
      marlin-edit store import node1.sqlite node2.sqlite
      marlin-edit store import answers.jsonl --dry-run
    """
    counts = dict.fromkeys(("new", "known", "different", "unreadable"), 0)
    with closing(_store(run)) as store:
        for path in files:
            answers = _answers_of(path)
            while batch := list(islice(answers, _AT_ONCE)):
                new: dict[Key, Kept] = {}
                for kept in batch:
                    state = "unreadable" if kept is None else _state(store, kept, new)
                    counts[state] += 1
                    if kept is not None and state == "new":
                        new[kept.key] = kept
                    elif kept is not None and state == "different":
                        run.console.warning(f"{path}: another answer about {kept.path} than here. The one here stays.")
                if not dry_run:
                    store.keep(list(new.values()))
    partial = bool(counts["different"] or counts["unreadable"])
    code = ExitCode.PARTIAL if partial else ExitCode.DONE
    if run.json:
        run.console.answer({**counts, "dry_run": dry_run, "exit_code": int(code)})
    taken = "would take in" if dry_run else "took in"
    run.console.receipt(f"{taken} {counted(counts['new'], 'answer')}; {counts['known']} were here already")
    if counts["unreadable"]:
        run.console.warning(f"{counted(counts['unreadable'], 'answer')} cannot be read and were left out.")
    return code


def _state(store: Store, kept: Kept, new: Mapping[Key, Kept]) -> str:
    """Whether an answer is new, known, or different from the one that is kept, or about to be, under its key."""
    here = new[kept.key].answer if kept.key in new else store.find(kept.key)
    if here is None:
        return "new"
    same = (here.raw, here.token_logprobs, here.stopped_by) == (
        kept.answer.raw, kept.answer.token_logprobs, kept.answer.stopped_by,
    )  # fmt: skip
    return "known" if same else "different"


def _answers_of(path: Path) -> Iterator[Kept | None]:
    """The answers in a file: of a store, or of an export."""
    try:
        with path.open("rb") as file:
            is_store = file.read(16).startswith(b"SQLite format 3")
            if is_store:
                yield from answers_in(path)
                return
            file.seek(0)
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _read(line, f"{path}, line {number}")
    except OSError as error:
        raise MarlinEditError(f"{path} cannot be read: {error.strerror or error}.") from error


for _made in (show, export, import_answers, prune):
    command.add_command(_made, str(_made.name).removeprefix("store "))


def parse_age(text: str) -> int:
    """Seconds of `12h`, `30d` or `4w`."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdigit()) or len(number) > 6:
        raise UsageError(f"{text!r} is not an age. Write hours, days or weeks, like 12h, 30d or 4w.")
    return int(number) * _UNITS[unit]


@dataclass
class _Group:
    """Answers about one media file by one model."""

    last: Kept
    answers: int = 0


def _store(run: Run) -> Store:
    return Store(store_path(run.settings), run.console.warning_once)


def _choice(media: str | None, model: str | None, before: float | None = None) -> Choice:
    """media: a file that is there stands for its content, whatever it was called when it was watched."""
    if media is not None and Path(media).is_file():
        from marlin_edit.media.fingerprints import fingerprint

        media = fingerprint(Path(media))
    return Choice(media, model, before)


_SCHEMA = "marlin-edit.answers/1"
_TERMS = ("prompt", "sampling", "generation")
_AT_ONCE = 500


def _document(kept: Kept) -> dict[str, Any]:
    key, answer = kept.key, kept.answer
    return {
        "media": {"fingerprint": key.media, "path": kept.path, "stream": key.stream},
        "window": [seconds_text(key.span.start), seconds_text(key.span.end)],
        "kind": key.question.kind.value,
        "query": key.question.query or None,
        "model": _model(kept),
        "prompt": key.terms.prompt,
        "sampling": key.terms.sampling,
        "generation": key.terms.generation,
        "raw": answer.raw,
        "stopped_by": answer.stopped_by,
        "token_logprobs": [number if math.isfinite(number) else None for number in answer.token_logprobs],
        "asked_at": _moment(kept),
    }


def _read(line: bytes, place: str) -> Kept:
    """An answer of a line of an export; MarlinEditError names the line that is none."""
    document = checked_object(parsed_json(utf8_text(line, "JSON"), place), place)
    try:
        media = checked_object(document["media"], f"{place}: media")
        start, end = document["window"]
        model = checked_object(document["model"], f"{place}: model")
        names = ("name", "revision", "profile", "dtype")
        key = Key(
            checked_text(media["fingerprint"], f"{place}: media", cleaned=False),
            int(media["stream"]),
            Span(parse_seconds(start), parse_seconds(end)),
            Question(QuestionKind(document["kind"]), document["query"] or ""),
            ModelIdentity(*(checked_text(model[name], f"{place}: model", cleaned=False) for name in names)),
            Terms(*(checked_text(document[name], place, cleaned=False) for name in _TERMS)),
        )
        numbers = tuple(-math.inf if one is None else float(one) for one in document["token_logprobs"])
        raw, stopped_by = (checked_text(document[name], place, cleaned=False) for name in ("raw", "stopped_by"))
        answer = Answer(raw, numbers, stopped_by)
        asked = document["asked_at"]
        moment = int(datetime.fromisoformat(asked).timestamp()) if asked else 0
        return Kept(key, answer, checked_text(media["path"], place, cleaned=False), moment)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MarlinEditError(f"{place}: this is no answer of `marlin-edit store export` ({error}).") from error


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"


def _model(kept: Kept) -> dict[str, str]:
    model = kept.key.model
    return {"name": model.name, "revision": model.revision, "profile": model.profile, "dtype": model.dtype}


def _moment(kept: Kept) -> str:
    """When it was asked, in UTC; nothing where the number is no time."""
    try:
        return datetime.fromtimestamp(kept.asked_at, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return ""


def _size(size: int) -> str:
    return f"{size / 10**6:.1f} MB" if size >= 10**5 else f"{size / 1000:.1f} kB"
