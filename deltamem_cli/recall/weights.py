"""The few numbers that were chosen by measuring, and what measured them."""

from __future__ import annotations

# How much each part counts in a passage's score (rank.py says what they are). Chosen by one pass of coordinate search
# on the four LoCoMo dev conversations and the LongMemEval dev questions together, "dense" and "tool" on the samples'
# questions besides, "when" as half of what a fit of the first reading alone gives it. benchmarks/LOG.md has the
# figures, benchmarks/recall.py measures them, benchmarks/ablation.py takes each away.
FIRST = {
    "share": 0.6,
    "dense": 2.0,
    "beside": 0.3,
    "matrix": 0.8,
    "matrix session": 0.6,
    "bm25 session": 1.0,
    "when": 6.0,
    "tool": -1.0,
}

# What the second reading of the best candidates (rerank.py) adds to that: a softmax over the candidates on the same
# two sets, cross-validated by conversation. benchmarks/fit.py fits it anew, and would have the second reading count
# three times as much; benchmarks/LOG.md says why it does not. READ_TOKENS bounds what a question costs: of long
# passages fewer are read. BESIDE tokens of the passage before are read along.
SECOND = {
    "maxsim": 4.4,
    "when": 8.7,
    "asks": -4.9,
    "answers": 2.4,
    "tells time": 6.4,
}
CANDIDATES, READ_TOKENS, BESIDE = 30, 1500, 24

# familiarity = 1 / (1 + exp(−(EXPLAINED · ratio + FOUND · ln(best read) + OFFSET))), a logistic regression that
# benchmarks/familiarity.py fits to questions asked of the memory they belong to, and of others.
EXPLAINED, FOUND, OFFSET = 11.6, 2.1, -6.4

# The same for each rule; those without a P know no ratio.
FAMILIAR = {"rls": (EXPLAINED, FOUND, OFFSET), "delta": (0.0, 3.6, 5.3), "slots": (0.0, 3.5, 4.8)}

# Below this familiarity a question is about nothing in the memory, unless one passage holds most of its words: a rare
# word that was said once is worth finding even if the matrix hardly noticed it. Chosen low, because to hide an answer
# is worse than to show a poor one (benchmarks/familiarity.py prints both errors).
UNFAMILIAR, MOST_WORDS = 0.15, 0.4

# When a later answer takes the place of an older one (supersede.py): a logistic regression that benchmarks/facts.py
# fits to one half of the facts that change, with LoCoMo's and LongMemEval's answers as those that replace nothing.
MEANING, WORDS, CROWD, FITS, HOLDS, BEHIND, TRAILS, DOUBT = 7.5, 4.6, 7.9, 9.9, 1.5, 10.6, 2.9, -0.8
