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
# You have a few hundred shots and a thing you want to find in all of them. You will **search** for the first examples,
# **label** what the feeds show you, and **review** your labels. Every batch of labels refits the classifier.
#
# The videos here are rendered, so everything works offline. Run all cells, then come back to the annotator.

# %%
import va_widgets as va

corpus = va.demo.corpus("corpus")  # your own videos: va.Corpus.build("my-corpus", videos="my-videos/", encoder=…)
corpus

# %% [markdown]
# ## Label
#
# Type what you look for into the search box and press Enter: `city at night`. Then, with the mouse over nothing and the
# hands on the keyboard: **arrows** move, **Y** is yes, **N** is no, **U** is unsure, **Z** takes it back. `?` shows all keys.
# After a page or two open *Feeds*: the clips the classifier is surest of, those it cannot decide on, a random draw.

# %%
session = va.Session(corpus, concept="night city", annotator="me")
va.Annotator(session)

# %% [markdown]
# ## Look at what you have
#
# Labels are on disk the moment you give them, in the corpus folder. Restart the kernel and run all again: they are still there.

# %%
session.labels.tail()

# %%
session.scores().nlargest(5)

# %% [markdown]
# ## The same by script
#
# The truth about these rendered videos is known, so a script can play the annotator: it searches for "rain", labels the
# first page, then goes through the feeds, 60 labels in all.

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
# A published model is a folder with the weights and a card that says what they are. It scores any corpus that was
# built with the same encoder.

# %%
model = rain.publish("rain")
model.score_corpus(corpus).nlargest(5)
