"""The few numbers that were chosen by measuring, and what measured them."""

from __future__ import annotations

# How much each part counts in a passage's score (rank.py). Chosen by one pass of coordinate search on the four LoCoMo
# dev conversations and the LongMemEval dev questions together, DENSE and TOOL on the samples' questions besides.
# benchmarks/LOG.md has the figures, benchmarks/recall.py measures them.
BM25, SHARE, DENSE, NEIGHBOURS = 0.3, 0.6, 2.0, 0.2
MATRIX, MATRIX_SESSION, BM25_SESSION = 0.8, 0.6, 1.0
TOOL = 1.0  # how far a tool's calls and results stand behind what people and assistants say

# The second reading of the best candidates (rerank.py), fitted by a softmax over them, cross-validated by conversation,
# on the same two sets; in units of the first score. READ_TOKENS bounds what a question costs: long passages are fewer.
MAXSIM, ASKS, ANSWERS, DATED = 4.8, 8.3, 6.2, 13.3
CANDIDATES, READ_TOKENS = 20, 1024

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
MEANING, WORDS, CROWD, FITS, HOLDS, BEHIND, DOUBT = 9.5, 4.1, 10.0, 11.5, 2.0, 3.1, 0.7
