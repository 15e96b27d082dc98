"""Learners: what is learned from the labels, VA's, other packages' and ours."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

from va_widgets.experiments.tasks import Fitted, Linear, Rows, Scores, Task
from va_widgets.learning.classifier import Classifier

_FOLDS = 5


def logistic(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """VA's classifier, `fit_logistic`; as long as all labels agree the text ranks, or else the mean of the labelled."""
    if y.all() or not y.any():
        return _agreed(task, rows, y)
    fitted, task.memory["quality"] = fit_logistic(task.X[rows], y)
    return fitted


def fit_logistic(X: NDArray[np.floating[Any]], y: NDArray[np.bool_]) -> tuple[Linear, float]:
    """VA's classifier of embeddings (n, dim) and labels of both classes: (it, its cross-validated AP).

    Logistic regression, C out of scikit-learn's ten by 5-fold stratified cross-validation on average precision, the
    folds shuffled with seed 0, at most 1,000 iterations (Ziai and Vartakavi, arXiv 2402.06560, and its release). Where
    that cannot be done, with a single label of a class or fewer than five of either, C is 1 and the AP is 0.
    """
    least, most = sorted((int(y.sum()), int((~y).sum())))
    with warnings.catch_warnings():
        # Folds without positives, and names of parameters that change between scikit-learn's versions.
        warnings.simplefilter("ignore")
        if least < 2 or most < _FOLDS:
            fit, quality = LogisticRegression(max_iter=1000).fit(X, y), 0.0
        else:
            folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
            fit = LogisticRegressionCV(cv=folds, scoring="average_precision", max_iter=1000).fit(X, y)
            quality = _cross_validated(fit)
    return Linear(fit.coef_[0], float(np.ravel(fit.intercept_)[0])), quality


def _cross_validated(fit: LogisticRegressionCV) -> float:
    """The mean over folds of the AP with the C that was chosen."""
    scores = fit.scores_
    if isinstance(scores, Mapping):  # by class before scikit-learn 1.10
        (scores,) = scores.values()
    return float(np.asarray(scores).reshape(_FOLDS, -1).mean(axis=0).max())


def zero_shot_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """The text alone, whatever the labels say."""
    if task.text is None:
        return _agreed(task, rows, y)
    return Linear(task.text)


def rocchio_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """How much nearer the positives' mean is than the negatives': the prototypes of FiftyOne's few-shot panel."""
    if y.all() or not y.any():
        return _agreed(task, rows, y)
    yes, no = task.X[rows[y]].mean(axis=0), task.X[rows[~y]].mean(axis=0)

    def fitted(X: NDArray[np.float32]) -> Scores:
        return np.linalg.norm(X - no, axis=1) - np.linalg.norm(X - yes, axis=1)

    return fitted


def perch_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """A linear probe with weak negatives, as in Perch Hoplite's agile modelling.

    128 steps of Adam at 1e-3 on the binary cross-entropy; a batch is 128 labels, shuffled and repeated, and 128
    unlabelled clips that count as negatives of weight 0.05. Weights start at 0 rather than at random, which embeddings
    of length 1 would not outgrow in 128 steps.
    """
    steps, size, rate, weight = 128, 128, 1e-3, 0.05
    rng = np.random.default_rng([task.seed, len(rows)])
    n, dim = task.X.shape
    labelled = np.concatenate([rng.permutation(len(rows)) for _ in range(-(-steps * size // len(rows)))])
    unlabelled = np.setdiff1d(np.arange(n), rows)
    weights = np.zeros(dim + 1, dtype=np.float64)
    speed, square = np.zeros(dim + 1), np.zeros(dim + 1)
    for step in range(1, steps + 1):
        some = labelled[(step - 1) * size : step * size]
        weak = rng.choice(unlabelled, size) if len(unlabelled) else unlabelled
        X = task.X[np.concatenate([rows[some], weak])]
        targets = np.concatenate([y[some].astype(np.float64), np.zeros(len(weak))])
        pull = expit(X @ weights[:dim] + weights[dim]) - targets
        pull[len(some) :] *= weight
        gradient = np.append(X.T @ pull, pull.sum()) / len(X)
        speed = 0.9 * speed + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weights -= rate * (speed / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-7)
    return Linear(weights[:dim], float(weights[dim]))


def text_probe_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """A linear probe that starts at the text: CLIP's logits of cosines, then 300 steps of gradient descent.

    ZS-LP of Silva-Rodriguez et al., "A Closer Look at the Few-Shot Adaptation of Large Vision-Language Models"
    (CVPR 2024), for one class: weights start at the text's direction with CLIP's temperature (logits are 100 times the
    cosine), all labels in a batch, step size 0.1 that falls as a cosine, momentum 0.9, classes weighing the same. What
    one class lacks, the other classes' texts to compare with, is an intercept at the mean cosine of all clips.
    """
    if task.text is None or y.all() or not y.any():
        return _agreed(task, rows, y)
    steps, temperature = 300, 100.0
    X = task.X[rows]
    middle = float(task.nearness.mean())
    share = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
    weights, bias = task.text.astype(np.float64) / np.linalg.norm(task.text), -middle
    speed = np.zeros(len(weights) + 1)
    for step in range(steps):
        pull = share * (expit(temperature * (X @ weights + bias)) - y)
        gradient = np.append(X.T @ pull, pull.sum())
        speed = 0.9 * speed - 0.1 * 0.5 * (1 + np.cos(np.pi * step / steps)) * gradient
        weights, bias = weights + speed[:-1], bias + speed[-1]
    return Linear(weights * temperature, bias * temperature)


def our_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """`learning.Classifier` with what a session knows of its corpus: the text and the backdrop."""
    fit = Classifier(task.text, task.backdrop).fit(task.X[rows], y)
    return Linear(fit.coef_[0], float(fit.intercept_[0]))


def _agreed(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """A ranking where all labels agree: by the text, else towards the positives or away from the negatives.

    With a text, 0 is the mean over all clips, so that those in doubt are neither what the text finds nor its contrary.
    """
    if task.text is not None:
        return Linear(task.text, -float(task.nearness.mean()))
    mean = task.X[rows].mean(axis=0)
    return Linear(mean if y.all() else -mean)
