# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # After labelling
#
# A classifier is published to be used: it scores new videos, is combined with others, and is watched, because new videos
# are not like those it has learned from. When it gets worse, a few more labels mend it.
#
# Here last week's videos (A) show days without snow. This week's (B) show nights, snow and deserts, which the classifier
# has never seen. The videos are rendered, so everything works offline, and the truth is known.

# %%
import va_widgets as va
from va_widgets.experiments import label_by_oracle

demo = va.demo.corpus("corpus")
is_new = demo.clips[["truth:night", "truth:snow", "truth:desert"]].any(axis=1)
truths = [column for column in demo.clips if column.startswith("truth:")]
parts = demo.clips[["video", "start", "end", *truths]]
a = va.Corpus.from_manifest("week-1", parts[~is_new], videos="corpus/videos", encoder="va-tiny")
b = va.Corpus.from_manifest("week-2", parts[is_new], videos="corpus/videos", encoder="va-tiny")
a, b

# %% [markdown]
# ## Deploy
#
# A script labels 60 clips of A by the truth, where an expert would use the annotator of the first notebook. Publishing
# writes a folder with the weights, a card and pictures, which says where the classifier comes from and how good it is.

# %%
session = va.Session(a, "triangle", annotator="kelli")
if session.labels.empty:
    label_by_oracle(session, va.demo.truth_of(a, "triangle"), budget=60)
v1 = session.publish("triangle")
v1

# %% [markdown]
# All models score all corpora in one pass over the embeddings; the scores are Parquet files, and a second call scores only
# what is new.

# %%
for concept in ("red", "city"):
    other = va.Session(a, concept, annotator="kelli")
    if other.labels.empty:
        label_by_oracle(other, va.demo.truth_of(a, concept), budget=60)
    other.publish(concept)
a.models

# %%
va.score([a, b], [*a.models.index.unique()], out="scores")

# %% [markdown]
# ## Combine
#
# A query combines models with each other and with columns. A bare name means "at its threshold or above"; the clips come
# ranked by how well they fit.

# %%
a.query("triangle and red and not city", k=5)

# %% [markdown]
# The explorer shows the clips of a query. Type into its box, drag a threshold, look at one video's timeline, export a reel.

# %%
va.Explorer(a, query="triangle and red")

# %% [markdown]
# ## Watch
#
# How good is the classifier on B? Nobody has labelled B. `va.monitor` compares its clips with those that the classifier
# was published from, and draws a sample of 20, whose labels estimate precision and recall, whatever the scores are worth.

# %%
report = va.monitor(v1, b, budget=20)
report

# %%
fix = report.session(annotator="kelli")
va.Annotator(fix)  # label the feed "sample" here

# %% [markdown]
# Again a script labels by the truth. Then the estimate can be held against the whole truth, which nobody has in real life.

# %%
truth = va.demo.truth_of(b, "triangle")
fix.label({clip: bool(truth[clip]) for clip in report.sample["clip_id"]}, source="sample")
report.estimate()

# %%
found = v1.score_corpus(b) >= v1.threshold
print(f"Truth: precision {truth[found].mean():.2f}, recall {found[truth].mean():.2f}, prevalence {truth.mean():.2f}")

# %% [markdown]
# ## Fix, and publish again
#
# The session goes on from version 1: it learns from the labels of A and the new ones together. Two more pages come from the
# feeds, which choose what teaches most. `compare` shows which clips change sides, and which version is better on the same
# labels, each clip judged by a classifier that was not fitted to it.

# %%
label_by_oracle(fix, truth, budget=20)
v2 = fix.publish("triangle")
v2.compare(v1, b)

# %% [markdown]
# The comparison is careful, as it has few labels to go by, and says so. The whole truth, which nobody has in real life:

# %%
from sklearn.metrics import average_precision_score

for model in (v1, v2):
    ap = average_precision_score(truth, model.score_corpus(b))
    print(f"Version {model.version}: average precision {ap:.2f} on all of B, by the truth")
