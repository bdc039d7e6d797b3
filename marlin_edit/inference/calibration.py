"""From signals to a score: fitted on clips whose truth is known, kept for the one model that it was fitted for.

The score is a logistic regression of the standardised signals: about the share of findings like this one that were
true in the labelled clips. From `threshold` on a finding is accepted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from marlin_edit import files
from marlin_edit.analysis import Finding, ModelIdentity
from marlin_edit.errors import MarlinEditError
from marlin_edit.inference.measures import auroc
from marlin_edit.inference.signals import SIGNALS, SURE, VERSION
from marlin_edit.settings import Settings, data_directory
from marlin_edit.text import counted
from marlin_edit.video_model import Calibrated, VideoModel

SCHEMA = "marlin-edit.calibration/1"
"""A checkpoint may bring a calibration of its own under this name. One that the user made goes before it."""

_RIDGE = 1.0
_LEAST, _MOST = 0.02, 0.5
_FOLDS = 6
_FURTHER = 1.1
"""How many times as unsure as in the worst labelled video a model has to be, to be out of its depth."""
_STEPS = 100
_FEW_VIDEOS, _FEW_FINDINGS = 6, 20
_NO_MODEL = ModelIdentity("")


@dataclass(frozen=True)
class Example:
    """A finding whose truth is known, with the video it is from as its group.

    true: None where it is neither right nor wrong enough to learn from, as it shows the thing but not quite its time.
    """

    signals: Mapping[str, float]
    true: bool | None
    group: str


@dataclass(frozen=True)
class Calibration:
    """How signals become a score: least, most and weights are one for each of `names`; `about` tells of the fit.

    Of a signal counts where it lies from `least` (0) to `most` (1), no less and no more: what is surer than usual right
    answers are is no surer for that.

    known: the stems of all words that the model used in its captions of the labelled clips.
    """

    model: ModelIdentity
    names: tuple[str, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float
    known: frozenset[str] = frozenset()
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def videos(self) -> int:
        """Of how many videos it knows findings; 0 if its file does not say."""
        return _count(self.about.get("videos"))

    @property
    def findings(self) -> tuple[int, int]:
        """How many right and how many wrong findings it was learned from; 0 if its file does not say."""
        return _count(self.about.get("right")), _count(self.about.get("wrong"))

    @property
    def learned_from(self) -> str:
        """What it was learned from, in words: `16 videos (647 right and 3,903 wrong findings)`."""
        right, wrong = self.findings
        return f"{counted(self.videos, 'video')} ({right:,} right and {wrong:,} wrong findings)"

    @property
    def is_thin(self) -> bool:
        """Whether it was learned from so little that its scores may be far off."""
        return self.videos < _FEW_VIDEOS or min(self.findings) < _FEW_FINDINGS

    def score(self, signals: Mapping[str, float]) -> float:
        """0 to 1. A signal that is missing counts as half."""
        total = self.bias
        for name, least, most, weight in zip(self.names, self.least, self.most, self.weights, strict=True):
            part = (signals[name] - least) / (most - least) if name in signals else 0.5
            total += weight * max(0.0, min(1.0, part))
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


@dataclass(frozen=True)
class Installed:
    """A calibration where it is kept. own: whether the user made it; otherwise it came with the model."""

    calibration: Calibration
    path: Path
    own: bool

    def __str__(self) -> str:
        about = self.calibration
        made = about.about.get("made")
        when = f" of {made}" if isinstance(made, str) else ""
        return f"{'yours' if self.own else 'the one that came with it'}{when}, from {about.learned_from}"


def fit(
    model: ModelIdentity, examples: Sequence[Example], known: frozenset[str], hours: float, most_false: float
) -> Calibration:
    """A calibration from labelled findings.

    hours: footage times queries that the findings are of. most_false: how many false findings an hour of footage and a
    query may have at the threshold, by scores that each video got from a fit on the others. Raises MarlinEditError
    where there is too little to learn from.
    """
    learned = [example for example in examples if example.true is not None]
    true = sum(1 for example in learned if example.true)
    if true < 5 or len(learned) - true < 5:
        raise MarlinEditError(
            f"There are not enough answers to calibrate with: {true} right and {len(learned) - true} wrong ones, and "
            "at least 5 of each are needed. Label more clips, also with queries for things that are not there."
        )
    held_out = _held_out_scores(learned)
    order = sorted(zip(held_out, learned, strict=True), key=lambda pair: -pair[0])
    threshold, kept, false = _threshold([(score, bool(one.true)) for score, one in order], most_false * hours)
    fitted = _fitted(learned)
    about = {
        "made": date.today().isoformat(),
        "videos": len({example.group for example in examples}),
        "hours_times_queries": round(hours, 4),
        "right": true,
        "wrong": len(learned) - true,
        "kept": kept / true,
        "false_per_hour": false / hours if hours else None,
        "auroc": _auroc([(score, one.true) for score, one in order]),
        "signals": {name: worth(name, learned) for name in fitted.names},
        "sure": _least_sure(examples),
    }
    return replace(fitted, model=model, threshold=threshold, known=known, about=about)


def _least_sure(examples: Sequence[Example]) -> float | None:
    """How sure the model was of what it saw in the video where it was least sure; None if it does not say."""
    by_video: dict[str, list[float]] = {}
    for example in examples:
        if SURE in example.signals:
            by_video.setdefault(example.group, []).append(example.signals[SURE])
    return min((sum(each) / len(each) for each in by_video.values()), default=None)


def is_out_of_depth(calibration: Calibration, findings: Sequence[Finding]) -> bool:
    """Whether the model is clearly less sure of what it sees than in any video that it was calibrated on."""
    least = calibration.about.get("sure")
    sure = [finding.signals[SURE] for finding in findings if SURE in finding.signals]
    return isinstance(least, float) and bool(sure) and sum(sure) / len(sure) < _FURTHER * least


def worth(name: str, examples: Sequence[Example]) -> float | None:
    """The AUROC of a signal by itself: how often a right answer has more of it than a wrong one. 0.5 tells nothing."""
    return _auroc([(example.signals[name], example.true) for example in examples if name in example.signals])


def as_text(calibration: Calibration) -> str:
    """The file that keeps it."""
    content = {"schema": SCHEMA, "version": VERSION, **asdict(calibration), "known": sorted(calibration.known)}
    content["model"].pop("notice")
    return json.dumps(content, indent=1) + "\n"


def save(settings: Settings, calibration: Calibration) -> Path:
    """Keeps a calibration for its model, in place of an earlier one; gives its file."""
    make_place(settings)
    path = _path(settings, calibration.model)
    files.write_output(path, as_text(calibration), overwrite=True)
    return path


def make_place(settings: Settings) -> None:
    """Makes the directory of the user's calibrations; MarlinEditError where that cannot be."""
    place = data_directory(settings) / "calibrations"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MarlinEditError(
            f"Calibrations cannot be kept in {place}: {error.strerror}. Name a file with -o FILE.json instead."
        ) from error


def calibration_of(settings: Settings, model: ModelIdentity, bundled: Path | None = None) -> Calibration | None:
    """The calibration for a model: the user's own, else the one that came with it, else None.

    Raises MarlinEditError for a file that cannot be read. One that was made for other weights, or for signals as
    another version made them, is none.
    """
    found = installed_calibration(settings, model, bundled)
    return None if found is None else found.calibration


def installed_calibration(settings: Settings, model: ModelIdentity, bundled: Path | None = None) -> Installed | None:
    """The calibration that counts for a model, and where it is; as `calibration_of`."""
    for path in (_path(settings, model), bundled):
        if path is None:
            continue
        found = read_calibration(path)
        if found is not None and _key(found.model) == _key(model):
            return Installed(found, path, path is not bundled)
    return None


def own_calibrations(settings: Settings) -> list[Installed]:
    """All that the user made, by model; files that cannot be read are left out."""
    try:
        paths = sorted((data_directory(settings) / "calibrations").glob("*.json"))
    except MarlinEditError:
        return []
    found = []
    for path in paths:
        with suppress(MarlinEditError):
            calibration = read_calibration(path)
            if calibration is not None:
                found.append(Installed(calibration, path, own=True))
    return sorted(found, key=lambda one: _key(one.calibration.model))


def remove(settings: Settings, model: ModelIdentity) -> Path | None:
    """Removes the user's calibration for a model; gives the file that it was, or None if there was none."""
    path = _path(settings, model)
    try:
        path.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MarlinEditError(f"{path} cannot be removed: {error.strerror}.") from error
    return path


def least_score(settings: Settings, threshold: float | None) -> float | None:
    """From which score on findings are accepted: as the settings want it, else as calibrated; 0 accepts everything."""
    if settings.value("all", bool):
        return 0.0
    given = settings.optional("min_score", float)
    return threshold if given is None else given


def bundled_calibration(model: VideoModel) -> Path | None:
    """The calibration that came with a model, if it brings one."""
    return model.calibration if isinstance(model, Calibrated) else None


def read_calibration(path: Path) -> Calibration | None:
    """The calibration in a file; None where there is no file, or it was made for other signals.

    Raises MarlinEditError for a file that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise MarlinEditError(f"The calibration {path} cannot be read: {error}.") from error
    try:
        content = json.loads(text)
        if content["schema"] != SCHEMA or content["version"] != VERSION:
            return None
        model = ModelIdentity(**{key: str(value) for key, value in content["model"].items()})
        least, most, weights = (tuple(map(float, content[key])) for key in ("least", "most", "weights"))
        names = tuple(str(name) for name in content["names"])
        threshold = float(content["threshold"])
        bias = float(content["bias"])
        if not 0 <= threshold <= 1 or not all(map(math.isfinite, (*least, *most, *weights, bias))):
            raise ValueError("its numbers are out of range")
        if any(low >= high for low, high in zip(least, most, strict=True)):
            raise ValueError("its numbers are inconsistent")
        if not len(least) == len(names) == len(weights) or not isinstance(content["about"], dict):
            raise ValueError("its parts are inconsistent")
        known = frozenset(str(word) for word in content["known"])
        return Calibration(model, names, least, most, weights, bias, threshold, known, content["about"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise MarlinEditError(
            f"{path} is not a calibration ({error}). Delete it, or make a new one with `marlin-edit calibrate`."
        ) from error


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _path(settings: Settings, model: ModelIdentity) -> Path:
    name = hashlib.sha256("\n".join(_key(model)).encode()).hexdigest()[:24]
    return data_directory(settings) / "calibrations" / f"{name}.json"


def _key(model: ModelIdentity) -> tuple[str, ...]:
    return model.name, model.revision, model.profile, model.dtype


def _fitted(examples: Sequence[Example]) -> Calibration:
    """Logistic regression with a ridge, by Newton's method; of no model yet, and without a threshold."""
    import numpy as np

    names = tuple(name for name in SIGNALS if any(name in example.signals for example in examples))
    values = np.array([[example.signals.get(name, math.nan) for name in names] for example in examples])
    true = np.array([1.0 if example.true else 0.0 for example in examples])
    least = np.nanquantile(values, _LEAST, axis=0)
    most = np.nanquantile(values[true == 1], _MOST, axis=0)
    varying = most - least > 1e-9
    names = tuple(name for name, one in zip(names, varying, strict=True) if one)
    values, least, most = values[:, varying], least[varying], most[varying]
    parts = np.nan_to_num(np.clip((values - least) / (most - least), 0, 1), nan=0.5)
    spread = np.maximum(parts.std(axis=0), 1e-9)
    table = np.hstack([parts, np.ones((len(parts), 1))])
    ridge = np.diag([*(_RIDGE * spread**2), 1e-6])
    weights = np.zeros(len(names) + 1)
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-np.clip(table @ weights, -60, 60)))
        slope = table.T @ (likely - true) + ridge @ weights
        bend = (table * (likely * (1 - likely))[:, None]).T @ table + ridge
        step = np.linalg.solve(bend, slope)
        weights -= step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-8:
            break
    *each, bias = (float(weight) for weight in weights)
    return Calibration(_NO_MODEL, names, tuple(map(float, least)), tuple(map(float, most)), tuple(each), bias, 0.5)


def _held_out_scores(examples: Sequence[Example]) -> list[float]:
    """The score that each example gets from a fit without its video (or without some of them, where there are many)."""
    groups = sorted({example.group for example in examples})
    fold_of = {group: number % min(_FOLDS, len(groups)) for number, group in enumerate(groups)}
    fits: dict[int, Calibration] = {}
    for fold in set(fold_of.values()):
        others = [example for example in examples if fold_of[example.group] != fold]
        fits[fold] = _fitted(others if len({example.true for example in others}) == 2 else examples)
    return [fits[fold_of[example.group]].score(example.signals) for example in examples]


def _threshold(ranked: Sequence[tuple[float, bool]], most_false: float) -> tuple[float, int, int]:
    """Threshold, and how many true and false ones it keeps, of scores from the highest on.

    It keeps as many true ones as it can with at most so many false ones, and lies in the middle of the gap below.
    """
    best = (1.0, 0, 0)
    kept = false = 0
    for place, (score, true) in enumerate(ranked):
        kept, false = kept + true, false + (not true)
        if false > most_false:
            break
        following = ranked[place + 1][0] if place + 1 < len(ranked) else 0.0
        if true and following < score:
            best = ((score + following) / 2, kept, false)
    return best


def _auroc(values: Sequence[tuple[float, bool | None]]) -> float | None:
    right = [value for value, true in values if true]
    wrong = [value for value, true in values if true is False]
    return auroc(right, wrong).value if right and wrong else None
