"""Show which answers are kept on this computer, write them out, or remove some."""

from __future__ import annotations

import json
import math
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from marlin_edit.commands import Function, as_command, json_option
from marlin_edit.errors import UsageError
from marlin_edit.files import refuse_existing, staged
from marlin_edit.inference.store import Choice, Kept, Store, store_path
from marlin_edit.timebase import seconds_text
from marlin_edit.workflow.run import Run

_UNITS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}


class StoreGroup(click.Group):
    """`store` alone, or with options only, is `store show`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("store", cls=StoreGroup)
def command() -> None:
    """Show which answers are kept on this computer, write them out, or remove some.

    What a model has answered is kept, and not asked again of the same media, window and model. `marlin-edit store`
    alone shows where the answers are and how many of which media and model. --no-store on a command does without them.
    """


def choice_options(function: Function) -> Function:
    """--media and --model, as `media: str | None` and `model: str | None`."""
    function = click.option(
        "--model", "model", metavar="NAME", help="Answers of this model: its name, or NAME@REVISION."
    )(function)
    return click.option("--media", "media", metavar="FILE", help="Answers about this file, or one that had this name.")(
        function
    )


@as_command("store show")
@choice_options
@json_option
def show(run: Run, media: str | None, model: str | None) -> None:
    """Show where the answers are, and how many of which media and model."""
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
        run.console.lines(f"{_many(total)} in {store.path} ({state})")
        for path in store.set_aside():
            run.console.lines(f"set aside: {path}")


@as_command("store export", settings=["overwrite"])
@click.option("-o", "--output", metavar="FILE", help="File to write; without it, or with `-`, stdout.")
@choice_options
@json_option
def export(run: Run, output: str | None, media: str | None, model: str | None) -> None:
    """Write the answers out: JSON lines, one an answer; with --json one document."""
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
    run.console.receipt(f"wrote {path}: {_many(count)}")


@as_command("store prune")
@click.option("--all", "everything", is_flag=True, help="Remove every answer.")
@click.option(
    "--older-than",
    "age",
    metavar="AGE",
    callback=lambda _, __, given: None if given is None else parse_age(given),
    help="Remove what was asked longer ago: hours (12h), days (30d) or weeks (4w).",
)
@choice_options
@click.option("--dry-run", is_flag=True, help="Say how many it would be, and remove nothing.")
@json_option
def prune(run: Run, everything: bool, age: int | None, media: str | None, model: str | None, dry_run: bool) -> None:
    """Remove answers: all, or those that fit everything that is given."""
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
        run.console.lines(f"would remove {_many(count)}")
    else:
        run.console.lines(f"removed {_many(count)}, {_size(freed)}")


for _made in (show, export, prune):
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


def _many(count: int) -> str:
    return "1 answer" if count == 1 else f"{count} answers"


def _size(size: int) -> str:
    return f"{size / 10**6:.1f} MB" if size >= 10**5 else f"{size / 1000:.1f} kB"
