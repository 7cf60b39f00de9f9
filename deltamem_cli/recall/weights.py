"""The few numbers that were chosen by measuring, and what measured them."""

from __future__ import annotations

# How much each part counts in a passage's score (first_stage.py and rerank.py say what they are): one softmax over the
# passages of each memory, fitted by benchmarks/fit.py to coding sessions, chats with an assistant and talk of people,
# every domain weighing the same; benchmarks/LOG.md has what each domain gets from the weights of the others.
FIRST = {
    "share": 0.27,
    "dense": 0.75,
    "matrix": 0.54,
    "bm25 session": 0.5,
    "tool": -2.2,
    "edge": 1.0,
    "mine": 1.6,
    "when": 2.0,
}
SECOND = {
    "maxsim": 0.7,
    "asks": -0.6,
    "answers": 1.1,
    "tells time": 0.8,
}

# Of the best so many are looked at again; READ_TOKENS bounds what their late interaction costs: of long passages fewer
# are read. BESIDE tokens of the passage before are read along.
CANDIDATES, READ_TOKENS, BESIDE = 30, 600, 24

# How familiar a question is (familiarity.py): a logistic regression that benchmarks/familiarity.py fits to questions
# asked of the memory they belong to, and of others. Below UNFAMILIAR nothing fits well.
FAMILIAR = {"share": 3.4, "dense": 4.7, "matrix": 3.5, "size": -0.28, "offset": -2.0}
UNFAMILIAR = 0.11

# When a later answer takes the place of an older one (supersede.py): a logistic regression that benchmarks/facts.py
# fits to one half of the facts that change, with LoCoMo's and LongMemEval's answers as those that replace nothing.
MEANING, WORDS, CROWD, FITS, HOLDS, BEHIND, TRAILS, DOUBT = 7.5, 4.6, 7.9, 9.9, 1.5, 10.6, 2.9, -0.8
