"""Learners: functions that fit a scorer to labelled embeddings; VA's, other packages' and ours."""

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
from va_widgets.learning.views import choose_space

_FOLDS = 5


def logistic(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """Fit VA's classifier (`fit_logistic`); while all labels are of one class, see `_one_class_ranking`."""
    if y.all() or not y.any():
        return _one_class_ranking(task, rows, y)
    fitted, task.memory["quality"] = fit_logistic(task.X[rows], y)
    return fitted


def fit_logistic(X: NDArray[np.floating[Any]], y: NDArray[np.bool_]) -> tuple[Linear, float]:
    """Fit VA's classifier to embeddings (n, dim) and labels of both classes; returns it and its cross-validated AP.

    Logistic regression with at most 1,000 iterations. C is chosen from scikit-learn's ten values by 5-fold stratified
    cross-validation on average precision, with folds shuffled by seed 0 (Ziai and Vartakavi, arXiv 2402.06560, and its
    release). With a single label of a class, or fewer than five of both, C is 1 and the AP is 0.
    """
    fewer, more = sorted((int(y.sum()), int((~y).sum())))
    with warnings.catch_warnings():
        # scikit-learn warns of folds without positives, and of parameters that it renames in later versions.
        warnings.simplefilter("ignore")
        if fewer < 2 or more < _FOLDS:
            fit, quality = LogisticRegression(max_iter=1000).fit(X, y), 0.0
        else:
            folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
            fit = LogisticRegressionCV(cv=folds, scoring="average_precision", max_iter=1000).fit(X, y)
            quality = _cross_validated_ap(fit)
    return Linear(fit.coef_[0], float(np.ravel(fit.intercept_)[0])), quality


def _cross_validated_ap(fit: LogisticRegressionCV) -> float:
    """Return the mean over the folds of the AP with the chosen C."""
    scores = fit.scores_
    if isinstance(scores, Mapping):  # scikit-learn before 1.10 returns a dict by class
        (scores,) = scores.values()
    return float(np.asarray(scores).reshape(_FOLDS, -1).mean(axis=0).max())


def zero_shot_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """Rank by the text alone and ignore the labels."""
    if task.text is None:
        return _one_class_ranking(task, rows, y)
    return Linear(task.text)


def rocchio_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """Score by the difference of distances to the classes' means: prototypes, as in FiftyOne's few-shot panel."""
    if y.all() or not y.any():
        return _one_class_ranking(task, rows, y)
    positive_mean, negative_mean = task.X[rows[y]].mean(axis=0), task.X[rows[~y]].mean(axis=0)

    def fitted(X: NDArray[np.float32]) -> Scores:
        return np.linalg.norm(X - negative_mean, axis=1) - np.linalg.norm(X - positive_mean, axis=1)

    return fitted


def perch_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """Fit a linear probe with weak negatives, as in Perch Hoplite's agile modelling.

    128 steps of Adam at 1e-3 on the binary cross-entropy. A batch has 128 labelled clips, shuffled and repeated, and
    128 unlabelled clips that count as negatives of weight 0.05. Weights start at 0: with embeddings of length 1, 128
    steps are too few to make up for a random start.
    """
    steps, size, rate, weight = 128, 128, 1e-3, 0.05
    rng = np.random.default_rng([task.seed, len(rows)])
    n, dim = task.X.shape
    labelled = np.concatenate([rng.permutation(len(rows)) for _ in range(-(-steps * size // len(rows)))])
    unlabelled = np.setdiff1d(np.arange(n), rows)
    weights = np.zeros(dim + 1, dtype=np.float64)
    velocity, square = np.zeros(dim + 1), np.zeros(dim + 1)
    for step in range(1, steps + 1):
        batch = labelled[(step - 1) * size : step * size]
        weak = rng.choice(unlabelled, size) if len(unlabelled) else unlabelled
        X = task.X[np.concatenate([rows[batch], weak])]
        targets = np.concatenate([y[batch].astype(np.float64), np.zeros(len(weak))])
        residual = expit(X @ weights[:dim] + weights[dim]) - targets
        residual[len(batch) :] *= weight
        gradient = np.append(X.T @ residual, residual.sum()) / len(X)
        velocity = 0.9 * velocity + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weights -= rate * (velocity / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-7)
    return Linear(weights[:dim], float(weights[dim]))


def text_probe_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """Fit a linear probe that starts at the text, by 300 steps of gradient descent.

    ZS-LP of Silva-Rodriguez et al., "A Closer Look at the Few-Shot Adaptation of Large Vision-Language Models"
    (CVPR 2024), for one class: weights start at the text's direction with CLIP's temperature (logits are 100 times the
    cosine), each batch has all labels, the step size falls from 0.1 along a cosine, momentum is 0.9, and both classes
    have the same weight. The original compares a class's text with those of the other classes; as there are none here,
    the intercept is at the mean cosine of all clips instead.
    """
    if task.text is None or y.all() or not y.any():
        return _one_class_ranking(task, rows, y)
    steps, temperature = 300, 100.0
    X = task.X[rows]
    mean_score = float(task.zero_shot_scores.mean())
    sample_weights = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
    weights, bias = task.text.astype(np.float64) / np.linalg.norm(task.text), -mean_score
    velocity = np.zeros(len(weights) + 1)
    for step in range(steps):
        residual = sample_weights * (expit(temperature * (X @ weights + bias)) - y)
        gradient = np.append(X.T @ residual, residual.sum())
        velocity = 0.9 * velocity - 0.1 * 0.5 * (1 + np.cos(np.pi * step / steps)) * gradient
        weights, bias = weights + velocity[:-1], bias + velocity[-1]
    return Linear(weights * temperature, bias * temperature)


def our_learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """Fit a classifier as a session does, with the text, the statistics of the corpus, and the views that matter."""
    labelled = task.parts(task.X[rows])
    space = choose_space(task.statistics, task.other_views, labelled, y, task.text, {})
    task.memory["space"] = space
    fit = Classifier(space.text(task.text, {}), space.statistics).fit(space.joined(labelled), y)
    linear = space.linear(fit)
    coef = np.concatenate([linear.coefs.get(name, np.zeros(part.shape[1])) for name, part in labelled.items()])
    plain = Linear(coef, linear.intercept)

    def fitted(X: NDArray[np.float32]) -> Scores:
        scores = plain(X)
        for name, missing in linear.missing.items():
            scores[~task.parts(X)[name].any(axis=1)] += missing
        return scores

    return fitted if linear.missing else plain


def _one_class_ranking(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
    """Rank while all labels are of one class: by the text, else towards the positives or away from the negatives.

    With a text, the mean score over all clips is subtracted. Feeds of uncertain clips, which look near 0, then get
    clips from the middle of the text's ranking.
    """
    if task.text is not None:
        return Linear(task.text, -float(task.zero_shot_scores.mean()))
    mean = task.X[rows].mean(axis=0)
    return Linear(mean if y.all() else -mean)
