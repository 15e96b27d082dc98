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
# # A video classifier in a notebook cell
#
# You have a few hundred shots and want to find all shots of one kind. You **search** for the first examples, **label** the
# clips that the feeds show you, and **review** your labels. The classifier is refitted after every batch of labels.
#
# The videos here are rendered, so everything works offline. Run all cells, then come back to the annotator; the first
# time it takes a few minutes to render the videos and to build the corpus.

# %%
import va_widgets as va

corpus = va.demo.corpus("corpus")  # your own videos: va.Corpus.build("my-corpus", videos="my-videos/", encoder=…)
corpus

# %% [markdown]
# ## Label
#
# The annotator has searched for the concept's own words. For others, type a description into the search box and press
# Enter: `city at night`. Then label with the keyboard, with the pointer away from the cards: the **arrow keys** move
# between cards, **Y** is yes, **N** is no, **U** is unsure, and **Z** undoes the last label. `?` shows all keys. After a page
# or two, open *Feeds*: clips with the highest and the lowest scores, clips that the classifier is unsure about, and random
# ones.

# %%
session = va.Session(corpus, concept="night city", annotator="me")
va.Annotator(session)

# %% [markdown]
# ## Look at your labels and scores
#
# Each label is saved to the corpus folder at once. After a restart of the kernel, run all cells again: the labels are
# still there.

# %%
session.labels.tail()

# %%
session.scores().nlargest(5)

# %% [markdown]
# ## The same by script
#
# The true labels of these rendered videos are known, so a script can act as the annotator: it searches for "rain", labels
# the first page, and then labels pages of the feeds, 60 clips in all.

# %%
from va_widgets.experiments import label_by_oracle

rain = va.Session(corpus, concept="rain", annotator="a script")
if rain.labels.empty:
    run = label_by_oracle(rain, va.demo.truth_of(corpus, "rain"), budget=60)
    display(run.curve)
rain

# %% [markdown]
# ## Publish
#
# A published model is a folder with the weights and a model card. It can score any corpus that was built with the same
# encoder.

# %%
model = rain.publish("rain")
model.score_corpus(corpus).nlargest(5)
